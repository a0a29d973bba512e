package evaluate_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/train/evaluate"
)

// calibrated returns pairs whose share of same ones is σ(scale·logit+shift) at
// each logit, up to the rounding of 2,000 pairs to whole ones.
func calibrated(scale, shift float64) (logits []float64, same []bool) {
	const each = 2000
	for logit := -6.0; logit <= 6; logit += 0.5 {
		positives := int(math.Round(each / (1 + math.Exp(-scale*logit-shift))))
		for i := range each {
			logits, same = append(logits, logit), append(same, i < positives)
		}
	}
	return logits, same
}

func TestCalibrateFindsScaleAndShift(t *testing.T) {
	// Rounding to whole pairs and Platt's smoothing move the minimum that little.
	const tolerance = 0.01
	for _, want := range [][2]float64{{1, 0}, {0.3, 0.5}, {2, -1.5}, {-0.7, 0.2}} {
		logits, same := calibrated(want[0], want[1])
		scale, shift, err := evaluate.Calibrate(logits, same, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, [2]float64{scale, shift}, cmpopts.EquateApprox(0, tolerance)); diff != "" {
			t.Errorf("scale and shift (-want +got):\n%s", diff)
		}
	}
}

func TestCalibrateStaysFinite(t *testing.T) {
	tests := []struct {
		name string
		give []float64 // the first half different, the second half same
	}{
		{"parted without an error", []float64{-3, -2, -1, 1, 2, 3}},
		{"far too sure", []float64{-900, -800, 400, -400, 800, 900}},
		{"nearly constant", []float64{1e-9, 0, 0, 0, 0, 2e-9}},
		{"far off centre", []float64{1000, 1001, 1002, 1001, 1002, 1003}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scale, shift, err := evaluate.Calibrate(tt.give, []bool{false, false, false, true, true, true}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !(scale > 0) || math.IsInf(scale, 0) || math.IsNaN(shift) || math.IsInf(shift, 0) {
				t.Errorf("scale, shift = %v, %v, want finite ones and a scale above 0", scale, shift)
			}
		})
	}
}

func TestRescaleByCalibrationLowersTheCalibrationError(t *testing.T) {
	// The network is three times as sure as it ought to be, and off centre.
	logits, same := calibrated(1.0/3, 0.5)
	scores := make([]evaluate.Score, len(logits))
	for i, logit := range logits {
		scores[i] = evaluate.Score{Similarity: 1 / (1 + math.Exp(-logit)), Same: same[i]}
	}
	scale, shift, err := evaluate.Calibrate(logits, same, nil)
	if err != nil {
		t.Fatal(err)
	}
	before, err := evaluate.Measure(scores, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	after, err := evaluate.Measure(evaluate.Rescale(scores, scale, shift), 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if before.ECE < 0.1 || after.ECE > 0.01 {
		t.Errorf("calibration error = %v before and %v after, want above 0.1 and below 0.01", before.ECE, after.ECE)
	}
	if math.Abs(before.AUC-after.AUC) > rounding {
		t.Errorf("AUC = %v before and %v after, want it unchanged", before.AUC, after.AUC)
	}
}

func TestLogitInvertsTheSigmoid(t *testing.T) {
	for _, logit := range []float64{-12, -1, 0, 0.5, 12} {
		// A float64 near 1 holds a logit of 12 to nine digits.
		if got := evaluate.Logit(1 / (1 + math.Exp(-logit))); math.Abs(got-logit) > 1e-9 {
			t.Errorf("Logit(σ(%v)) = %v, want it back", logit, got)
		}
	}
	low, high := evaluate.Logit(0), evaluate.Logit(1)
	if math.IsInf(low, 0) || math.Abs(low+high) > 1e-9 || high < 16 {
		t.Errorf("Logit(0), Logit(1) = %v, %v, want opposite and finite ones beyond 16", low, high)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	tests := []struct {
		name        string
		giveLogits  []float64
		giveSame    []bool
		giveWeights []float64
		want        string
	}{
		{"nothing", nil, nil, nil, "received 0 same and 0 different pairs"},
		{"one kind", []float64{1, 2}, []bool{true, true}, nil, "received 2 same and 0 different pairs"},
		{"uneven", []float64{1, 2}, []bool{true}, nil, "received 2 logits, 1 labels"},
		{"no number", []float64{1, math.NaN()}, []bool{true, false}, nil, "logit 1 is NaN"},
		{"infinite", []float64{math.Inf(1), 1}, []bool{true, false}, nil, "logit 0 is +Inf"},
		{"all alike", []float64{2, 2}, []bool{true, false}, nil, "all logits are 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := evaluate.Calibrate(tt.giveLogits, tt.giveSame, tt.giveWeights)
			wantError(t, err, tt.want)
		})
	}
}
