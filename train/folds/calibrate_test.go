package folds_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"siamese/train/evaluate"
	"siamese/train/folds"
)

// sharp are pairs of a fold whose logits are off the truth by a scale and a shift:
// scale·logit+shift is the log odds. Different pairs are there as neighbours and as
// strangers, so that as many of each kind are.
func sharp(seed uint64, scale, shift float64) []evaluate.KindPair {
	random := rand.New(rand.NewPCG(seed, 1))
	var pairs []evaluate.KindPair
	for len(pairs) < 18_000 {
		odds := 3 * random.NormFloat64()
		same := random.Float64() < 1/(1+math.Exp(-odds))
		kinds := []evaluate.PairKind{evaluate.Things}
		if !same {
			kinds = []evaluate.PairKind{evaluate.Neighbours, evaluate.Strangers}
		}
		score := evaluate.Score{Similarity: 1 / (1 + math.Exp(-(odds-shift)/scale)), Same: same}
		for _, kind := range kinds {
			pairs = append(pairs, evaluate.KindPair{Score: score, Kind: kind})
		}
	}
	return pairs
}

var weights = evaluate.KindWeights{evaluate.Strangers: 1, evaluate.Neighbours: 1, evaluate.Things: 2}

func TestCalibrateOverFolds(t *testing.T) {
	// Drawn noise: the slope's standard error over these pairs is some 0.02.
	const noise = 0.1
	got, err := folds.Calibrate([][]evaluate.KindPair{sharp(1, 2, -1), sharp(2, 2, -1), sharp(3, 2, -1)}, weights)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Scale-2) > noise || math.Abs(got.Shift+1) > noise {
		t.Errorf("over folds × %v %+v, want × 2 -1", got.Scale, got.Shift)
	}
	if len(got.Folds) != 3 || len(got.Contrasts) != 2 {
		t.Fatalf("%d folds and %d contrasts, want 3 and 2", len(got.Folds), len(got.Contrasts))
	}
	for i, fold := range got.Folds {
		for _, line := range []evaluate.Line{fold.Own, fold.Others} {
			if math.Abs(line.Scale-2) > noise || math.Abs(line.Shift+1) > noise {
				t.Errorf("fold %d: × %v %+v, want × 2 -1", i+1, line.Scale, line.Shift)
			}
		}
	}
	for _, contrast := range got.Contrasts {
		if contrast.Accuracy.Value <= contrast.Before.Value {
			t.Errorf("%s: accuracy at 0.5 goes from %v to %v, want more", contrast.Different, contrast.Before.Value, contrast.Accuracy.Value)
		}
		if gap := contrast.Best.Value - contrast.Accuracy.Value; gap < 0 || math.Abs(gap-contrast.Gap.Value) > 1e-12 {
			t.Errorf("%s: the best threshold gains %v, told %v", contrast.Different, gap, contrast.Gap.Value)
		}
	}
}

// TestCalibrateTellsHowSharpFoldsAre: a fold's own line is its own, and the others' is not
// moved by it.
func TestCalibrateTellsHowSharpFoldsAre(t *testing.T) {
	got, err := folds.Calibrate([][]evaluate.KindPair{sharp(1, 1, 0), sharp(2, 4, 0), sharp(3, 1, 0)}, weights)
	if err != nil {
		t.Fatal(err)
	}
	if own := got.Folds[1].Own.Scale; math.Abs(own-4) > 0.3 {
		t.Errorf("the second fold's own scale is %v, want 4", own)
	}
	if others := got.Folds[1].Others.Scale; math.Abs(others-1) > 0.1 {
		t.Errorf("the others' scale is %v, want 1", others)
	}
	if got.Scale < 1 || got.Scale > 4 {
		t.Errorf("the common scale is %v, want one between 1 and 4", got.Scale)
	}
	var printed strings.Builder
	if err := got.Print(&printed); err != nil || !strings.HasPrefix(printed.String(), "logit × ") || strings.Count(printed.String(), "its own × ") != 3 {
		t.Errorf("printed (%v)\n%s\nwant the line that scripts read, and three folds", err, &printed)
	}
}

// TestCalibrateByWeights: the more neighbours weigh, the fewer of them are called the same.
func TestCalibrateByWeights(t *testing.T) {
	pairs := [][]evaluate.KindPair{sharp(1, 1, 0), sharp(2, 1, 0)}
	for i := range pairs {
		for at := range pairs[i] {
			if pairs[i][at].Kind == evaluate.Strangers { // easy
				pairs[i][at].Similarity /= 50
			}
		}
	}
	shift := func(neighbours, strangers float64) float64 {
		got, err := folds.Calibrate(pairs, evaluate.KindWeights{evaluate.Neighbours: neighbours, evaluate.Strangers: strangers, evaluate.Things: 2})
		if err != nil {
			t.Fatal(err)
		}
		return got.Contrasts[0].Accuracy.Value
	}
	if hard, easy := shift(2, 0), shift(0.1, 1.9); hard <= easy {
		t.Errorf("neighbours at 0.5: %v where they weigh all, %v where strangers do, want more by the first", hard, easy)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	if _, err := folds.Calibrate([][]evaluate.KindPair{sharp(1, 1, 0)}, weights); err == nil || !strings.Contains(err.Error(), "received 1 folds, expected 2 or more") {
		t.Errorf("one fold: %v", err)
	}
	if _, err := folds.Calibrate([][]evaluate.KindPair{sharp(1, 1, 0), nil}, weights); err == nil {
		t.Error("a fold without pairs was taken")
	}
}
