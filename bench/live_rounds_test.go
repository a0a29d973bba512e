package bench

import (
	"strings"
	"testing"
)

func TestLiveRows(t *testing.T) {
	slow := newLiveRound([]float64{0.05, 0.04}, []float64{0.05, 0.06}, played{
		scoredPerSec: 16, shownPerSec: 30, lagMedian: 0.1, lagHigh: 2*0.05 + 1./30, cores: 0.1,
	})
	fast := newLiveRound([]float64{0.01}, []float64{0.01}, played{
		scoredPerSec: 30, shownPerSec: 29.1, lagMedian: 0.02, lagHigh: 0.16, cores: 0.2,
	})
	tests := []struct {
		name  string
		give  liveRounds
		row   string
		want  float64
		holds bool
	}{
		{"of what is encoded", liveRounds{slow}, "frames scored to what could be", 0.8, false},
		{"of what there is", liveRounds{fast}, "frames scored to what could be", 1, true},
		{"at the film's rate", liveRounds{slow}, "off the film's rate", 0, true},
		{"behind the film's rate", liveRounds{fast}, "off the film's rate", 3, false},
		{"on the bound", liveRounds{slow}, "to two encodes and a frame's interval", 1, true},
		{"over the bound", liveRounds{fast}, "to two encodes and a frame's interval", 0.16 / (0.02 + 1./30), false},
		{"median of rounds", liveRounds{slow, fast, slow}, "lag, median", 100, true},
		{"a little CPU", liveRounds{slow}, "CPU", 0.1, true},
		{"much CPU", liveRounds{fast}, "CPU", 0.2, false},
	}
	for _, tt := range tests {
		found := false
		for _, row := range tt.give.rows() {
			if !strings.Contains(row.Name, tt.row) {
				continue
			}
			found = true
			if diff := row.Value - tt.want; diff > 1e-9 || diff < -1e-9 || row.Holds != tt.holds { // rounding of a few operations
				t.Errorf("%s: %s is %v and holds: %t, want %v and %t", tt.name, row.Name, row.Value, row.Holds, tt.want, tt.holds)
			}
		}
		if !found {
			t.Errorf("%s: there is no row %q", tt.name, tt.row)
		}
	}
}

func TestOffBy(t *testing.T) {
	for _, give := range []float64{27, 33} {
		if got := offBy(give, 30); got != 0.1 {
			t.Errorf("offBy(%v, 30) = %v, want 0.1", give, got)
		}
	}
}
