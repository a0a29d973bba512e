package evaluate

import (
	"errors"
	"slices"

	"siamese/train/dataset"
)

// KindWeights say how much the pairs of each kind count together.
type KindWeights map[PairKind]float64

// among are the weights of one pair of each kind. The weight of a kind without pairs goes
// to the others, of same ones to same ones and of different to different.
func (w KindWeights) among(counts map[PairKind]float64) KindWeights {
	all, there := map[bool]float64{}, map[bool]float64{}
	for kind, weight := range w {
		all[kind.Same()] += weight
		if counts[kind] > 0 {
			there[kind.Same()] += weight
		}
	}
	each := KindWeights{}
	for kind, weight := range w {
		if weight > 0 && counts[kind] > 0 {
			each[kind] = weight / counts[kind] * all[kind.Same()] / there[kind.Same()]
		}
	}
	return each
}

// Line is a scale of the logit, and what is added to it.
type Line struct {
	Scale float64 `json:"scale"`
	Shift float64 `json:"shift"`
}

// KindsFit is a calibration by kinds of pairs.
type KindsFit struct {
	Line          // found on all pairs
	Halves []Line // found on each half alone; empty where not both halves can be fitted
	// After are the pairs as they become by the line of the other half: measured on other
	// kinds than those it was found on. Without halves they are those of the line found on
	// these very pairs.
	After []KindPair
}

// CalibrateKinds finds the scale and shift of the logit by which pairs of several kinds
// are best estimated, as Calibrate does, where the pairs of each kind count together as
// their weight says, however many they are. Kinds without a weight don't count; the weight
// of a kind without pairs goes to the others, same or different as it is.
func CalibrateKinds(pairs []KindPair, weights KindWeights) (KindsFit, error) {
	line, err := FitKinds(pairs, weights)
	if err != nil {
		return KindsFit{}, err
	}
	fit := KindsFit{Line: line, After: line.Rescale(pairs)}
	var halves [2]Line
	for half := range halves {
		halves[half], err = FitKinds(slices.DeleteFunc(slices.Clone(pairs), func(p KindPair) bool { return p.Half != half }), weights)
		if errors.Is(err, ErrNoPairs) {
			return fit, nil
		}
		if err != nil {
			return KindsFit{}, err
		}
	}
	fit.Halves = halves[:]
	fit.After = rescaleKinds(pairs, func(p KindPair) Line { return halves[1-p.Half] })
	return fit, nil
}

// FitKinds is the line that CalibrateKinds finds on all pairs.
func FitKinds(pairs []KindPair, weights KindWeights) (Line, error) {
	counts := map[PairKind]float64{}
	for _, pair := range pairs {
		counts[pair.Kind]++
	}
	of := weights.among(counts)
	logits, same, each := make([]float64, len(pairs)), make([]bool, len(pairs)), make([]float64, len(pairs))
	for i, pair := range pairs {
		logits[i], same[i], each[i] = Logit(pair.Similarity), pair.Same, of[pair.Kind]
	}
	scale, shift, err := Calibrate(logits, same, each)
	return Line{scale, shift}, err
}

// Rescale returns the pairs as the line makes them. The given ones are not changed.
func (l Line) Rescale(pairs []KindPair) []KindPair {
	return rescaleKinds(pairs, func(KindPair) Line { return l })
}

func rescaleKinds(pairs []KindPair, line func(KindPair) Line) []KindPair {
	rescaled := slices.Clone(pairs)
	for i, pair := range pairs {
		by := line(pair)
		rescaled[i].Similarity = sigmoid(by.Scale*Logit(pair.Similarity) + by.Shift)
	}
	return rescaled
}

// Contrast is how well same pairs of one kind are told from different ones of another.
type Contrast struct {
	Same      PairKind `json:"same"`
	Different PairKind `json:"different"`
	// Of is the pattern of the classes that it is measured on alone; empty: all.
	Of           string  `json:"of,omitempty"`
	Pairs        int     `json:"pairs"` // as many of each sort count
	AUC          float64 `json:"auc"`
	ECE          float64 `json:"ece"` // where both kinds count alike
	Accuracy     Mean    `json:"accuracy"`
	Recognised   Mean    `json:"recognised"`    // share of the same pairs, at the threshold 0.5
	FalseAccepts Mean    `json:"false_accepts"` // share of the different ones called the same
	Bins         []Bin   `json:"bins"`
}

// Contrasts measures same things against strangers, edited copies against strangers, and
// same things against neighbours, at the threshold 0.5: those of them that there are
// pairs of. A pattern of class names, as in RetrievalConfig, keeps the pairs whose first
// image is of such a class; "" keeps all. Standard errors are over kinds.
func Contrasts(pairs []KindPair, of string) []Contrast {
	var contrasts []Contrast
	for _, kinds := range [][2]PairKind{{Things, Strangers}, {EditedCopies, Strangers}, {Things, Neighbours}} {
		contrast := Contrast{Same: kinds[0], Different: kinds[1], Of: of}
		if contrast.measure(pairs) {
			contrasts = append(contrasts, contrast)
		}
	}
	return contrasts
}

// measure reports whether there are pairs.
func (c *Contrast) measure(pairs []KindPair) bool {
	var kept []KindPair
	counts := map[PairKind]float64{}
	for _, pair := range pairs {
		if (pair.Kind == c.Same || pair.Kind == c.Different) && (c.Of == "" || (dataset.Class{Name: pair.Class}).Matches(c.Of)) {
			kept = append(kept, pair)
			counts[pair.Kind]++
		}
	}
	scores, weights := make([]Score, len(kept)), make([]float64, len(kept))
	accuracy, recognised, falsely := newEstimate(), newEstimate(), newEstimate()
	for i, pair := range kept {
		scores[i], weights[i] = pair.Score, 1/counts[pair.Kind]
		called := pair.Similarity >= DefaultThreshold
		accuracy.weigh(pair.Group, indicator(called == pair.Same), weights[i])
		if pair.Same {
			recognised.add(pair.Group, indicator(called))
		} else {
			falsely.add(pair.Group, indicator(called))
		}
	}
	curve, err := newROC(scores)
	if err != nil {
		return false
	}
	c.Pairs, c.AUC = len(kept), curve.area()
	c.Bins, c.ECE = reliability(scores, weights)
	c.Accuracy, c.Recognised, c.FalseAccepts = accuracy.mean(), recognised.mean(), falsely.mean()
	return true
}
