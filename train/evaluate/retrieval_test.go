package evaluate_test

import (
	"context"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// byColour is a network whose embeddings are a picture's mean colour, and whose
// similarity falls with their distance.
func byColour() *fakeModel {
	return &fakeModel{similarity: func(a, b []float32) float32 {
		sum := 0.0
		for i := range a {
			sum += math.Abs(float64(a[i] - b[i]))
		}
		return float32(math.Exp(-sum / 10))
	}}
}

// colours is data whose pictures have the colours given, by class.
func colours(t *testing.T, classes map[string][][3]int) *dataset.Dataset {
	t.Helper()
	files := map[string]*imaging.Picture{}
	for name, pictures := range classes {
		for i, c := range pictures {
			files[name+"/"+string(rune('a'+i))+".png"] = picture(c[0], c[1], c[2])
		}
	}
	return openPictures(t, files)
}

// TestRetrievalByHand holds each figure against what was counted by hand, on five
// pictures of two classes, one of which lies between the other class's.
func TestRetrievalByHand(t *testing.T) {
	d := colours(t, map[string][][3]int{
		"x": {{10, 0, 0}, {12, 0, 0}, {40, 0, 0}}, // the third is nearer to y's
		"y": {{41, 0, 0}, {44, 0, 0}},
	})
	got, err := evaluate.Retrieval(t.Context(), byColour(), d, evaluate.RetrievalConfig{Threshold: 0.75})
	if err != nil {
		t.Fatal(err)
	}
	if got.Queries != 5 || got.Candidates != 5 || got.Classes != 2 || len(got.Methods) != 2 {
		t.Fatalf("%d queries of %d classes among %d by %d methods, want 5, 2, 5, 2", got.Queries, got.Classes, got.Candidates, len(got.Methods))
	}
	m := got.Methods[0]
	// Rankings: 10: 12✓ 40✓ 41 44; 12: 10✓ 40✓ 41 44; 40: 41 44 12✓ 10✓; 41: 40 44✓ …; 44: 41✓ ….
	if want := 3.0 / 5; math.Abs(m.First.Value-want) > 1e-12 {
		t.Errorf("R@1 = %v, want %v", m.First.Value, want)
	}
	if want := (1 + 1 + (1.0/3+2.0/4)/2 + 1.0/2 + 1) / 5; math.Abs(m.Precision.Value-want) > 1e-12 {
		t.Errorf("mAP = %v, want %v", m.Precision.Value, want)
	}
	// Over classes: x has 2 of 3 right, y 1 of 2; the errors are 2-0.6·3 = 0.2 and 1-0.6·2 = -0.2.
	if want := math.Sqrt(2*(0.04+0.04)) / 5; math.Abs(m.First.StdErr-want) > 1e-12 {
		t.Errorf("standard error of R@1 = %v, want %v", m.First.StdErr, want)
	}
	// At 0.75 (a distance below 2.9): 10–12 and 41–44 is 3 away: 2 of 8 ordered pairs of a class;
	// of the 12 of two classes 40–41 both ways.
	if m.Recognised.Value != 2.0/8 || m.FalselyRecognised.Value != 2.0/12 {
		t.Errorf("recognised %v and falsely %v, want %v and %v", m.Recognised.Value, m.FalselyRecognised.Value, 2.0/8, 2.0/12)
	}
	// Distances of a class: 2, 3, 28, 30 (each twice); others: 1, 4, 29, 31, 32, 34. Of the
	// 24 pairs of pairs the class's is nearer: 2: 5, 3: 5, 28: 4, 30: 3 of 6.
	if want := 17.0 / 24; math.Abs(m.AUC-want) > 1e-12 {
		t.Errorf("AUC = %v, want %v", m.AUC, want)
	}
	if m.Four.Value != 0 {
		t.Errorf("four-in-four of classes of less than four = %v, want 0", m.Four.Value)
	}
}

// TestRetrievalFourInFour: of classes of five pictures four are searched, and a network
// that tells classes apart finds all four.
func TestRetrievalFourInFour(t *testing.T) {
	d := colours(t, map[string][][3]int{
		"x": {{10, 0, 0}, {11, 0, 0}, {12, 0, 0}, {13, 0, 0}, {14, 0, 0}},
		"y": {{90, 0, 0}, {91, 0, 0}, {92, 0, 0}, {93, 0, 0}},
		"z": {{200, 0, 0}, {201, 0, 0}},
	})
	got, err := evaluate.Retrieval(t.Context(), byColour(), d, evaluate.RetrievalConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if m := got.Methods[0]; m.Four.Value != 4 || m.First.Value != 1 || m.Precision.Value != 1 || m.AUC != 1 {
		t.Errorf("four %v, R@1 %v, mAP %v, AUC %v; want 4, 1, 1, 1", m.Four.Value, m.First.Value, m.Precision.Value, m.AUC)
	}
	// A network that answers the same to everything must gain nothing by the order.
	blind := &fakeModel{similarity: func(_, _ []float32) float32 { return 0.5 }}
	got, err = evaluate.Retrieval(t.Context(), blind, d, evaluate.RetrievalConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if m := got.Methods[0]; m.Four.Value != 1 || m.First.Value != 0 || m.AUC != 0.5 {
		t.Errorf("blind network: four %v, R@1 %v, AUC %v; want 1, 0, 0.5", m.Four.Value, m.First.Value, m.AUC)
	}
}

// TestRetrievalOfAmongKinds: patterns choose queries and candidates, kinds and what is
// forbidden bound them.
func TestRetrievalOfAmongKinds(t *testing.T) {
	d := colours(t, map[string][][3]int{
		"milk/oat":    {{10, 0, 0}, {20, 0, 0}},
		"milk/soy":    {{15, 0, 0}, {90, 0, 0}},
		"juice/apple": {{11, 0, 0}, {91, 0, 0}},
	})
	forbidden, err := dataset.ReadForbidden(strings.NewReader("milk/oat juice/apple"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name                string
		give                evaluate.RetrievalConfig
		queries, candidates int
		first               float64
	}{
		{"all", evaluate.RetrievalConfig{}, 6, 6, 0},
		{"of oat", evaluate.RetrievalConfig{Of: []string{"milk/oat"}}, 2, 6, 0},
		{"of oat among oat and apples", evaluate.RetrievalConfig{Of: []string{"milk/oat"}, Among: []string{"milk/oat", "juice"}}, 2, 4, 0},
		{"apples are forbidden", evaluate.RetrievalConfig{Of: []string{"milk/oat"}, Among: []string{"milk/oat", "juice"}, Forbidden: forbidden}, 2, 4, -1},
		{"of one kind", evaluate.RetrievalConfig{Of: []string{"juice"}, SameKind: true}, 2, 6, -1},
		{"fewer queries", evaluate.RetrievalConfig{Queries: 1}, 1, 6, 0},
	}
	for _, tt := range tests {
		got, err := evaluate.Retrieval(t.Context(), byColour(), d, tt.give)
		if tt.first < 0 {
			// Only their own class is left: nothing to tell them from.
			if !errors.Is(err, evaluate.ErrNoPairs) {
				t.Errorf("%s: %v, want %v", tt.name, err, evaluate.ErrNoPairs)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got.Queries != tt.queries || got.Candidates != tt.candidates {
			t.Errorf("%s: %d queries among %d, want %d among %d", tt.name, got.Queries, got.Candidates, tt.queries, tt.candidates)
		}
	}
}

// TestBaselinesAreMeasuredBeside: another network's cosine and the perceptual hash come
// after the network's own figures, under their names.
func TestBaselinesAreMeasuredBeside(t *testing.T) {
	d := colours(t, map[string][][3]int{"x": {{10, 0, 0}, {11, 0, 0}}, "y": {{0, 90, 0}, {0, 95, 0}}})
	other := byColour()
	got, err := evaluate.Retrieval(t.Context(), byColour(), d, evaluate.RetrievalConfig{
		Baselines: []evaluate.Baseline{{Name: "other", Model: other}, {Name: "pHash"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range got.Methods {
		names = append(names, m.Name)
	}
	if text := strings.Join(names, " "); text != "similarity cosine other pHash" {
		t.Errorf("methods are %q", text)
	}
	if got.Methods[2].First.Value != 1 || len(other.encoded) != 4 {
		t.Errorf("the other network finds %v after %d pictures, want 1 after 4", got.Methods[2].First.Value, len(other.encoded))
	}
	// All hashes of flat pictures are alike: nothing is found.
	if got.Methods[3].First.Value != 0 || got.Methods[3].AUC != 0.5 {
		t.Errorf("hashes of flat pictures find %v with AUC %v, want 0 and 0.5", got.Methods[3].First.Value, got.Methods[3].AUC)
	}
}

func TestRetrievalRefuses(t *testing.T) {
	d := colours(t, map[string][][3]int{"x": {{1, 0, 0}, {2, 0, 0}}, "y": {{3, 0, 0}, {4, 0, 0}}})
	for _, give := range []evaluate.RetrievalConfig{{Queries: -1}, {Threshold: 2}, {Threshold: math.NaN()}, {Of: []string{"z"}}} {
		if _, err := evaluate.Retrieval(t.Context(), byColour(), d, give); err == nil {
			t.Errorf("Retrieval(%+v) = nil error, want one", give)
		}
	}
	broken := byColour()
	broken.err = context.DeadlineExceeded
	if _, err := evaluate.Retrieval(t.Context(), broken, d, evaluate.RetrievalConfig{}); !errors.Is(err, broken.err) {
		t.Errorf("Retrieval with a broken network = %v, want its error", err)
	}
}

// TestPerceptualHash: copies differ in few bits, other pictures in about half.
func TestPerceptualHash(t *testing.T) {
	distance := func(a, b *imaging.Picture) int {
		count := 0
		for bits := evaluate.PerceptualHash(a) ^ evaluate.PerceptualHash(b); bits > 0; bits &= bits - 1 {
			count++
		}
		return count
	}
	one, other := textured(80, 60, 1), textured(80, 60, 2)
	if got := distance(one, one.Resize(50, 50, imaging.Bilinear)); got > 8 {
		t.Errorf("a smaller copy differs in %d bits, want at most 8", got)
	}
	if got := distance(one, one.Crop(image.Rect(0, 0, 79, 60))); got > 12 {
		t.Errorf("a copy without a column differs in %d bits, want at most 12", got)
	}
	if got := distance(one, other); got < 16 || got > 48 {
		t.Errorf("another picture differs in %d bits, want about 32", got)
	}
}

// TestCopies: a network of colours is blind to crops, stickers aside, and not to grey
// copies; figures are those of a count.
func TestCopies(t *testing.T) {
	files := map[string]*imaging.Picture{}
	for i := range 12 {
		files["c"+string(rune('0'+i%3))+"/"+string(rune('a'+i))+".png"] = picture(20*i, 240-20*i, 7*i%90)
	}
	d := openPictures(t, files)
	config := evaluate.CopiesConfig{Originals: 10, Seed: 3, Threshold: 1e-5, Baselines: []evaluate.Baseline{{Name: "pHash"}}}
	got, err := evaluate.Copies(t.Context(), byColour(), d, config)
	if err != nil {
		t.Fatal(err)
	}
	if got.Originals != 10 || len(got.Methods) != 3 {
		t.Fatalf("%d originals by %d methods, want 10 by 3", got.Originals, len(got.Methods))
	}
	found := map[string]evaluate.CopiesScore{}
	for _, attack := range got.Methods[0].Attacks {
		found[attack.Name] = attack
	}
	for _, name := range []string{"cropped by 80 %", "mirrored", "blurred", "turned by 20 degrees"} {
		if attack, ok := found[name]; !ok || attack.First.Value != 1 || attack.AUC != 1 || attack.Recognised.Value != 1 {
			t.Errorf("%s: %+v, want all found: the colour stays", name, attack)
		}
	}
	if grey := found["made grey"]; grey.First.Value > 0.5 {
		t.Errorf("grey copies of colours are found in %v, want seldom", grey.First.Value)
	}
	if all := got.Methods[0].All; !(all.First.Value > 0.5 && all.First.Value < 1) || all.First.StdErr <= 0 {
		t.Errorf("all attacks: found in %v ± %v, want between a half and all, with an error", all.First.Value, all.First.StdErr)
	}
	if falsely := got.Methods[0].FalselyRecognised; falsely.Value <= 0 || falsely.Value > 0.5 {
		t.Errorf("falsely recognised: %v, want some of the grey copies'", falsely.Value)
	}
	again, err := evaluate.Copies(t.Context(), byColour(), d, config)
	if err != nil || again.Methods[0].All.First != got.Methods[0].All.First {
		t.Errorf("a second time: %v, %v; want the same figures", again.Methods[0].All.First, err)
	}
	for _, give := range []evaluate.CopiesConfig{{Originals: -1}, {Side: -1}, {Threshold: 2}, {Of: []string{"z"}}} {
		if _, err := evaluate.Copies(t.Context(), byColour(), d, give); err == nil {
			t.Errorf("Copies(%+v) = nil error, want one", give)
		}
	}
}

// openPictures writes pictures by their paths and opens them.
func openPictures(t *testing.T, files map[string]*imaging.Picture) *dataset.Dataset {
	t.Helper()
	root := t.TempDir()
	for name, p := range files {
		putPicture(t, filepath.Join(root, filepath.FromSlash(name)), p)
	}
	return openDataset(t, root, dataset.Auto)
}

// textured is a picture of smooth random waves.
func textured(width, height int, seed uint64) *imaging.Picture {
	random := rand.New(rand.NewPCG(seed, 1))
	p := &imaging.Picture{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	var waves [24][4]float64
	for i := range waves {
		waves[i] = [4]float64{random.Float64() * 8, random.Float64() * 8, random.Float64() * 7, random.Float64()}
	}
	for i := range width * height {
		x, y := float64(i%width)/float64(width), float64(i/width)/float64(height)
		sum := 0.0
		for _, wave := range waves {
			sum += wave[3] * math.Cos(math.Pi*(wave[0]*x+wave[1]*y)+wave[2])
		}
		level := byte(min(max(128+sum*25, 0), 255))
		p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2] = level, level, level
	}
	return p
}
