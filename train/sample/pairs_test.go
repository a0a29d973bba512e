package sample_test

import (
	"testing"

	"siamese/train/dataset"
	"siamese/train/sample"
)

func newPairs(t *testing.T, d *dataset.Dataset, anchors int) sample.Sampler {
	t.Helper()
	sampler, err := sample.NewPairs(d, anchors, 1)
	if err != nil {
		t.Fatal(err)
	}
	return sampler
}

func TestPairsAreBalanced(t *testing.T) {
	d := made(t, scripts(3, 4, 4)...)
	const anchors = 16
	sampler := newPairs(t, d, anchors)
	for range 20 {
		b := sampler.Next()
		check(t, d, b)
		same := 0
		for _, s := range b.Same {
			if s {
				same++
			}
		}
		if len(b.Same) != 2*anchors || same != anchors {
			t.Errorf("%d pairs, %d of them same, want %d and %d", len(b.Same), same, 2*anchors, anchors)
		}
		if len(b.Images) > 4*anchors {
			t.Errorf("%d images, want at most %d", len(b.Images), 4*anchors)
		}
	}
}

func TestPairsComeInRandomOrder(t *testing.T) {
	sampler := newPairs(t, made(t, scripts(3, 4, 4)...), 16)
	// In the order of drawing every second pair would be same.
	alternating := 0
	for range 20 {
		b := sampler.Next()
		inOrder := true
		for i, s := range b.Same {
			inOrder = inOrder && s == (i%2 == 0)
		}
		if inOrder {
			alternating++
		}
	}
	if alternating > 0 {
		t.Errorf("%d of 20 batches are in the order of drawing", alternating)
	}
}

func TestEveryClassIsAnchorAndNegative(t *testing.T) {
	d := made(t, append(scripts(2, 4, 3), class{"Zulu/00", 1}, class{"Zulu/01", 2})...)
	sampler := newPairs(t, d, 1)
	const single = 8 // "Zulu/00"
	anchors, negatives := map[int32]int{}, map[int32]int{}
	const batches = 5000
	for range batches {
		b := sampler.Next()
		for i, same := range b.Same {
			if same {
				anchors[b.Labels[b.A[i]]]++
			} else {
				negatives[b.Labels[b.B[i]]]++
			}
		}
	}
	// 9 classes are anchors and 10 negatives, so 556 and 500 draws are expected of
	// each; a third less is 8 standard deviations away.
	const least = 333
	for label := range int32(10) {
		if anchors[label] < least && label != single {
			t.Errorf("class %d was anchor %d times in %d, want at least %d", label, anchors[label], batches, least)
		}
		if negatives[label] < least {
			t.Errorf("class %d was negative %d times in %d, want at least %d", label, negatives[label], batches, least)
		}
	}
	if anchors[single] != 0 {
		t.Errorf("the class of one image was anchor %d times, want never", anchors[single])
	}
}

func TestAnchorsHaveThreeImagesWhereThereAreThree(t *testing.T) {
	tests := []struct {
		name string
		give []class
		want int // images of the anchor's class in a batch of one anchor
	}{
		{"three", []class{{"a", 3}, {"b", 1}}, 3},
		{"many", []class{{"a", 9}, {"b", 1}}, 3},
		{"two", []class{{"a", 2}, {"b", 1}}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := made(t, tt.give...)
			sampler := newPairs(t, d, 1)
			drawn := map[string]bool{}
			for range 200 {
				b := sampler.Next()
				check(t, d, b)
				if got := len(b.Images) - 1; got != tt.want {
					t.Fatalf("%d images of the anchor's class, want %d", got, tt.want)
				}
				for _, image := range b.Images {
					drawn[image.Name] = true
				}
			}
			if want := tt.give[0].images + 1; len(drawn) != want {
				t.Errorf("%d images were drawn, want all %d", len(drawn), want)
			}
		})
	}
}

func TestNewPairsRefusesNoAnchors(t *testing.T) {
	for _, anchors := range []int{0, -1} {
		if _, err := sample.NewPairs(made(t, scripts(2, 2, 2)...), anchors, 0); err == nil {
			t.Errorf("NewPairs with %d anchors = nil, want an error", anchors)
		}
	}
}
