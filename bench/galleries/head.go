package galleries

import (
	"fmt"
	"math"

	"siamese/gallery"
)

// DistanceHead is a head that measures a distance, computed in Go: each number of
// |a−b| goes into one hidden unit at most. It is for scoring a hundred thousand pairs
// exactly in a fraction of a second, and safe for concurrent use.
type DistanceHead struct {
	unit       []int32 // of each number of an embedding; -1: none
	weight     []float64
	bias, last []float64
	lastBias   float64
}

// NewDistanceHead makes the head of these layers: first [E,H] and bias [H], ReLU, last [H]
// and lastBias. It is an error that a number goes into more than one unit.
func NewDistanceHead(first, bias, last []float32, lastBias float32) (*DistanceHead, error) {
	hidden := len(bias)
	if hidden == 0 || len(last) != hidden || len(first)%hidden != 0 {
		return nil, fmt.Errorf("bench: received a head of %d, %d and %d numbers, expected E×H, H and H", len(first), len(bias), len(last))
	}
	h := &DistanceHead{bias: float64s(bias), last: float64s(last), lastBias: float64(lastBias)}
	for i := range len(first) / hidden {
		unit, weight := int32(-1), 0.0
		for j, w := range first[i*hidden : (i+1)*hidden] {
			if w == 0 {
				continue
			}
			if unit >= 0 {
				return nil, fmt.Errorf("bench: number %d of an embedding goes into the units %d and %d, expected one at most", i, unit, j)
			}
			unit, weight = int32(j), float64(w)
		}
		h.unit, h.weight = append(h.unit, unit), append(h.weight, weight)
	}
	return h, nil
}

func float64s(values []float32) []float64 {
	converted := make([]float64, len(values))
	for i, v := range values {
		converted[i] = float64(v)
	}
	return converted
}

// logits scores a query against each of the vectors, on all cores: what the sigmoid makes
// similarities of.
func (h *DistanceHead) logits(query gallery.Vector, vectors []gallery.Vector) []float64 {
	dense := query.AppendTo(nil)
	// What the units are where the other one is 0: others change the numbers they hold.
	sums := append([]float64(nil), h.bias...)
	for i, v := range dense {
		if h.unit[i] >= 0 {
			sums[h.unit[i]] += h.weight[i] * math.Abs(float64(v))
		}
	}
	scores := make([]float64, len(vectors))
	eachPart(len(vectors), func(begin, end int) {
		units := make([]float64, len(sums))
		for n := begin; n < end; n++ {
			copy(units, sums)
			for i, v := range vectors[n].All() {
				if u := h.unit[i]; u >= 0 {
					q := float64(dense[i])
					units[u] += h.weight[i] * (math.Abs(q-float64(v)) - math.Abs(q))
				}
			}
			scores[n] = h.logit(units)
		}
	})
	return scores
}

func (h *DistanceHead) logit(units []float64) float64 {
	logit := h.lastBias
	for j, x := range units {
		if x > 0 {
			logit += x * h.last[j]
		}
	}
	return logit
}

// similarityOf is the similarity of a logit.
func similarityOf(logit float64) float64 { return 1 / (1 + math.Exp(-logit)) }
