package dedupe

import (
	"math"
	"testing"
)

// TestRule: the model's evidence and the pixels' add up, foreign pictures have the
// pixels' alone, and a threshold takes no notice of pixels where the model knows the
// pictures.
func TestRule(t *testing.T) {
	threshold := float32(0.99)
	byMatch, byThreshold := rule{match: 0.9}, rule{threshold: &threshold, match: 0.9}
	counted := byMatch
	counted.foreign = true
	tests := map[string]struct {
		rule                rule
		similarity, overlap float32
		foreign             bool
		wantMatch           float32
		wantNear            bool
	}{
		"sure, and alike":              {byMatch, 1, 0.67, false, 0.91, true},
		"sure, and unlike":             {byMatch, 1, 0.65, false, 0.89, false},
		"undecided, and alike":         {byMatch, 0.5, 0.91, false, 0.91, true},
		"undecided, and a little less": {byMatch, 0.5, 0.89, false, 0.89, false},
		"surely not, and alike":        {byMatch, 0, 0.95, false, 0.91, true},
		"surely not, and unlike":       {byMatch, 0, 0.01, false, 0, false},
		"at most 1":                    {byMatch, 1, 1, false, 1, true},
		"foreign":                      {byMatch, 1, 0.89, true, 0.89, false},
		"foreign, counted":             {counted, 1, 0.89, true, 1, true},
		"threshold, alike":             {byThreshold, 0.99, 0, false, 0, true},
		"threshold, below":             {byThreshold, 0.98, 1, false, 0, false},
		"threshold, foreign":           {byThreshold, 1, 0.5, true, 0.5, false},
		"threshold, foreign and alike": {byThreshold, 0.2, 0.95, true, 0.95, true},
	}
	for name, tt := range tests {
		got := tt.rule.judge(tt.similarity, tt.foreign, func() float32 { return tt.overlap })
		if math.Abs(float64(got.match-tt.wantMatch)) > 1e-5 || got.near != tt.wantNear || got.similarity != tt.similarity {
			t.Errorf("%s: judge = %+v, want match %v, near %t", name, got, tt.wantMatch, tt.wantNear)
		}
	}
}
