// Package schedule says how the learning rate goes over a training run, by the
// rules of Siamese-keras (train.py and utils/utils.py), plus a linear warm-up.
package schedule

import (
	"fmt"
	"math"
)

// Kind names a rule.
type Kind string

// The rules.
const (
	// Cos is upstream's YOLOX rule: a quadratic rise over the first epochs, half
	// a cosine, a flat end. The rate changes from epoch to epoch.
	Cos Kind = "cos"
	// Smooth is Cos with the rate changing from step to step, whose rise and flat end
	// take at most a tenth of the run each: a run of one epoch is not all rise.
	Smooth Kind = "smooth"
	// Step is upstream's rule of ten equal falls.
	Step Kind = "step"
	// Constant stays at Rate.
	Constant Kind = "constant"
)

// Config describes a schedule.
type Config struct {
	Kind Kind `json:"kind"`
	// Rate is the highest learning rate, MinRate the lowest of Cos, Smooth and
	// Step, above 0.
	Rate    float64 `json:"rate"`
	MinRate float64 `json:"min_rate"`
	// Epochs is the length of the run, StepsPerEpoch that of an epoch.
	Epochs        int `json:"epochs"`
	StepsPerEpoch int `json:"steps_per_epoch"`
	// WarmUpSteps is over how many of the first steps the rate rises linearly
	// from 0, on top of the rule. 0: none.
	WarmUpSteps int `json:"warm_up_steps"`
}

// Validate reports the first field that is out of range.
func (c Config) Validate() error {
	switch c.Kind {
	case Cos, Smooth, Step, Constant:
	default:
		return fmt.Errorf("schedule %q, want cos, smooth, step or constant", c.Kind)
	}
	if !(c.Rate > 0) || math.IsInf(c.Rate, 0) {
		return fmt.Errorf("learning rate %v, want above 0", c.Rate)
	}
	if c.Kind != Constant && !(c.MinRate > 0 && c.MinRate <= c.Rate) {
		return fmt.Errorf("least learning rate %v, want above 0 and at most %v", c.MinRate, c.Rate)
	}
	if c.Epochs < 1 || c.StepsPerEpoch < 1 || c.WarmUpSteps < 0 {
		return fmt.Errorf("%d epochs of %d steps, %d of them to warm up; want at least 1, 1 and 0", c.Epochs, c.StepsPerEpoch, c.WarmUpSteps)
	}
	return nil
}

// At is the learning rate of a step, counted from 0.
func (c Config) At(step int64) float64 {
	return c.warmUp(step) * c.rule(float64(step)/float64(c.StepsPerEpoch))
}

// AtShare is the learning rate of a step, counted from 0, when a share of the run
// is done, 0 to 1: for runs that end at a time and not after a number of steps.
// The rule's Epochs are stretched over the run; the warm-up stays in steps.
func (c Config) AtShare(step int64, share float64) float64 {
	return c.warmUp(step) * c.rule(share*float64(c.Epochs))
}

// warmUp is the factor of the linear rise, up to 1.
func (c Config) warmUp(step int64) float64 {
	if c.WarmUpSteps == 0 {
		return 1
	}
	return math.Min(1, float64(step+1)/float64(c.WarmUpSteps))
}

// rule is the learning rate after a number of epochs, without the warm-up.
func (c Config) rule(epoch float64) float64 {
	switch c.Kind {
	case Cos:
		return c.cosine(math.Floor(epoch))
	case Smooth:
		return c.cosine(epoch)
	case Step:
		return c.falls(math.Floor(epoch))
	default:
		return c.Rate
	}
}

// cosine is upstream's rule for epoch e of T: with W = min(max(T/20,1),3) epochs
// of rise from s = max(rate/10, 1e-6) and F = min(max(T/20,1),15) flat ones at
// the end, s+(rate-s)(e/W)², then min+½(rate-min)(1+cos(π(e-W)/(T-W-F))), then
// min. Of Smooth W and F are at most T/10.
func (c Config) cosine(epoch float64) float64 {
	total := float64(c.Epochs)
	rise := math.Min(math.Max(0.05*total, 1), 3)
	flat := math.Min(math.Max(0.05*total, 1), 15)
	if c.Kind == Smooth {
		rise, flat = math.Min(rise, total/10), math.Min(flat, total/10)
	}
	start := math.Max(0.1*c.Rate, 1e-6)
	switch {
	case epoch <= rise:
		return start + (c.Rate-start)*(epoch/rise)*(epoch/rise)
	case epoch >= total-flat:
		return c.MinRate
	}
	return c.MinRate + 0.5*(c.Rate-c.MinRate)*(1+math.Cos(math.Pi*(epoch-rise)/(total-rise-flat)))
}

// falls is upstream's rule of ten levels: rate·r^⌊e/(T/10)⌋ with
// r = (min/rate)^(1/9).
func (c Config) falls(epoch float64) float64 {
	ratio := math.Pow(c.MinRate/c.Rate, 1.0/9)
	return c.Rate * math.Pow(ratio, math.Floor(epoch/(float64(c.Epochs)/10)))
}

// The batch that upstream's learning rates are meant for.
const nominalBatch = 64

// Scaled fits upstream's learning rates to a batch of anchors: each is
// multiplied by batch/64 and kept within limits of the optimizer, sgd 5e-4 to
// 1e-1, others 3e-4 to 1e-3; for the least rate the limits are a hundredth.
func Scaled(optimizer string, batch int, rate, minRate float64) (scaledRate, scaledMinRate float64) {
	low, high := 3e-4, 1e-3
	if optimizer == "sgd" {
		low, high = 5e-4, 1e-1
	}
	factor := float64(batch) / nominalBatch
	clamp := func(value, low, high float64) float64 { return math.Min(math.Max(value, low), high) }
	return clamp(factor*rate, low, high), clamp(factor*minRate, low/100, high/100)
}

// BudgetWarning is upstream's advice when a run has fewer steps than the
// optimizer is known to need, sgd 30,000, others 10,000; empty when it has
// enough.
func BudgetWarning(optimizer string, stepsPerEpoch, epochs int) string {
	wanted := 10_000
	if optimizer == "sgd" {
		wanted = 30_000
	}
	if total := stepsPerEpoch * epochs; total > wanted || stepsPerEpoch < 1 {
		return ""
	}
	return fmt.Sprintf("%s wants %d steps or more from ImageNet's weights, and %d epochs of %d steps are %d; fewer do for a start that knows such pictures",
		optimizer, wanted, epochs, stepsPerEpoch, stepsPerEpoch*epochs)
}
