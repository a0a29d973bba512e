package sample_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/train/dataset"
	"siamese/train/sample"
)

// kinds makes both samplers over the same data.
func kinds(t *testing.T, d *dataset.Dataset, seed uint64) map[string]sample.Sampler {
	t.Helper()
	pairs, err := sample.NewPairs(d, 4, seed)
	if err != nil {
		t.Fatal(err)
	}
	all, err := sample.NewAllPairs(d, sample.AllPairsConfig{Images: 12, PerClass: 3, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]sample.Sampler{"pairs": pairs, "allpairs": all}
}

// check holds a batch to what Batch promises.
func check(t *testing.T, d *dataset.Dataset, b sample.Batch) {
	t.Helper()
	classes := d.Classes()
	if len(b.Labels) != len(b.Images) || len(b.B) != len(b.A) || len(b.Same) != len(b.A) {
		t.Fatalf("lengths: %d images, %d labels; %d, %d, %d in pairs", len(b.Images), len(b.Labels), len(b.A), len(b.B), len(b.Same))
	}
	seen := map[dataset.Image]bool{}
	for i, image := range b.Images {
		if seen[image] {
			t.Errorf("image %s/%d comes twice", image.Name, image.Turns)
		}
		seen[image] = true
		if !contains(classes[b.Labels[i]], image) {
			t.Errorf("image %s is labelled %s", image.Name, classes[b.Labels[i]].Name)
		}
	}
	for i, same := range b.Same {
		if b.A[i] == b.B[i] {
			t.Errorf("pair %d compares image %d with itself", i, b.A[i])
		}
		if want := b.Labels[b.A[i]] == b.Labels[b.B[i]]; same != want {
			t.Errorf("pair %d: same = %t, want %t", i, same, want)
		}
	}
}

func contains(c dataset.Class, image dataset.Image) bool {
	for _, member := range c.Images {
		if member == image {
			return true
		}
	}
	return false
}

func TestEveryClassIsDrawn(t *testing.T) {
	// The last class in particular, which the original trainer never draws.
	d := made(t, append(scripts(4, 5, 4), class{"Zulu/00", 1}, class{"Zulu/01", 2})...)
	for kind, sampler := range kinds(t, d, 1) {
		drawn := map[int32]bool{}
		for batches := 0; len(drawn) < sampler.Classes(); batches++ {
			// Each class is in a batch with chance above 1/20; (19/20)^1000 < 1e-22.
			if batches == 1000 {
				t.Fatalf("%s: %d of %d classes appeared in 1000 batches", kind, len(drawn), sampler.Classes())
			}
			b := sampler.Next()
			check(t, d, b)
			for _, label := range b.Labels {
				drawn[label] = true
			}
		}
	}
}

func TestSmallDataIsEnough(t *testing.T) {
	tests := []struct {
		name string
		give []class
	}{
		{"two classes of two", []class{{"a", 2}, {"b", 2}}},
		{"a pair and a single", []class{{"a", 2}, {"b", 1}}},
		{"a pair among singles", []class{{"a", 1}, {"b", 1}, {"c", 2}, {"d", 1}}},
		{"a large class and a single", []class{{"a", 40}, {"b", 1}}},
		{"an alphabet of one", []class{{"A/a", 2}, {"B/a", 1}}},
	}
	for _, tt := range tests {
		d := made(t, tt.give...)
		for kind, sampler := range kinds(t, d, 2) {
			t.Run(tt.name+" by "+kind, func(t *testing.T) {
				for range 100 {
					b := sampler.Next()
					check(t, d, b)
					if !both(b.Same) {
						t.Fatalf("a batch has only one kind of pair: %v of %v", b.Same, b.Labels)
					}
				}
			})
		}
	}
}

// both reports whether there are same and different pairs.
func both(same []bool) bool {
	count := 0
	for _, s := range same {
		if s {
			count++
		}
	}
	return count > 0 && count < len(same)
}

func TestRotationsAreClassesOfTheirOwn(t *testing.T) {
	d, err := made(t, scripts(2, 2, 3)...).Variants(t.Context(), dataset.VariantsConfig{Rotations: true})
	if err != nil {
		t.Fatal(err)
	}
	for kind, sampler := range kinds(t, d, 3) {
		if got := sampler.Classes(); got != 16 {
			t.Errorf("%s: %d classes, want 16", kind, got)
		}
		for range 50 {
			check(t, d, sampler.Next())
		}
	}
}

// equal compares batches; images of one dataset are compared as values.
var equal = cmpopts.EquateComparable(dataset.Image{})

func TestTheSeedDecides(t *testing.T) {
	d := made(t, scripts(3, 4, 5)...)
	again, other := kinds(t, d, 7), kinds(t, d, 8)
	for kind, sampler := range kinds(t, d, 7) {
		for i := range 5 {
			want := sampler.Next()
			if diff := cmp.Diff(want, again[kind].Next(), equal); diff != "" {
				t.Errorf("%s: batch %d by the same seed (-first +second):\n%s", kind, i, diff)
			}
			if cmp.Equal(want, other[kind].Next(), equal) {
				t.Errorf("%s: batch %d is the same by another seed", kind, i)
			}
		}
	}
}

func TestRestoreContinuesExactly(t *testing.T) {
	d := made(t, scripts(3, 4, 5)...)
	resumed := kinds(t, d, 99)
	for kind, sampler := range kinds(t, d, 7) {
		for range 3 {
			sampler.Next()
		}
		state, err := sampler.State()
		if err != nil {
			t.Fatal(err)
		}
		if err := resumed[kind].Restore(state); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if diff := cmp.Diff(sampler.Next(), resumed[kind].Next(), equal); diff != "" {
				t.Errorf("%s: batch %d after Restore (-uninterrupted +resumed):\n%s", kind, i, diff)
			}
		}
	}
}

func TestRestoreRefusesOtherBytes(t *testing.T) {
	d := made(t, scripts(2, 2, 3)...)
	untouched := kinds(t, d, 1)
	for kind, sampler := range kinds(t, d, 1) {
		for _, state := range [][]byte{nil, []byte("pcg:"), []byte("twenty bytes of text")} {
			if err := sampler.Restore(state); err == nil {
				t.Errorf("%s: Restore(%q) = nil, want an error", kind, state)
			}
		}
		if diff := cmp.Diff(untouched[kind].Next(), sampler.Next(), equal); diff != "" {
			t.Errorf("%s: a refused state moved the sampler (-untouched +moved):\n%s", kind, diff)
		}
	}
}

func TestSamplersRefuseDataWithoutPairs(t *testing.T) {
	for name, d := range map[string]*dataset.Dataset{"none": nil, "zero": {}} {
		if s, err := sample.NewPairs(d, 1, 0); err == nil || s != nil {
			t.Errorf("NewPairs of %s = %v, %v, want an error", name, s, err)
		}
		if s, err := sample.NewAllPairs(d, sample.AllPairsConfig{}); err == nil || s != nil {
			t.Errorf("NewAllPairs of %s = %v, %v, want an error", name, s, err)
		}
	}
	if _, err := sample.NewPairs(&dataset.Dataset{}, 1, 0); !errors.Is(err, dataset.ErrTooFewClasses) {
		t.Errorf("NewPairs = %v, want ErrTooFewClasses", err)
	}
}
