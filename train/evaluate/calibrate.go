package evaluate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// The numbers of the search that Calibrate makes.
const (
	maxNewtonSteps = 100
	minStepShare   = 1e-10 // a shorter step gains less than rounding loses
	sufficientGain = 1e-4  // the least share of the gain that the slope promises
	lastGain       = 1e-12 // share of the loss; a step that promises less is the last one
	ridge          = 1e-12 // keeps the curvature invertible where all scores are sure
)

// ErrNotCalibrated: the search found no minimum.
var ErrNotCalibrated = errors.New("calibration did not converge")

// Logit is the inverse of the sigmoid. Similarities come as float32, so nothing
// is known of those nearer to 0 or 1 than 2⁻²⁴: they count as at that distance.
func Logit(similarity float64) float64 {
	const nearest = 1.0 / (1 << 24)
	similarity = min(max(similarity, nearest), 1-nearest)
	return math.Log(similarity) - math.Log1p(-similarity)
}

// Rescale returns the scores as they become when the logits are multiplied by
// scale and shifted: σ(scale·logit+shift). The given ones are not changed.
func Rescale(scores []Score, scale, shift float64) []Score {
	rescaled := make([]Score, len(scores))
	for i, score := range scores {
		rescaled[i] = Score{sigmoid(scale*Logit(score.Similarity) + shift), score.Same}
	}
	return rescaled
}

// Calibrate finds the scale and the shift with which σ(scale·logit+shift) best
// estimates how likely a pair is of one class (J. Platt, Probabilistic outputs for
// support vector machines, 1999), by Newton's method with backtracking (H.-T. Lin,
// C.-J. Lin, R. Weng, A note on Platt's probabilistic outputs, 2007). Logits and
// labels go in step; the share of same pairs among them is the prior of the
// result. Platt's smoothed targets keep the scale finite where the pairs part
// without an error.
//
// With weights w and bias b of the network's last layer, scale·w and
// scale·b+shift fold the result into it. A scale below zero says that the network
// orders pairs the wrong way round.
//
// Weights say how much each pair counts, 0 or more, with regard to the others; none:
// all alike. Their share that is of same pairs is then the prior.
//
// Logits that are not finite, or all the same, and labels of one kind only are
// errors; ErrNotCalibrated says that no minimum was found.
func Calibrate(logits []float64, same []bool, weights []float64) (scale, shift float64, err error) {
	fit, err := newPlatt(logits, same, weights)
	if err != nil {
		return 0, 0, fmt.Errorf("calibrate: %w", err)
	}
	at := line{0, fit.prior()}
	loss := fit.loss(at)
	for range maxNewtonSteps {
		slope, step := fit.newton(at)
		gain := -(slope.scale*step.scale + slope.shift*step.shift)
		if gain <= lastGain*loss {
			scale = (at.scale + step.scale) / fit.deviation
			return scale, at.shift + step.shift - scale*fit.mean, nil
		}
		next, nextLoss, ok := fit.descend(at, loss, gain, step)
		if !ok {
			break
		}
		at, loss = next, nextLoss
	}
	return 0, 0, fmt.Errorf("calibrate: %w: stopped at scale %g and shift %g of the standardized logits after at most %d steps",
		ErrNotCalibrated, at.scale, at.shift, maxNewtonSteps)
}

// line is a scale and a shift, or a direction in them.
type line struct{ scale, shift float64 }

// platt is the loss that Calibrate makes least. The logits are standardized, so
// that the search does not depend on their origin and unit.
type platt struct {
	logits          []float64 // of mean 0 and deviation 1
	targets         []float64 // the smoothed labels
	weights         []float64 // of mean 1
	mean, deviation float64   // of the logits as they came
}

