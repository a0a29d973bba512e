package tfmodel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"siamese/tfmodel"
)

// float32Tolerance is for sums of a few hundred float32 products against the
// same in float64.
const float32Tolerance = 1e-5

func TestModelAgreesWithReference(t *testing.T) {
	for _, architecture := range append(pooled(), tiny()) {
		t.Run(nameOf(architecture), func(t *testing.T) { agreesWithReference(t, architecture) })
	}
}

func agreesWithReference(t *testing.T, architecture tfmodel.Architecture) {
	model := loadOf(t, architecture, tfmodel.Options{})
	ref := reference{architecture, randomWeights(t, architecture, 1)}
	const count = 4
	size, length := architecture.ImageBytes(), architecture.EmbeddingLength()
	pixels := randomPixels(architecture, count, 3)
	embeddings, err := model.Encode(t.Context(), pixels)
	if err != nil {
		t.Fatal(err)
	}
	if len(embeddings) != count*length {
		t.Fatalf("Encode of %d images gives %d values, want %d", count, len(embeddings), count*length)
	}
	var wants [][]float64
	for i := range count {
		want := ref.encode(pixels[i*size : (i+1)*size])
		wants = append(wants, want)
		for k, value := range want {
			if got := float64(embeddings[i*length+k]); math.Abs(got-value) > float32Tolerance*(1+math.Abs(value)) {
				t.Errorf("embedding %d value %d = %v, want %v", i, k, got, value)
			}
		}
	}
	half := count / 2 * length
	similarities, err := model.Compare(t.Context(), embeddings[:half], embeddings[half:])
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range similarities {
		if want := ref.compare(wants[i], wants[i+count/2]); math.Abs(float64(got)-want) > float32Tolerance {
			t.Errorf("similarity %d = %v, want %v", i, got, want)
		}
	}
}

func TestCompareIsSymmetricAndConstantOnTheDiagonal(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	length := tiny().EmbeddingLength()
	embeddings, err := model.Encode(t.Context(), randomPixels(tiny(), 6, 5))
	if err != nil {
		t.Fatal(err)
	}
	a, b := embeddings[:3*length], embeddings[3*length:]
	forward, err := model.Compare(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	backward, err := model.Compare(t.Context(), b, a)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(forward, backward) {
		t.Errorf("Compare(a, b) = %v, Compare(b, a) = %v, want the same", forward, backward)
	}
	same, err := model.Compare(t.Context(), embeddings, embeddings)
	if err != nil {
		t.Fatal(err)
	}
	for i, similarity := range same {
		if similarity != same[0] {
			t.Errorf("Compare(x, x) of image %d = %v, want %v as of image 0", i, similarity, same[0])
		}
	}
}

func TestEncodeInPartsEqualsEncodeAtOnce(t *testing.T) {
	pixels := randomPixels(tiny(), 5, 7)
	whole, err := loadTiny(t, tfmodel.Options{MaxRunImages: 8}).Encode(t.Context(), pixels)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := loadTiny(t, tfmodel.Options{MaxRunImages: 2}).Encode(t.Context(), pixels)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if math.Abs(float64(whole[i]-parts[i])) > float32Tolerance*(1+math.Abs(float64(whole[i]))) {
			t.Fatalf("value %d = %v in runs of 2, %v in one run, want the same", i, parts[i], whole[i])
		}
	}
}

func TestModelRefusesWrongSizes(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	length := tiny().EmbeddingLength()
	tests := []struct {
		give string
		call func() error
		want string
	}{
		{"no images", func() error { _, err := model.Encode(t.Context(), nil); return err }, "got 0 bytes, want a positive multiple of 240"},
		{"part of an image", func() error { _, err := model.Encode(t.Context(), make([]byte, 241)); return err }, "got 241 bytes"},
		{"no embeddings", func() error { _, err := model.Compare(t.Context(), nil, nil); return err }, "got 0 and 0 values"},
		{"different counts", func() error {
			_, err := model.Compare(t.Context(), make([]float32, length), make([]float32, 2*length))
			return err
		}, "got 16 and 32 values"},
	}
	for _, tt := range tests {
		if err := tt.call(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.give, err, tt.want)
		}
	}
}

