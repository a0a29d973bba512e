package evaluate

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"siamese/imaging"
	"siamese/train/dataset"
)

// The values that hold where a field of VerifyConfig is zero.
const (
	DefaultPairs     = 10_000
	DefaultThreshold = 0.5
)

// VerifyConfig says which pairs to score and with what threshold.
type VerifyConfig struct {
	Pairs     int       // half of them same, half different, so an even number; 0 = DefaultPairs; never more than exist
	Seed      uint64    // the same seed and dataset give the same pairs
	Negatives Negatives // where the different pairs come from; empty = Any
	Threshold float64   // similarity from which a pair is called the same, 0..1; 0 = DefaultThreshold

	// Distinct takes no pair twice. It is so anyway where fewer exist than Pairs.
	Distinct bool
	// Of are patterns of class names, as in RetrievalConfig, of which a pair's first
	// image is, and Among those of which its second one is; none: all.
	Of, Among []string
	// Forbidden are classes that are never a different pair; nil: none.
	Forbidden *dataset.Forbidden
	// Baselines are measured beside the network.
	Baselines []Baseline
}

// Validate reports the first field that is out of range.
func (c VerifyConfig) Validate() error {
	if c.Pairs < 0 || c.Pairs%2 != 0 {
		return fmt.Errorf("verify: Pairs is %d, expected 0 (the default) or an even number above", c.Pairs)
	}
	if n := c.Negatives; n != "" && n != Any && n != SameAlphabet && n != OtherAlphabet {
		return fmt.Errorf("verify: Negatives is %q, expected %q, %q or %q", n, Any, SameAlphabet, OtherAlphabet)
	}
	return validateThreshold(c.Threshold)
}

func validateThreshold(threshold float64) error {
	if !(threshold >= 0 && threshold <= 1) { // NaN is neither
		return fmt.Errorf("verify: threshold is %v, expected 0 to 1", threshold)
	}
	return nil
}

// Score is a pair with its similarity.
type Score struct {
	Similarity float64 // 0..1
	Same       bool    // what the pair really is
}

// VerifyResult is how well similarities tell same pairs from different ones.
type VerifyResult struct {
	Pairs         int         `json:"pairs"`
	Same          int         `json:"same"`           // how many of them are of one class
	AUC           float64     `json:"auc"`            // chance that a same pair scores above a different one, a tie counting half
	EER           float64     `json:"eer"`            // equal error rate: both kinds of error at the threshold that evens them
	Threshold     float64     `json:"threshold"`      // the one that was given
	Accuracy      float64     `json:"accuracy"`       // share of right verdicts at it
	FalseAccepts  float64     `json:"false_accepts"`  // share of different pairs called the same at it
	FalseRejects  float64     `json:"false_rejects"`  // share of same pairs called different at it
	StdErr        float64     `json:"stderr"`         // standard error of Accuracy: Verify's over the classes of the first images, Measure's as if pairs were independent
	BestThreshold float64     `json:"best_threshold"` // the one of the most right verdicts on these very pairs
	BestAccuracy  float64     `json:"best_accuracy"`
	Operating     []Operating `json:"operating"` // at a false-accept rate of 1 % and of 0.1 %
	ROC           []ROCPoint  `json:"roc"`       // from (0,0) to (1,1)
	ECE           float64     `json:"ece"`       // expected calibration error: mean |share same - similarity|
	Bins          []Bin       `json:"bins"`      // ten bins of similarity
	Scores        []Score     `json:"-"`         // every pair, for Logit and Calibrate

	Beside   []VerifyMethod `json:"beside,omitempty"` // the embeddings' cosine and the baselines, on the same pairs
	Pairings []Pairing      `json:"-"`                // the images of each score; Verify's alone
}

