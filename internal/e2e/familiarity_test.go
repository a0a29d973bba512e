package e2e_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// clouds writes a folder of classes of soft pictures.
func clouds(t *testing.T, classes, each int) string {
	t.Helper()
	dir, random := t.TempDir(), rand.New(rand.NewPCG(1, 1))
	for c := range classes {
		folder := filepath.Join(dir, fmt.Sprintf("class%d", c))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range each {
			a, b, phase := 2+4*random.Float64(), 2+4*random.Float64(), 6*random.Float64()
			picture := image.NewRGBA(image.Rect(0, 0, 48, 48))
			for y := range 48 {
				for x := range 48 {
					v := math.Sin(float64(x)/a+phase) + math.Cos(float64(y)/b)
					grain := 6 * random.NormFloat64()
					picture.SetRGBA(x, y, color.RGBA{uint8(120 + 40*v + grain), uint8(100 + 30*v + grain), uint8(90 - 20*v), 255})
				}
			}
			file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%d.png", i)))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(file, picture); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestOwnModelTellsWhatIsForeign: calibrate writes into the card of one's own model what
// is familiar to it; eval, compare and a server tell it.
func TestOwnModelTellsWhatIsForeign(t *testing.T) {
	small, _ := fixture.SmallModel(t, 1)
	data, own := clouds(t, 6, 40), filepath.Join(t.TempDir(), "own.safetensors")
	part := []string{"--layout", "own", "--split", "class", "--hold-out", "3"}
	told := proctest.Succeed(t, append([]string{"calibrate", own, "--from", small, "--scale", "1", "--data", data, "--familiarity", "120"}, part...)...)
	if want := "familiarity: 120 pictures known and 120 kept apart"; !strings.Contains(told, want) {
		t.Errorf("calibrate printed %q, want %q in it", told, want)
	}
	if info := proctest.Succeed(t, "model", "info", own); !strings.Contains(info, "familiarity   by 240 pictures") {
		t.Errorf("model info tells no familiarity:\n%s", info)
	}
	var sorts []struct {
		Name     string
		Pictures int
		Foreign  float64
	}
	stdout := proctest.Succeed(t, append([]string{"eval", "familiarity", data, "--foreign", proctest.Glyph(""), "--model", own, "--json"}, part...)...)
	if err := json.Unmarshal([]byte(stdout), &sorts); err != nil || len(sorts) != 6 {
		t.Fatalf("eval familiarity --json printed %q, %v; want 6 sorts", stdout, err)
	}
	if known := sorts[0]; known.Pictures != 120 || known.Foreign > 0.1 {
		t.Errorf("of pictures that it should know %+v, want few of 120 foreign", known)
	}
	for _, sort := range sorts[1:] {
		if sort.Foreign < 0.9 {
			t.Errorf("of other pictures %+v, want 0.9 or more foreign", sort)
		}
	}
	if _, stderr, code := proctest.Run(t, "", "eval", "familiarity", data, "--model", small); code != 1 || !strings.Contains(stderr, "does not tell what is familiar to it: siamese calibrate --data makes that") {
		t.Errorf("eval familiarity of a model that does not tell: exit code %d, %q", code, stderr)
	}
	known := filepath.Join(data, "class0", "0.png")
	for _, tt := range []struct{ a, b, want string }{
		{known, known, ""},
		{known, proctest.GlyphA, "The second image is unlike the pictures that the model small knows"},
		{proctest.GlyphA, proctest.GlyphB, "Both images are unlike the pictures that the model small knows"},
	} {
		if _, stderr, code := proctest.Run(t, "", "compare", "--model", own, tt.a, tt.b); code != 0 || !strings.Contains(stderr, tt.want) || (tt.want == "") != (stderr == "") {
			t.Errorf("compare %s %s: exit code %d, warned of %q, want %q", tt.a, tt.b, code, stderr, tt.want)
		}
	}
	server := proctest.Serve(t, "--model", own)
	reply, err := siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address)).Compare(t.Context(), &siamesev1.CompareRequest{
		ImageA: fixture.Encoded(t, known), ImageB: fixture.Encoded(t, proctest.GlyphA),
	})
	if err != nil || reply.GetFamiliarityA().GetForeign() || !reply.GetFamiliarityB().GetForeign() || reply.GetWarning() == "" {
		t.Errorf("Compare = %v, %v; want the second image foreign, and a warning", reply, err)
	}
}

// TestSiameseAnswersByTheModelThatKnows: with no flag drawings go to omniglot and
// photographs to general, in this process and by a server.
func TestSiameseAnswersByTheModelThatKnows(t *testing.T) {
	photo := func(name string) string { return filepath.Join(proctest.Glyph(""), "../photos", name) }
	server := proctest.Serve(t)
	for _, tt := range []struct {
		a, b, model string
		same        bool
	}{
		{photo("cat.jpg"), photo("rocket.jpg"), "siamese-general", false},
		{photo("cat.jpg"), photo("cat_copy.jpg"), "siamese-general", true},
		{proctest.GlyphA, proctest.GlyphB, "siamese-omniglot", true},
		{proctest.GlyphA, proctest.GlyphC, "siamese-omniglot", false},
	} {
		for _, flags := range [][]string{nil, {"--server", server.Address}} {
			var got struct {
				Same    bool
				Model   string
				Warning string
			}
			stdout := proctest.Succeed(t, append([]string{"compare", "--json", tt.a, tt.b}, flags...)...)
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("compare --json printed %q: %v", stdout, err)
			}
			if got.Same != tt.same || got.Model != tt.model || got.Warning != "" {
				t.Errorf("compare %s %s %v = %+v, want same %t by %s without a warning", tt.a, tt.b, flags, got, tt.same, tt.model)
			}
		}
	}
	embedsByTheModelThatKnows(t, siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address)), photo("cat.jpg"))
}

// embedsByTheModelThatKnows: embeddings and their reply name the model that made them,
// and of general none is taken whose length as a vector is not 1.
func embedsByTheModelThatKnows(t *testing.T, service siamesev1.SiameseServiceClient, photo string) {
	t.Helper()
	for file, model := range map[string]string{photo: "siamese-general", proctest.GlyphA: "siamese-omniglot"} {
		reply, err := service.Embed(t.Context(), &siamesev1.EmbedRequest{Images: []*siamesev1.Image{fixture.Encoded(t, file)}})
		if err != nil {
			t.Fatal(err)
		}
		embedding := reply.GetResults()[0].GetEmbedding()
		if reply.GetModel().GetName() != model || reply.GetModel().GetDigest() != embedding.GetModelDigest() {
			t.Errorf("Embed of %s is by %v with an embedding of %s, want both of %s", file, reply.GetModel(), embedding.GetModelDigest(), model)
		}
		for _, factor := range []float32{0, 0.5, 1} {
			brought := &siamesev1.Embedding{ModelDigest: embedding.GetModelDigest()}
			for _, v := range embedding.GetValues() {
				brought.Values = append(brought.Values, factor*v)
			}
			_, err := service.Compare(t.Context(), &siamesev1.CompareRequest{
				ImageA: &siamesev1.Image{Source: &siamesev1.Image_Embedding{Embedding: brought}}, ImageB: fixture.Encoded(t, file),
			})
			refused := factor != 1 && model == "siamese-general"
			if (err != nil) != refused || refused && !strings.Contains(err.Error(), "as a vector, expected 1") {
				t.Errorf("Compare of the embedding of %s times %v = %v, want refused %t", file, factor, err, refused)
			}
		}
	}
}
