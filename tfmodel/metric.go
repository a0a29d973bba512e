package tfmodel

import (
	"math"
	"slices"
)

// MetricWeights returns one weight a number of an embedding, such that the head's
// similarity falls with Σ wᵢ|aᵢ−bᵢ|: how fast its logit falls as |aᵢ−bᵢ| grows, all hidden
// units being active. It is nil where that is not known: the head's variables were not
// found, or it does not measure a distance, so that such a sum would order pairs
// otherwise than it does. The slice must not be changed.
func (m *Model) MetricWeights() []float32 { return m.metricWeights }

// headReader keeps the head's kernels as variables are read.
type headReader struct {
	architecture Architecture
	first        [][]float32 // kernels [E,hidden]
	last         [][]float32 // kernels [hidden,1]
}

// take keeps a variable that has the shape of one of the head's kernels, by which those
// of graphs that other programs made are found.
func (r *headReader) take(variable Variable, values []float32) {
	length, hidden := r.architecture.EmbeddingLength(), r.architecture.Hidden
	switch {
	case slices.Equal(variable.Shape, []int{hidden, 1}):
		r.last = append(r.last, values)
	case slices.Equal(variable.Shape, []int{length, hidden}):
		r.first = append(r.first, values)
	}
}

// metricWeights are those of MetricWeights. Where several kernels may be the head's first
// one, as of a projection as wide, the last one read is not known to be it: named says
// whether they came in the order of the layers.
func (r *headReader) metricWeights(named bool) []float32 {
	if len(r.last) != 1 || len(r.first) == 0 || len(r.first) > 1 && !named {
		return nil
	}
	return distanceWeights(r.first[len(r.first)-1], r.last[0])
}

// distanceShare is the least share of the weights' sum that must go the way of a
// distance, so that a head is one.
const distanceShare = 0.9

// distanceWeights are what |aᵢ−bᵢ| takes from the logit, of kernels [E,hidden] and
// [hidden,1]: Σⱼ first[i,j]·(−last[j]). Nil where too many of the products go the other
// way.
func distanceWeights(first, last []float32) []float32 {
	weights := make([]float32, len(first)/len(last))
	var falls, rises float64
	for i := range weights {
		sum := 0.0
		for j, unit := range last {
			product := -float64(first[i*len(last)+j]) * float64(unit)
			falls += max(product, 0)
			rises += max(-product, 0)
			sum += product
		}
		weights[i] = float32(min(max(sum, 0), math.MaxFloat32))
	}
	if falls == 0 || falls < distanceShare*(falls+rises) {
		return nil
	}
	return weights
}