// VerifyMethod is another way of scoring the pairs. It has no threshold of its own.
type VerifyMethod struct {
	Name string  `json:"name"`
	AUC  float64 `json:"auc"`
	EER  float64 `json:"eer"`
	// RecognisedAt is where one in a hundred of the different pairs is called the same, and
	// one in a thousand.
	RecognisedAt []Operating `json:"recognised_at"`
	ROC          []ROCPoint  `json:"-"` // from (0,0) to (1,1)
}

// Pairing names the images of a pair, and their classes.
type Pairing struct {
	A, B           dataset.Image
	ClassA, ClassB string
}

// Verify draws pairs from the dataset, half of them of one class, and measures
// how well the model's similarity tells the halves apart. Same pairs are drawn
// uniformly over the classes of two images or more, then over their images;
// different ones uniformly over the classes, then as Negatives says. A pair may be
// drawn more than once, but for Distinct; where fewer pairs of a kind exist than are
// wanted, as many of both kinds are taken as there are of the rarer one, each once.
//
// ErrNoPairs means that the dataset has no pairs of a kind, ErrModelOutput that
// the model returned what it never should. When ctx ends, so does Verify, between
// two batches.
func Verify(ctx context.Context, model Model, d *dataset.Dataset, config VerifyConfig) (VerifyResult, error) {
	if err := config.Validate(); err != nil {
		return VerifyResult{}, err
	}
	config.Pairs, config.Threshold = cmp.Or(config.Pairs, DefaultPairs), cmp.Or(config.Threshold, DefaultThreshold)
	config.Negatives = cmp.Or(config.Negatives, Any)
	drawer, err := newPairDrawer(d.Classes(), config)
	if err != nil {
		return VerifyResult{}, fmt.Errorf("verify: %w", err)
	}
	if half := config.Pairs / 2; config.Distinct || !drawer.exist(half) {
		drawer.drawDistinct(half)
	} else {
		drawer.draw(half)
	}
	picture := func(i int) (*imaging.Picture, error) { return d.Picture(drawer.images[i]) }
	images, err := embed(ctx, model, len(drawer.images), picture)
	if err != nil {
		return VerifyResult{}, fmt.Errorf("verify: %w", err)
	}
	similarities, err := compare(ctx, model, images, drawer.pairs)
	if err != nil {
		return VerifyResult{}, fmt.Errorf("verify: %w", err)
	}
	result, err := Measure(drawer.scores(similarities), config.Threshold)
	if err != nil {
		return VerifyResult{}, err
	}
	result.Pairings, result.StdErr = drawer.pairings, drawer.accuracy(result.Scores, config.Threshold).StdErr
	rankers, err := besides(ctx, images, config.Baselines, len(drawer.images), picture)
	for _, by := range rankers {
		method, err := drawer.measure(ctx, by)
		if err != nil {
			return VerifyResult{}, fmt.Errorf("verify: %s: %w", by.name, err)
		}
		result.Beside = append(result.Beside, method)
	}
	return result, err
}

// scores are the pairs with their similarities.
func (d *pairDrawer) scores(similarities []float64) []Score {
	scores := make([]Score, len(similarities))
	for i, similarity := range similarities {
		scores[i] = Score{Similarity: similarity, Same: d.same[i]}
	}
	return scores
}

// accuracy is the share of right verdicts with its error over classes.
func (d *pairDrawer) accuracy(scores []Score, threshold float64) Mean {
	right := newEstimate()
	for i, score := range scores {
		right.add(d.pairings[i].ClassA, indicator((score.Similarity >= threshold) == score.Same))
	}
	return right.mean()
}

// measure scores the pairs in another way.
func (d *pairDrawer) measure(ctx context.Context, by scorer) (VerifyMethod, error) {
	scores := make([]float64, len(d.pairs))
	for i, pair := range d.pairs {
		score, err := by.scores(ctx, pair.a, []int{pair.b})
		if err != nil {
			return VerifyMethod{}, err
		}
		scores[i] = score[0]
	}
	curve, err := newROC(d.scores(scores))
	return VerifyMethod{
		Name: by.name, AUC: curve.area(), EER: curve.equalError(),
		RecognisedAt: []Operating{curve.operating(0.01), curve.operating(0.001)}, ROC: curve.corners(),
	}, err
}

