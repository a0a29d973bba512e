package familiarity

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

const side = 32

// TestLook holds looks to what can be counted by hand: a picture whose left half is
// black and whose right half is white.
func TestLook(t *testing.T) {
	pixels := make([]byte, 3*4*2)
	for _, i := range []int{2, 3, 6, 7} { // 4 across, 2 down
		pixels[3*i], pixels[3*i+1], pixels[3*i+2] = 255, 255, 255
	}
	got := look(pixels, 4, 2)
	want := make([]float32, lookLength)
	want[0], want[15] = root(1./2), root(1./2) // luminance
	want[16] = 1                               // no colour
	want[24], want[32] = 1, 1                  // no steps of colour, at both scales
	steps := want[40:]
	steps[0], steps[7] = root(2./3), root(1./3) // across
	steps[8] = 1                                // down
	steps[16+7] = 1                             // at half the size two pixels are left
	if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }) {
		t.Errorf("look = %v, want %v", got, want)
	}
}

func root(v float64) float32 { return float32(math.Sqrt(v)) }

// TestLookOfSmallPictures: any size is taken.
func TestLookOfSmallPictures(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 17}} {
		got := look(make([]byte, 3*size[0]*size[1]), size[0], size[1])
		if len(got) != lookLength {
			t.Errorf("%v: %d numbers, want %d", size, len(got), lookLength)
		}
	}
}

// clouds are pictures of a sort: soft colours, whose embedding lies on a plane of
// eight dimensions.
func clouds(count int, seed uint64) []Picture {
	random := rand.New(rand.NewPCG(seed, 1))
	pictures := make([]Picture, count)
	for i := range pictures {
		a, b, c := 2+4*random.Float64(), 2+4*random.Float64(), random.Float64()*6
		pixels := make([]byte, 0, 3*side*side)
		for y := range side {
			for x := range side {
				v := math.Sin(float64(x)/a+c) + math.Cos(float64(y)/b)
				pixels = append(pixels, uint8(120+40*v+6*random.NormFloat64()), uint8(100+30*v+6*random.NormFloat64()), uint8(90-20*v))
			}
		}
		embedding := make([]float32, 32)
		for k := range embedding {
			embedding[k] = float32(0.01 * random.NormFloat64())
			if k < 8 {
				embedding[k] = float32(random.NormFloat64())
			}
		}
		pictures[i] = Picture{Pixels: pixels, Embedding: embedding}
	}
	return pictures
}

// fitted is made once, in seconds.
var fitted = sync.OnceValues(func() ([]byte, error) {
	s, err := Fit(clouds(300, 1), clouds(1000, 2), Config{Width: side, Height: side, Positions: 1, Seed: 1})
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
})