func TestModelLooksAtTheContextBeforeARun(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := model.Encode(ctx, randomPixels(tiny(), 1, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Encode with a cancelled context = %v, want context.Canceled", err)
	}
	embedding := make([]float32, tiny().EmbeddingLength())
	if _, err := model.Compare(ctx, embedding, embedding); !errors.Is(err, context.Canceled) {
		t.Errorf("Compare with a cancelled context = %v, want context.Canceled", err)
	}
}

// TestCloseBesideRuns closes a model under its callers: a crash in C if the
// lock were missing.
func TestCloseBesideRuns(t *testing.T) {
	model, err := tfmodel.Load(t.Context(), exportTiny(t), tfmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pixels := randomPixels(tiny(), 2, 1)
	var callers sync.WaitGroup
	started := make(chan struct{}, 4)
	for range 4 {
		callers.Go(func() {
			started <- struct{}{}
			for {
				if _, err := model.Encode(context.Background(), pixels); err != nil {
					if !strings.Contains(err.Error(), "closed") {
						t.Errorf("Encode beside Close = %v, want an error that says closed", err)
					}
					return
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	if err := model.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	callers.Wait()
	if err := model.Close(); err != nil {
		t.Errorf("second Close() = %v, want nil", err)
	}
}

// TestLoadRefuses breaks a good model in every way that is known to load and
// fail later, or not to load.
func TestLoadRefuses(t *testing.T) {
	const (
		graph     = "saved_model.pb"
		variables = "variables/variables.data-00000-of-00001"
		index     = "variables/variables.index"
		card      = "assets.extra/model.json"
		picture   = "assets.extra/golden/pattern_a.png"
	)
	unchanged := func(*tfmodel.Card) {}
	tests := []struct {
		give   string
		damage func(t *testing.T, dir string)
		want   string
	}{
		{"missing folder", func(t *testing.T, dir string) { remove(t, dir) }, "there is no such folder"},
		{"empty folder", func(t *testing.T, dir string) {
			remove(t, dir)
			must(t, os.Mkdir(dir, 0o755))
		}, "holds neither saved_model.pb nor numbered versions"},
		{"half-copied version", func(t *testing.T, dir string) {
			must(t, os.Rename(dir, dir+".old"))
			must(t, os.MkdirAll(filepath.Join(dir, "7"), 0o755))
		}, "its version 7 holds no saved_model.pb"},
		{"no card", func(t *testing.T, dir string) { remove(t, dir, card) }, "has no assets.extra/model.json"},
		{"card is no JSON", func(t *testing.T, dir string) { write(t, dir, card, []byte("{")) }, "card: unexpected end of JSON"},
		{"card without files", func(t *testing.T, dir string) {
			write(t, dir, card, []byte(strings.ReplaceAll(string(read(t, dir, card)), `"files"`, `"other"`)))
		}, "names no files"},
		{"flipped bit in the graph", func(t *testing.T, dir string) { flip(t, dir, graph) }, "saved_model.pb is damaged or half-written"},
		{"flipped bit in the weights", func(t *testing.T, dir string) { flip(t, dir, variables) }, "variables.data-00000-of-00001 is damaged"},
		{"weights missing", func(t *testing.T, dir string) { remove(t, dir, variables) }, "variables.data-00000-of-00001 is missing"},
		{"a file too many", func(t *testing.T, dir string) { write(t, dir, "assets.extra/other", nil) }, "assets.extra/other is not named in its card"},
		{"truncated graph, rehashed", func(t *testing.T, dir string) {
			write(t, dir, graph, read(t, dir, graph)[:100])
			must(t, tfmodel.Rehash(dir, unchanged))
		}, "saved_model.pb: the graph is refused: "},
		{"foreign graph, rehashed", func(t *testing.T, dir string) {
			write(t, dir, graph, []byte("not a graph"))
			must(t, tfmodel.Rehash(dir, unchanged))
		}, "saved_model.pb: the graph is refused: "},
		{"truncated weights, rehashed", func(t *testing.T, dir string) {
			write(t, dir, index, read(t, dir, index)[:50])
			must(t, tfmodel.Rehash(dir, unchanged))
		}, "load SavedModel"},
		{"other input size", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.Architecture.Height = 9 }))
		}, `"images" is of type 4 and shape [-1 8 10 3], want type 4 and shape [-1 9 10 3]`},
		{"wrong golden pair", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.GoldenPairs[0].Similarity += 0.002 }))
		}, "golden pair golden/pattern_a.png, golden/pattern_b.png has similarity"},
		{"no golden pair", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.GoldenPairs = nil }))
		}, "names no golden pair"},
		{"golden picture missing", func(t *testing.T, dir string) {
			remove(t, dir, picture)
			must(t, tfmodel.Rehash(dir, unchanged))
		}, "golden picture"},
		{"golden picture damaged", func(t *testing.T, dir string) {
			write(t, dir, picture, []byte("no picture"))
			must(t, tfmodel.Rehash(dir, unchanged))
		}, "golden picture golden/pattern_a.png"},
		{"golden picture that claims gigabytes", func(t *testing.T, dir string) {
			write(t, dir, picture, vastPicture(t))
			must(t, tfmodel.Rehash(dir, unchanged))
		}, "golden/pattern_a.png is 60000×60000, want 10×8"},
		{"golden pairs without end", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.GoldenPairs = slices.Repeat(c.GoldenPairs, 101) }))
		}, "101 golden pairs, want at most 100"},
		{"a layer that the variables do not fill", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) {
				c.Architecture.Hidden = 1 << 16
				c.Parameters = c.Architecture.Parameters()
			}))
		}, "bytes, want at least"},
		{"threshold", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.Threshold = 1.5 }))
		}, "threshold 1.5, want 0 to 1"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			dir := exportTiny(t)
			tt.damage(t, dir)
			model, err := tfmodel.Load(t.Context(), dir, tfmodel.Options{})
			if err == nil {
				_ = model.Close()
			}
			if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load = %v, want ErrModel with %q", err, tt.want)
			}
		})
	}
}

