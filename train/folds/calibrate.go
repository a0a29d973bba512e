package folds

import (
	"fmt"
	"slices"
	"strconv"

	"siamese/train/evaluate"
)

// Calibration is a scale and a shift of the logit found on several networks of one
// recipe, each on the fold that it has not seen.
type Calibration struct {
	evaluate.Line                   // found on the pairs of all folds: what a network of the recipe that has seen them all may take
	Folds         []FoldCalibration `json:"folds"`
	Contrasts     []ContrastMean    `json:"contrasts"` // over the folds
}

// FoldCalibration is what a calibration from elsewhere does for one network.
type FoldCalibration struct {
	Own    evaluate.Line `json:"own"`    // found on this fold's pairs: how sharp this network is
	Others evaluate.Line `json:"others"` // found on the pairs of the other folds

	// Contrasts are of the pairs as Others makes them: alphabets and networks apart from
	// those that it was found on.
	Contrasts []Contrast `json:"contrasts"`
}

// Contrast is how well the same things are told from different ones of a kind, at 0.5 and
// at the best threshold.
type Contrast struct {
	Different     evaluate.PairKind `json:"different"`
	Pairs         int               `json:"pairs"`
	AUC           float64           `json:"auc"`
	Accuracy      float64           `json:"accuracy"` // at 0.5
	BestThreshold float64           `json:"best_threshold"`
	BestAccuracy  float64           `json:"best_accuracy"`
	ECE           float64           `json:"ece"`
	Before        float64           `json:"accuracy_before"` // at 0.5, as the network is
}

// ContrastMean is a contrast over the folds, with standard errors over folds.
type ContrastMean struct {
	Different evaluate.PairKind `json:"different"`
	Accuracy  evaluate.Mean     `json:"accuracy"`
	Best      evaluate.Mean     `json:"best_accuracy"`
	Gap       evaluate.Mean     `json:"gap"` // what the best threshold of each fold gains over 0.5
	ECE       evaluate.Mean     `json:"ece"`
	Before    evaluate.Mean     `json:"accuracy_before"`
}

// Calibrate finds the line on the pairs of each fold, which evaluate.ScoreKinds scored by
// the fold's network, and measures on each fold what the line of the others is worth.
// Two folds or more are needed. All pairs of a kind count together as their weight says,
// so that networks whose heads are of different sharpness get a line between theirs.
func Calibrate(folds [][]evaluate.KindPair, weights evaluate.KindWeights) (Calibration, error) {
	if len(folds) < 2 {
		return Calibration{}, fmt.Errorf("calibrate: received %d folds, expected 2 or more", len(folds))
	}
	var c Calibration
	var err error
	if c.Line, err = evaluate.FitKinds(slices.Concat(folds...), weights); err != nil {
		return Calibration{}, err
	}
	for i, pairs := range folds {
		var fold FoldCalibration
		if fold.Own, err = evaluate.FitKinds(pairs, weights); err != nil {
			return Calibration{}, fmt.Errorf("fold %d: %w", i+1, err)
		}
		others := slices.Concat(append(slices.Clone(folds[:i]), folds[i+1:]...)...)
		if fold.Others, err = evaluate.FitKinds(others, weights); err != nil {
			return Calibration{}, fmt.Errorf("without fold %d: %w", i+1, err)
		}
		fold.Contrasts = contrasts(pairs, fold.Others.Rescale(pairs))
		c.Folds = append(c.Folds, fold)
	}
	c.Contrasts = c.means()
	return c, nil
}

// contrasts measures the same things against neighbours and strangers, as far as there
// are such pairs.
func contrasts(before, after []evaluate.KindPair) []Contrast {
	var all []Contrast
	for _, kind := range []evaluate.PairKind{evaluate.Neighbours, evaluate.Strangers} {
		measured, err := evaluate.Measure(scoresOf(after, kind), evaluate.DefaultThreshold)
		if err != nil {
			continue // there are none
		}
		was, err := evaluate.Measure(scoresOf(before, kind), evaluate.DefaultThreshold)
		if err != nil {
			continue // there are none, as above
		}
		all = append(all, Contrast{
			Different: kind, Pairs: measured.Pairs, AUC: measured.AUC, Accuracy: measured.Accuracy,
			BestThreshold: measured.BestThreshold, BestAccuracy: measured.BestAccuracy, ECE: measured.ECE, Before: was.Accuracy,
		})
	}
	return all
}

func scoresOf(pairs []evaluate.KindPair, different evaluate.PairKind) []evaluate.Score {
	var scores []evaluate.Score
	for _, pair := range pairs {
		if pair.Kind == evaluate.Things || pair.Kind == different {
			scores = append(scores, pair.Score)
		}
	}
	return scores
}

// means are the contrasts over the folds.
func (c Calibration) means() []ContrastMean {
	var all []ContrastMean
	for _, kind := range []evaluate.PairKind{evaluate.Neighbours, evaluate.Strangers} {
		var of []Contrast
		for _, fold := range c.Folds {
			for _, contrast := range fold.Contrasts {
				if contrast.Different == kind {
					of = append(of, contrast)
				}
			}
		}
		if len(of) == 0 {
			continue
		}
		all = append(all, ContrastMean{
			Different: kind,
			Accuracy:  meanOf(of, func(c Contrast) float64 { return c.Accuracy }),
			Best:      meanOf(of, func(c Contrast) float64 { return c.BestAccuracy }),
			Gap:       meanOf(of, func(c Contrast) float64 { return c.BestAccuracy - c.Accuracy }),
			ECE:       meanOf(of, func(c Contrast) float64 { return c.ECE }),
			Before:    meanOf(of, func(c Contrast) float64 { return c.Before }),
		})
	}
	return all
}

// meanOf is a mean over folds, each counting alike.
func meanOf(contrasts []Contrast, value func(Contrast) float64) evaluate.Mean {
	var values []float64
	for _, contrast := range contrasts {
		values = append(values, value(contrast))
	}
	return evaluate.ClusterMean(values, strconv.Itoa)
}
