package evaluate_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// inkModel embeds a picture as the mean of its columns' middles of ink, which a
// shift to the right moves by its pixels and a shift down leaves alone. Nothing
// else is known to it.
type inkModel struct{ side int }

func (m inkModel) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	size := m.side * m.side * 3
	var found []float32
	for begin := 0; begin < len(pixels); begin += size {
		ink, moment := 0.0, 0.0
		for i := range m.side * m.side {
			level := 255 - float64(pixels[begin+i*3])
			ink, moment = ink+level, moment+level*float64(i%m.side)
		}
		found = append(found, float32(moment/math.Max(ink, 1)))
	}
	return found, nil
}

func (m inkModel) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	found := make([]float32, len(a))
	for i := range a {
		found[i] = float32(math.Min(1, math.Abs(float64(a[i]-b[i]))/float64(m.side)))
	}
	return found, nil
}

// offEdge is for the ink that a shift takes off the picture.
const offEdge = 1e-3

// TestRobustness: what moves similarities is named, and what does not is 0.
func TestRobustness(t *testing.T) {
	d := glyphs(t)
	got, err := evaluate.Robustness(t.Context(), inkModel{side: 105}, d, evaluate.RobustnessConfig{Pairs: 20, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got.Pairs != 20 || len(got.Changes) != 7 {
		t.Fatalf("result of %d pairs and %d changes, want 20 and 7", got.Pairs, len(got.Changes))
	}
	mean := 0.0
	for _, change := range got.Changes {
		mean += change.Mean / 7
		if change.Most < change.Mean {
			t.Errorf("%s: the most is %v, below the mean %v", change.Name, change.Most, change.Mean)
		}
		switch change.Name {
		case "4 pixels to the right", "4 pixels to the left":
			if change.Mean < 1./105 || change.Mean > 4.01/105 {
				t.Errorf("%s: moved by %v, want some of the 4 of 105 columns, and no more", change.Name, change.Mean)
			}
		case "4 pixels down", "4 pixels up":
			if change.Mean > offEdge {
				t.Errorf("%s: moved by %v, want at most %v", change.Name, change.Mean, offEdge)
			}
		case "JPEG of quality 75":
			if change.Mean == 0 || change.Mean > 0.05 {
				t.Errorf("%s: moved by %v, want a trace", change.Name, change.Mean)
			}
		}
	}
	if math.Abs(got.Mean-mean) > 1e-9 {
		t.Errorf("mean over the changes = %v, want %v", got.Mean, mean)
	}
}

func TestRobustnessRefuses(t *testing.T) {
	d := glyphs(t)
	for _, pairs := range []int{0, 3, -2} {
		if _, err := evaluate.Robustness(t.Context(), inkModel{side: 105}, d, evaluate.RobustnessConfig{Pairs: pairs}); err == nil {
			t.Errorf("Robustness of %d pairs = nil error, want one", pairs)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := evaluate.Robustness(ctx, stopped{}, d, evaluate.RobustnessConfig{Pairs: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("Robustness with a model that stops = %v, want its error", err)
	}
}

// stopped is a model that does nothing any more.
type stopped struct{ inkModel }

func (stopped) Encode(ctx context.Context, _ []byte) ([]float32, error) { return nil, ctx.Err() }

// glyphs are the drawings that the repository has.
func glyphs(t *testing.T) *dataset.Dataset {
	t.Helper()
	preparer, err := imaging.New(imaging.Config{Width: 105, Height: 105})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: "../../testdata/omniglot", Preparer: preparer})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