// vastPicture is the beginning of a PNG that claims 60000×60000 pixels of 8 bytes.
func vastPicture(t *testing.T) []byte {
	t.Helper()
	var encoded bytes.Buffer
	must(t, png.Encode(&encoded, image.NewNRGBA64(image.Rect(0, 0, 10, 8))))
	content := encoded.Bytes()
	header := content[12:29] // its type, width, height and kind
	binary.BigEndian.PutUint32(header[4:], 60000)
	binary.BigEndian.PutUint32(header[8:], 60000)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(header))
	return content
}

func TestLoadTakesTheHighestVersion(t *testing.T) {
	one := exportTiny(t)
	family := filepath.Dir(one)
	must(t, os.CopyFS(filepath.Join(family, "10"), os.DirFS(one)))
	must(t, os.Mkdir(filepath.Join(family, "notes"), 0o755))
	model, err := tfmodel.Load(t.Context(), family, tfmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	if got := model.Version(); got != "10" {
		t.Errorf("Version() = %q, want %q", got, "10")
	}
}

func TestLoadRefusesAGPUThatIsNotThere(t *testing.T) {
	devices, err := tfmodel.Devices()
	if err != nil {
		t.Fatal(err)
	}
	if len(devices) > 1 {
		t.Skip("this machine has a GPU: the refusal can't be seen here")
	}
	_, err = tfmodel.Load(t.Context(), exportTiny(t), tfmodel.Options{Device: "gpu:0"})
	if err == nil || !strings.Contains(err.Error(), "device gpu:0 is not there") || !strings.Contains(err.Error(), "cpu:0") {
		t.Errorf("Load on gpu:0 = %v, want an error that names it and what is there", err)
	}
}

func TestRunImages(t *testing.T) {
	tests := []struct {
		give   int
		device string
		want   int
	}{
		{0, tfmodel.DeviceCPU, 8},
		{0, "gpu:1", 128},
		{5, tfmodel.DeviceCPU, 5},
		{256, "gpu:0", 256},
	}
	for _, tt := range tests {
		if got := (tfmodel.Options{MaxRunImages: tt.give}).RunImages(tt.device); got != tt.want {
			t.Errorf("a largest run of %d on %s = %d, want %d", tt.give, tt.device, got, tt.want)
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	tests := []struct {
		give tfmodel.Options
		want string
	}{
		{tfmodel.Options{}, ""},
		{tfmodel.Options{Device: "gpu:12", GPUMemoryFraction: 0.5}, ""},
		{tfmodel.Options{Device: "tpu"}, `device "tpu", want "auto", "cpu" or "gpu:N"`},
		{tfmodel.Options{Device: "gpu:-1"}, `device "gpu:-1"`},
		{tfmodel.Options{GPUMemoryFraction: 1.1}, "GPU memory fraction 1.1"},
		{tfmodel.Options{IntraThreads: -1}, "threads -1 and 0"},
		{tfmodel.Options{Precision: "float8"}, `precision "float8", want float32, tf32, bfloat16 or auto`},
		{tfmodel.Options{MaxRunImages: -1}, "images in a run -1"},
	}
	for _, tt := range tests {
		err := tt.give.Validate()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v.Validate() = %v, want %q", tt.give, err, tt.want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(os.DirFS(dir), name)
	must(t, err)
	return data
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
}

func remove(t *testing.T, path ...string) {
	t.Helper()
	must(t, os.RemoveAll(filepath.Join(path...)))
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, dir, name string) {
	t.Helper()
	data := read(t, dir, name)
	data[len(data)/2] ^= 1
	write(t, dir, name, data)
}