// Measure is the second half of Verify: it measures pairs that are scored already.
// There is at least one same and one different pair (else ErrNoPairs), and the
// threshold is 0 to 1. The scores are kept in the result, not changed.
func Measure(scores []Score, threshold float64) (VerifyResult, error) {
	if err := validateThreshold(threshold); err != nil {
		return VerifyResult{}, err
	}
	for _, score := range scores {
		if !(score.Similarity >= 0 && score.Similarity <= 1) {
			return VerifyResult{}, fmt.Errorf("verify: a similarity is %v, expected 0 to 1", score.Similarity)
		}
	}
	curve, err := newROC(scores)
	if err != nil {
		return VerifyResult{}, fmt.Errorf("verify: %w", err)
	}
	result := VerifyResult{
		Pairs:     len(scores),
		Same:      curve.same,
		AUC:       curve.area(),
		EER:       curve.equalError(),
		Threshold: threshold,
		Accuracy:  accuracy(scores, threshold),
		Operating: []Operating{curve.operating(0.01), curve.operating(0.001)},
		ROC:       curve.corners(),
		Scores:    scores,
	}
	result.FalseAccepts, result.FalseRejects = errorRates(scores, threshold)
	result.StdErr = math.Sqrt(result.Accuracy * (1 - result.Accuracy) / float64(len(scores)))
	result.BestThreshold, result.BestAccuracy = curve.best()
	result.Bins, result.ECE = reliability(scores, nil)
	return result, nil
}

// accuracy is the share of pairs whose verdict is right.
func accuracy(scores []Score, threshold float64) float64 {
	right := 0
	for _, score := range scores {
		if (score.Similarity >= threshold) == score.Same {
			right++
		}
	}
	return float64(right) / float64(len(scores))
}

// errorRates are the shares of different pairs called the same, and of same pairs
// called different. There are pairs of both kinds.
func errorRates(scores []Score, threshold float64) (falseAccepts, falseRejects float64) {
	var same, different float64
	for _, score := range scores {
		called := score.Similarity >= threshold
		if score.Same {
			same++
			falseRejects += indicator(!called)
		} else {
			different++
			falseAccepts += indicator(called)
		}
	}
	return falseAccepts / different, falseRejects / same
}

// binCount is the number of reliability bins.
const binCount = 10

// Bin holds the pairs whose similarity is in [Low,High), in the last bin up to
// and with 1.
type Bin struct {
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Count int     `json:"count"`
	Mean  float64 `json:"mean"` // of the similarities; 0 in an empty bin
	Same  float64 `json:"same"` // share of pairs of one class; 0 in an empty bin
}

// reliability sorts the scores into bins of equal width, and tells the expected
// calibration error: how far the share of same pairs is from the similarity, averaged
// over the pairs (C. Guo et al., On calibration of modern neural networks, 2017, eq. 3).
// Weights say how much each pair counts; nil: all alike.
func reliability(scores []Score, weights []float64) ([]Bin, float64) {
	bins := make([]Bin, binCount)
	var held [binCount]float64
	total := 0.0
	for i, score := range scores {
		at := min(int(score.Similarity*binCount), binCount-1)
		weight := 1.0
		if weights != nil {
			weight = weights[i]
		}
		bins[at].Count++
		bins[at].Mean += weight * score.Similarity
		bins[at].Same += weight * indicator(score.Same)
		held[at] += weight
		total += weight
	}
	off := 0.0
	for i := range bins {
		bin := &bins[i]
		bin.Low, bin.High = float64(i)/binCount, float64(i+1)/binCount
		off += math.Abs(bin.Same - bin.Mean)
		if bin.Count > 0 {
			bin.Mean /= held[i]
			bin.Same /= held[i]
		}
	}
	return bins, off / total
}
