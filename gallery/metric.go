package gallery

import (
	"fmt"
	"iter"
	"math"
	"slices"
)

// Metric is a weighted L1 distance between embeddings of one model, Σ wᵢ|aᵢ−bᵢ|, that
// orders pairs nearly as the model's head does. It is safe for concurrent use.
type Metric struct {
	modelDigest string
	weights     []float32
}

// NewMetric returns the metric with these weights, one a number of an embedding of the
// model with this digest, each finite and not below 0. It copies them.
func NewMetric(modelDigest string, weights []float32) (*Metric, error) {
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(float64(w), 1) {
			return nil, fmt.Errorf("gallery: weight %d is %v, expected a finite number of 0 or more", i, w)
		}
	}
	if len(weights) == 0 || slices.Max(weights) == 0 {
		return nil, fmt.Errorf("gallery: received %d weights, none above 0, expected some", len(weights))
	}
	return &Metric{modelDigest: modelDigest, weights: slices.Clone(weights)}, nil
}

// ModelDigest is that of the model.
func (m *Metric) ModelDigest() string { return m.modelDigest }

// Weights are one a number of an embedding. They must not be changed.
func (m *Metric) Weights() []float32 { return m.weights }

// Norm is the distance of v from 0.
func (m *Metric) Norm(v Vector) float32 {
	var sum float64
	for i, value := range v.All() {
		sum += float64(m.weights[i]) * math.Abs(float64(value))
	}
	return float32(sum)
}

// Distance is that of a and b, whose lengths must be that of the weights.
func (m *Metric) Distance(a, b Vector) float32 {
	var sum float64
	for i, difference := range a.minus(b) {
		sum += float64(m.weights[i]) * math.Abs(difference)
	}
	return float32(sum)
}

// minus yields the numbers of v − other, which has the same length, by their places; none
// where neither holds a number.
func (v Vector) minus(other Vector) iter.Seq2[int, float64] {
	return func(yield func(int, float64) bool) {
		i, j := 0, 0
		for i < len(v.values) || j < len(other.values) {
			at, beside := v.index(i), other.index(j)
			index := min(at, beside)
			var difference float64
			if at == index {
				difference = float64(v.values[i])
				i++
			}
			if beside == index {
				difference -= float64(other.values[j])
				j++
			}
			if !yield(index, difference) {
				return
			}
		}
	}
}

// index is the place in the embedding of the i-th number that v holds, behind the last
// one the length.
func (v Vector) index(i int) int {
	switch {
	case i >= len(v.values):
		return v.length
	case v.indexes == nil:
		return i
	}
	return int(v.indexes[i])
}
