package sample_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"siamese/train/dataset"
	"siamese/train/sample"
)

func newAllPairs(t testing.TB, d *dataset.Dataset, cfg sample.AllPairsConfig) sample.Sampler {
	t.Helper()
	sampler, err := sample.NewAllPairs(d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return sampler
}

func TestAllPairsConfigValidate(t *testing.T) {
	tests := []struct {
		name    string
		give    sample.AllPairsConfig
		wantErr string // empty = valid
	}{
		{"zero", sample.AllPairsConfig{}, ""},
		{"smallest", sample.AllPairsConfig{Images: 4, PerClass: 2, AlphabetShare: 1}, ""},
		{"largest", sample.AllPairsConfig{Images: 4096, PerClass: 2048}, ""},
		{"one a class", sample.AllPairsConfig{PerClass: 1}, "PerClass is 1"},
		{"negative", sample.AllPairsConfig{PerClass: -4}, "PerClass is -4"},
		{"one class", sample.AllPairsConfig{Images: 7, PerClass: 4}, "Images is 7"},
		{"too few for the default", sample.AllPairsConfig{Images: 6}, "PerClass, which is 4"},
		{"negative images", sample.AllPairsConfig{Images: -64}, "Images is -64"},
		{"too many", sample.AllPairsConfig{Images: 4097}, "Images is 4097"},
		{"overflow", sample.AllPairsConfig{PerClass: math.MaxInt}, "Images is 64"},
		{"share above all", sample.AllPairsConfig{AlphabetShare: 1.1}, "AlphabetShare is 1.1"},
		{"share below none", sample.AllPairsConfig{AlphabetShare: -0.1}, "AlphabetShare is -0.1"},
		{"alphabets below none", sample.AllPairsConfig{Alphabets: -1}, "Alphabets is -1"},
		{"all combined", sample.AllPairsConfig{Combine: 1}, "Combine is 1"},
		{"combined of nothing", sample.AllPairsConfig{Combine: math.NaN()}, "Combine is NaN"},
		{"share of nothing", sample.AllPairsConfig{AlphabetShare: math.NaN()}, "AlphabetShare is NaN"},
	}
	d := made(t, scripts(2, 2, 2)...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.give.Validate()
			if tt.wantErr == "" && err != nil {
				t.Errorf("Validate = %v, want nil", err)
			}
			if tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("Validate = %v, want %q", err, tt.wantErr)
			}
			if _, newErr := sample.NewAllPairs(d, tt.give); (newErr == nil) != (err == nil) {
				t.Errorf("NewAllPairs = %v, but Validate = %v", newErr, err)
			}
		})
	}
}

// perClass counts a batch's images by class.
func perClass(b sample.Batch) map[int32]int {
	counts := map[int32]int{}
	for _, label := range b.Labels {
		counts[label]++
	}
	return counts
}

