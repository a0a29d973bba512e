package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// ROCPoint is what happens at one threshold: a pair is called the same if its
// similarity is at or above it.
type ROCPoint struct {
	Threshold float64 `json:"threshold"` // half way between two similarities; just above 1 where not even a 1 is enough
	FPR       float64 `json:"fpr"`       // share of different pairs called the same (false-accept rate), 0..1
	TPR       float64 `json:"tpr"`       // share of same pairs called the same, 0..1
}

// Operating is the point with the fewest same pairs missed among those whose
// false-accept rate is within a bound.
type Operating struct {
	MaxFAR    float64 `json:"max_far"`   // the bound
	Threshold float64 `json:"threshold"` // as in ROCPoint
	FAR       float64 `json:"far"`       // share of different pairs called the same there
	FRR       float64 `json:"frr"`       // share of same pairs called different there
}

// roc holds one point before and after each distinct similarity, descending in
// threshold, so from (0,0) to (1,1).
type roc struct {
	points          []ROCPoint
	same, different int // pairs
}

// newROC sorts the pairs and walks down the similarities. Pairs of one similarity
// are passed in one step, since no threshold parts them.
func newROC(scores []Score) (roc, error) {
	sorted := slices.Clone(scores)
	slices.SortFunc(sorted, func(a, b Score) int { return cmp.Compare(b.Similarity, a.Similarity) })
	var r roc
	for _, score := range sorted {
		if score.Same {
			r.same++
		} else {
			r.different++
		}
	}
	if r.same == 0 || r.different == 0 {
		return roc{}, fmt.Errorf("%w: received %d same and %d different pairs, expected both kinds", ErrNoPairs, r.same, r.different)
	}
	r.points = []ROCPoint{{Threshold: above(sorted[0].Similarity)}}
	accepted, falsely := 0, 0
	for i, score := range sorted {
		if score.Same {
			accepted++
		} else {
			falsely++
		}
		next := 0.0
		if i+1 < len(sorted) {
			if next = sorted[i+1].Similarity; next == score.Similarity {
				continue
			}
			next = (score.Similarity + next) / 2
		}
		r.points = append(r.points, ROCPoint{next, float64(falsely) / float64(r.different), float64(accepted) / float64(r.same)})
	}
	return r, nil
}

// above returns a threshold that the highest similarity does not reach.
func above(highest float64) float64 {
	if highest < 1 {
		return (highest + 1) / 2
	}
	return math.Nextafter(1, 2)
}

// area under the curve, by trapezoids: the Mann-Whitney statistic over the
// number of pairs of pairs, ties counting half.
func (r roc) area() float64 {
	var area float64
	for i, p := range r.points[1:] {
		before := r.points[i]
		area += (p.FPR - before.FPR) * (p.TPR + before.TPR) / 2
	}
	return area
}

// equalError is where the share of different pairs accepted meets that of same
// pairs refused, on the line between the two points about it.
func (r roc) equalError() float64 {
	for i, p := range r.points[1:] {
		excess := p.FPR - (1 - p.TPR)
		if excess < 0 {
			continue
		}
		before := r.points[i]
		lack := (1 - before.TPR) - before.FPR
		// Along the line the difference grows from -lack to excess; the first point has a lack of 1.
		return before.FPR + (p.FPR-before.FPR)*lack/(lack+excess)
	}
	return 1 // not reached: the last point accepts all
}

// best returns the highest threshold within 0..1 of the most right verdicts, and
// their share.
func (r roc) best() (threshold, accuracy float64) {
	same, different := float64(r.same), float64(r.different)
	for _, p := range r.points {
		right := (p.TPR*same + (1-p.FPR)*different) / (same + different)
		if right > accuracy && p.Threshold <= 1 {
			threshold, accuracy = p.Threshold, right
		}
	}
	return threshold, accuracy
}

// operating returns the last point whose false-accept rate is within the bound.
func (r roc) operating(maxFAR float64) Operating {
	last := r.points[0]
	for _, p := range r.points[1:] {
		if p.FPR <= maxFAR {
			last = p
		}
	}
	return Operating{MaxFAR: maxFAR, Threshold: last.Threshold, FAR: last.FPR, FRR: 1 - last.TPR}
}

// corners leaves out the points on a horizontal or vertical line between two
// others: the curve through the rest is the same.
func (r roc) corners() []ROCPoint {
	var corners []ROCPoint
	for i, p := range r.points {
		if i > 0 && i+1 < len(r.points) {
			before, after := r.points[i-1], r.points[i+1]
			if before.FPR == p.FPR && p.FPR == after.FPR || before.TPR == p.TPR && p.TPR == after.TPR {
				continue
			}
		}
		corners = append(corners, p)
	}
	return corners
}
