package scorer_test

import (
	"strconv"
	"testing"

	"siamese/cmd/siamese/internal/scorer"
)

func TestAgree(t *testing.T) {
	tests := []struct {
		similarity, threshold float32
		wantS, wantT          string
	}{
		{0.75, 0.5, "0.7500", "0.50"},
		{0.9996, 0.9999, "0.9996", "0.9999"},
		{0.99997, 0.99999, "0.99997", "0.99999"},
		{0.9999999, 1, "0.9999999", "1.0000000"},
		{0.49999, 0.5, "0.49999", "0.50000"},
		{0.5, 0.5, "0.5000", "0.50"},
		{0.50001, 0.500004, "0.5000", "0.5000"},
		{0, 0, "0.0000", "0.00"},
	}
	for _, tt := range tests {
		same := tt.similarity >= tt.threshold
		s, threshold := scorer.Agree(tt.similarity, tt.threshold, same)
		if s != tt.wantS || threshold != tt.wantT {
			t.Errorf("Agree(%v, %v) = %s, %s; want %s, %s", tt.similarity, tt.threshold, s, threshold, tt.wantS, tt.wantT)
		}
		a, errA := strconv.ParseFloat(s, 64)
		b, errB := strconv.ParseFloat(threshold, 64)
		if errA != nil || errB != nil || (a >= b) != same {
			t.Errorf("Agree(%v, %v) = %s, %s, which read as %t", tt.similarity, tt.threshold, s, threshold, a >= b)
		}
	}
}

func TestCount(t *testing.T) {
	for give, want := range map[int]string{0: "0 entries", 1: "1 entry", 2: "2 entries", 1001: "1001 entries"} {
		if got := scorer.Count(give, "entry", "entries"); got != want {
			t.Errorf("Count(%d) = %q, want %q", give, got, want)
		}
	}
}

func TestFamiliarity(t *testing.T) {
	for give, want := range map[float32]string{0: "0", 0.5: "0.5", 0.0099: "0.009", 0.00099: "0.0009", 0.0000348: "0.00003", 1: "1"} {
		if got := scorer.Familiarity(give); got != want {
			t.Errorf("Familiarity(%v) = %s, want %s", give, got, want)
		}
	}
}