func newPlatt(logits []float64, same []bool, weights []float64) (platt, error) {
	if len(logits) != len(same) || weights != nil && len(weights) != len(same) {
		return platt{}, fmt.Errorf("received %d logits, %d labels and %d weights, expected equally many", len(logits), len(same), len(weights))
	}
	var kept, positives, negatives, total float64
	p := platt{}
	for i, logit := range logits {
		if math.IsNaN(logit) || math.IsInf(logit, 0) {
			return platt{}, fmt.Errorf("logit %d is %v, expected a finite number", i, logit)
		}
		weight := 1.0
		if weights != nil {
			weight = weights[i]
		}
		if !(weight >= 0) || math.IsInf(weight, 0) { // NaN is neither
			return platt{}, fmt.Errorf("weight %d is %v, expected a finite number from 0", i, weight)
		}
		kept += indicator(weight > 0)
		total += weight
		p.weights = append(p.weights, weight)
	}
	for i := range p.weights {
		p.weights[i] *= kept / total
		if same[i] {
			positives += p.weights[i]
		} else {
			negatives += p.weights[i]
		}
	}
	if !(positives > 0 && negatives > 0) {
		return platt{}, fmt.Errorf("%w: received %g same and %g different pairs, expected both kinds", ErrNoPairs, positives, negatives)
	}
	if p.standardize(logits); p.deviation == 0 {
		return platt{}, fmt.Errorf("all logits are %v, expected at least two different ones", logits[0])
	}
	p.smooth(same, positives, negatives)
	return p, nil
}

// standardize keeps the logits with mean 0 and deviation 1, if they differ.
func (p *platt) standardize(logits []float64) {
	// A sum of equal numbers may round; their spread is exact.
	if slices.Min(logits) == slices.Max(logits) {
		return
	}
	p.mean, p.deviation = stat.PopMeanStdDev(logits, nil)
	p.logits = make([]float64, len(logits))
	for i, logit := range logits {
		p.logits[i] = (logit - p.mean) / p.deviation
	}
}

// smooth sets Platt's targets in place of 0 and 1.
func (p *platt) smooth(same []bool, positives, negatives float64) {
	p.targets = make([]float64, len(same))
	for i := range p.targets {
		p.targets[i] = 1 / (negatives + 2)
		if same[i] {
			p.targets[i] = (positives + 1) / (positives + 2)
		}
	}
}

// prior is the shift that is best at scale 0: the logit of the mean target.
func (p platt) prior() float64 {
	var mean, total float64
	for i, target := range p.targets {
		mean += p.weights[i] * target
		total += p.weights[i]
	}
	mean /= total
	return math.Log(mean) - math.Log1p(-mean)
}

// loss is the weighted sum of the cross-entropies: log(1+eᶻ) - target·z without overflow.
func (p platt) loss(at line) float64 {
	var sum float64
	for i, logit := range p.logits {
		z := at.scale*logit + at.shift
		sum += p.weights[i] * (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) - p.targets[i]*z)
	}
	return sum
}

// newton returns the gradient of the loss and Newton's step down from here.
func (p platt) newton(at line) (slope, step line) {
	scaleScale, scaleShift, shiftShift := ridge, 0.0, ridge
	for i, logit := range p.logits {
		probability := sigmoid(at.scale*logit + at.shift)
		off, weight := p.weights[i]*(probability-p.targets[i]), p.weights[i]*probability*(1-probability)
		slope.scale += off * logit
		slope.shift += off
		scaleScale += weight * logit * logit
		scaleShift += weight * logit
		shiftShift += weight
	}
	determinant := scaleScale*shiftShift - scaleShift*scaleShift
	step.scale = -(shiftShift*slope.scale - scaleShift*slope.shift) / determinant
	step.shift = -(scaleScale*slope.shift - scaleShift*slope.scale) / determinant
	return slope, step
}

// descend halves the step until it gains enough of what the slope promises.
func (p platt) descend(at line, loss, gain float64, step line) (next line, nextLoss float64, ok bool) {
	for share := 1.0; share >= minStepShare; share /= 2 {
		next = line{at.scale + share*step.scale, at.shift + share*step.shift}
		nextLoss = p.loss(next)
		if nextLoss <= loss-sufficientGain*share*gain {
			return next, nextLoss, true
		}
	}
	return at, loss, false
}

func sigmoid(z float64) float64 {
	return 1 / (1 + math.Exp(-z))
}