func TestAllPairsShape(t *testing.T) {
	tests := []struct {
		name string
		data []class
		give sample.AllPairsConfig
		want []int // images a class, sorted
	}{
		{"default", scripts(4, 20, 5), sample.AllPairsConfig{}, slices.Repeat([]int{4}, 16)},
		{"other sizes", scripts(4, 5, 5), sample.AllPairsConfig{Images: 12, PerClass: 3}, []int{3, 3, 3, 3}},
		{"no multiple", scripts(4, 5, 5), sample.AllPairsConfig{Images: 11, PerClass: 3}, []int{2, 3, 3, 3}},
		{"small classes, more of them", scripts(4, 5, 2), sample.AllPairsConfig{Images: 12}, []int{2, 2, 2, 2, 2, 2}},
		{"few classes, more of each", []class{{"a", 30}, {"b", 30}, {"c", 30}}, sample.AllPairsConfig{Images: 24}, []int{8, 8, 8}},
		{"less data than a batch", []class{{"a", 3}, {"b", 2}, {"c", 1}}, sample.AllPairsConfig{}, []int{1, 2, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := made(t, tt.data...)
			sampler := newAllPairs(t, d, tt.give)
			for range 20 {
				b := sampler.Next()
				check(t, d, b)
				got := slices.Sorted(maps.Values(perClass(b)))
				if !slices.Equal(got, tt.want) {
					t.Fatalf("images a class = %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestAllPairsHasEveryPairOnce(t *testing.T) {
	sampler := newAllPairs(t, made(t, scripts(4, 20, 5)...), sample.AllPairsConfig{})
	b := sampler.Next()
	if len(b.Images) != 64 || len(b.Same) != 2016 {
		t.Fatalf("%d images, %d pairs, want 64 and 2016", len(b.Images), len(b.Same))
	}
	seen := map[[2]int32]bool{}
	same := 0
	for i := range b.Same {
		if b.A[i] >= b.B[i] {
			t.Errorf("pair %d is %d, %d, want the smaller first", i, b.A[i], b.B[i])
		}
		seen[[2]int32{b.A[i], b.B[i]}] = true
		if b.Same[i] {
			same++
		}
	}
	if want := 16 * 6; len(seen) != 2016 || same != want {
		t.Errorf("%d different pairs, %d same, want 2016 and %d", len(seen), same, want)
	}
}

// mainShare is the number of classes of the most frequent alphabet, and of all.
func mainShare(d *dataset.Dataset, b sample.Batch) (most, all int) {
	classes := d.Classes()
	counts := map[string]int{}
	for label := range perClass(b) {
		counts[classes[label].Alphabet]++
		all++
	}
	return slices.Max(slices.Collect(maps.Values(counts))), all
}

func TestMostClassesAreOfOneAlphabet(t *testing.T) {
	tests := []struct {
		name     string
		share    float64
		wantMost int // of 16 classes
	}{
		{"default", 0, 12},
		{"half", 0.5, 8},
		{"all", 1, 16},
	}
	// Twenty alphabets, so that the others hardly ever come to a half together.
	d := made(t, scripts(20, 16, 2)...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 32, PerClass: 2, AlphabetShare: tt.share})
			for range 20 {
				if most, all := mainShare(d, sampler.Next()); most != tt.wantMost || all != 16 {
					t.Fatalf("%d of %d classes are of one alphabet, want %d of 16", most, all, tt.wantMost)
				}
			}
		})
	}
}

func TestASmallAlphabetIsFilledUpByOthers(t *testing.T) {
	d := made(t, scripts(6, 3, 2)...)
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 16, PerClass: 2})
	for range 20 {
		if most, all := mainShare(d, sampler.Next()); most != 3 || all != 8 {
			t.Fatalf("%d of %d classes are of one alphabet, want all its 3 of 8", most, all)
		}
	}
}

func TestLargeAlphabetsAreDrawnMoreOften(t *testing.T) {
	classes := append(scripts(1, 30, 2), class{"Zulu/00", 2}, class{"Zulu/01", 2}, class{"Zulu/02", 2},
		class{"Zulu/03", 2}, class{"Zulu/04", 2}, class{"Zulu/05", 2}, class{"Zulu/06", 2}, class{"Zulu/07", 2},
		class{"Zulu/08", 2}, class{"Zulu/09", 2})
	d := made(t, classes...)
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 8, PerClass: 2, AlphabetShare: 1})
	const batches = 1000
	large := 0
	for range batches {
		if sampler.Next().Labels[0] < 30 {
			large++
		}
	}
	// Three quarters of the classes; 60 is over four standard deviations of 13.7.
	if large < 750-60 || large > 750+60 {
		t.Errorf("the alphabet of 30 of 40 classes led %d of %d batches, want about 750", large, batches)
	}
}

func TestOwnClassesAreDrawnUniformly(t *testing.T) {
	d := made(t, class{"a", 4}, class{"b", 4}, class{"c", 4}, class{"d", 4}, class{"e", 4}, class{"f", 4})
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 6, PerClass: 2})
	drawn := map[int32]int{}
	const batches = 1000
	for range batches {
		for label := range perClass(sampler.Next()) {
			drawn[label]++
		}
	}
	// Three of six classes a batch; 70 is over four standard deviations of 15.8.
	for label := range int32(6) {
		if drawn[label] < 500-70 || drawn[label] > 500+70 {
			t.Errorf("class %d was in %d of %d batches, want about 500", label, drawn[label], batches)
		}
	}
}

func TestOmniglotsDrawingsFillABatch(t *testing.T) {
	d := opened(t, "../../testdata/omniglot", 105)
	sampler := newAllPairs(t, d, sample.AllPairsConfig{Images: 16, PerClass: 2})
	for range 10 {
		b := sampler.Next()
		check(t, d, b)
		if len(b.Images) != 16 {
			t.Errorf("%d images, want 16", len(b.Images))
		}
	}
}

func BenchmarkAllPairs(b *testing.B) {
	sampler := newAllPairs(b, made(b, scripts(30, 32, 4)...), sample.AllPairsConfig{})
	for b.Loop() {
		sampler.Next()
	}
}