// fit returns a statistic of clouds, which the test owns.
func fit(t testing.TB) *Statistic {
	t.Helper()
	data, err := fitted()
	if err != nil {
		t.Fatal(err)
	}
	var s Statistic
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestStatistic(t *testing.T) {
	s := fit(t)
	foreign := 0
	for _, p := range clouds(1000, 3) {
		v := s.Of(p.Pixels, side, side, p.Embedding)
		if !(v >= 0 && v <= 1) {
			t.Fatalf("familiarity %v, want 0 to 1", v)
		}
		if v < s.Bound {
			foreign++
		}
	}
	if foreign > 30 {
		t.Errorf("%d of 1000 pictures of the known sort are foreign, want about 10", foreign)
	}
	others, err := Foreign(400, side, side, 99)
	if err != nil {
		t.Fatal(err)
	}
	known := clouds(1, 4)[0]
	caught := 0
	for _, pixels := range others {
		if s.Of(pixels, side, side, known.Embedding) < s.Bound {
			caught++
		}
	}
	if caught < 380 {
		t.Errorf("%d of 400 drawn pictures are foreign, want 380 or more", caught)
	}
	off := slices.Clone(known.Embedding)
	off[20] += 1 // where no known embedding is
	if v := s.Of(known.Pixels, side, side, off); v >= s.Bound {
		t.Errorf("an embedding off the known space has familiarity %v, want below %v", v, s.Bound)
	}
	if v := s.OfEmbedding(off); v >= s.Bound {
		t.Errorf("its embedding alone has familiarity %v, want below %v", v, s.Bound)
	}
	further := slices.Clone(off)
	further[20] += 1
	if near, far := s.OfEmbedding(off), s.OfEmbedding(further); !(far < near) {
		t.Errorf("familiarity %v of the further embedding, want less than %v", far, near)
	}
}

func TestStatisticTravels(t *testing.T) {
	s := fit(t)
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Statistic
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if err := back.Validate(32); err != nil {
		t.Fatal(err)
	}
	for _, p := range clouds(20, 5) {
		if a, b := s.Of(p.Pixels, side, side, p.Embedding), back.Of(p.Pixels, side, side, p.Embedding); a != b {
			t.Fatalf("familiarity %v before and %v after JSON", a, b)
		}
	}
}

func TestFeatureMapsAreSummedUp(t *testing.T) {
	got := summary([]float32{4, 0, 16, -1}, 2)
	if want := []float32{3, 0}; !slices.Equal(got, want) {
		t.Errorf("summary = %v, want %v: means of square roots, nothing of what is below 0", got, want)
	}
}

// TestFitTakesCopiesInAnyOrder: an edited copy, which has no embedding, may come first.
func TestFitTakesCopiesInAnyOrder(t *testing.T) {
	known, apart := clouds(MinPictures+1, 1), clouds(MinPictures, 2)
	known[0].Embedding = nil
	if _, err := Fit(known, apart, Config{Width: side, Height: side, Positions: 1}); err != nil {
		t.Errorf("Fit = %v, want a statistic", err)
	}
}

func TestFitRefuses(t *testing.T) {
	_, err := Fit(clouds(MinPictures-1, 1), clouds(MinPictures, 2), Config{Width: side, Height: side, Positions: 1})
	if !errors.Is(err, ErrTooFew) || !strings.Contains(err.Error(), "received 49 pictures known, expected at least 50") {
		t.Errorf("Fit of 49 pictures = %v, want what was received and expected", err)
	}
}

// FuzzStatistic: no card makes the program fail.
func FuzzStatistic(f *testing.F) {
	data, err := json.Marshal(fit(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"bound": 0.01, "positions": 1}`))
	f.Add([]byte(`{"bound": 0.01, "positions": -1, "quantiles": ["", "", "", ""]}`))
	f.Add([]byte(`{"look_mean": "AAA="}`))
	p := clouds(1, 6)[0]
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Statistic
		if json.Unmarshal(data, &s) != nil || s.Validate(len(p.Embedding)) != nil {
			return
		}
		if v := s.Of(p.Pixels, side, side, p.Embedding); !(v >= 0 && v <= 1) {
			t.Errorf("familiarity %v, want 0 to 1", v)
		}
	})
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Statistic)
		want   string
	}{
		{"bound", func(s *Statistic) { s.Bound = 1 }, "bound 1, want 0.0001 to below 1"},
		{"positions", func(s *Statistic) { s.Positions = 3 }, "3 positions, want a divisor of the embedding's length, 32"},
		{"no positions", func(s *Statistic) { s.Positions = 0 }, "0 positions"},
		{"directions", func(s *Statistic) { s.Directions = s.Directions[1:] }, "want a multiple of 32"},
		{"mean", func(s *Statistic) { s.LookMean = s.LookMean[1:] }, "look_mean has 103 values, want 104"},
		{"not finite", func(s *Statistic) { s.Against[3] = float32(math.NaN()) }, "against has NaN as value 3, want -1e+08 to 1e+08"},
		{"huge", func(s *Statistic) { s.EmbeddingMean[0] = 3e38 }, "embedding_mean has 3e+38 as value 0"},
		{"a bound of nothing", func(s *Statistic) { s.Bound = 1e-300 }, "bound 1e-300, want 0.0001 to below 1"},
		{"a long direction", func(s *Statistic) { s.Directions[0] += 3 }, "direction 0 has length"},
		{"quantiles backwards", func(s *Statistic) { slices.Reverse(s.Quantiles[2]) }, "want them to ascend"},
		{"pictures", func(s *Statistic) { s.Pictures = -5 }, "made from -5 pictures"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := fit(t)
			tt.change(s)
			if err := s.Validate(32); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Validate = %v, want %q", err, tt.want)
			}
		})
	}
}

// BenchmarkOf is what familiarity adds to an encode of the built-in network's inputs.
func BenchmarkOf(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	pixels := make([]byte, 3*128*128)
	for i := range pixels {
		pixels[i] = byte(random.IntN(256))
	}
	s := fit(b)
	s.EmbeddingMean, s.Directions = make(Floats, 512), make(Floats, 64*512)
	for b.Loop() {
		s.Of(pixels, 128, 128, s.EmbeddingMean)
	}
}
