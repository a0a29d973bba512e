package gallery

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// fit finds weights such that the logits of pairs are a constant less the weighted sum of
// the pairs' differences, as nearly as can be: non-negative least squares, by one weight
// after the other.
type fit struct {
	columns   [][]difference // by number of the embedding
	logits    []float64
	equal     float64 // the weight that fits best where all are the same
	intercept float64 // the constant then
}

// difference is how much the two embeddings of a pair differ in a number.
type difference struct {
	pair int32
	by   float32
}

const (
	pairsOfEach    = 8       // embedding with those nearest to it, and with others
	maxDifferences = 4 << 20 // fewer pairs are taken of embeddings that are not sparse
	sweeps         = 40
)

// newFit has the head score pairs of the embeddings.
func newFit(ctx context.Context, head Head, embeddings []Vector) (*fit, error) {
	f := &fit{columns: make([][]difference, embeddings[0].Length())}
	differences := 0
	for _, v := range embeddings {
		differences += 4 * v.Stored() // two a pair, near and far
	}
	each := max(1, min(pairsOfEach, maxDifferences/max(differences, 1)))
	for i, v := range embeddings {
		others := partners(embeddings, i, each)
		s := scorer{head: head, query: v}
		similarities, err := s.score(ctx, others)
		if err != nil {
			return nil, err
		}
		for j, other := range others {
			if y := logit(similarities[j]); !math.IsInf(y, 0) && !math.IsNaN(y) {
				f.add(y, v, other.Embedding)
			}
		}
	}
	return f, f.fitEqual()
}

// partners are the embeddings that make pairs with the i-th: some that are nearest to it,
// which a search is about, and as many others.
func partners(embeddings []Vector, i, each int) []Candidate {
	plain := make([]float32, embeddings[i].Length())
	for k := range plain {
		plain[k] = 1
	}
	metric := Metric{weights: plain}
	nearest := firstOf(len(embeddings), func(j int) float32 {
		if j == i {
			return float32(math.Inf(1))
		}
		return metric.Distance(embeddings[i], embeddings[j])
	})
	var found []Candidate
	for k := range each {
		for _, j := range []int{nearest[min(k, len(nearest)-1)], (i + 1 + k*k) % len(embeddings)} {
			if j != i {
				found = append(found, Candidate{Entry: Entry{Embedding: embeddings[j]}})
			}
		}
	}
	return found
}

// add adds a pair.
func (f *fit) add(logit float64, a, b Vector) {
	pair := int32(len(f.logits))
	f.logits = append(f.logits, logit)
	for i, by := range a.minus(b) {
		if by != 0 {
			f.columns[i] = append(f.columns[i], difference{pair: pair, by: float32(math.Abs(by))})
		}
	}
}

// fitEqual fits one weight for all numbers.
func (f *fit) fitEqual() error {
	n := float64(len(f.logits))
	sums := make([]float64, len(f.logits))
	for _, column := range f.columns {
		for _, d := range column {
			sums[d.pair] += float64(d.by)
		}
	}
	var x, y, xx, xy float64
	for i, sum := range sums {
		x, y, xx, xy = x+sum, y+f.logits[i], xx+sum*sum, xy+sum*f.logits[i]
	}
	variance := xx - x*x/n
	if !(variance > 0) {
		return fmt.Errorf("%w: all of its %d pairs that have a similarity between 0 and 1 are as far apart", ErrSample, len(f.logits))
	}
	f.equal = max(0, -(xy-x*y/n)/variance)
	f.intercept = (y + f.equal*x) / n
	return nil
}

// weights are those that fit best. The larger the stiffness, the nearer they are to each
// other: there are more of them than a sample tells apart.
func (f *fit) weights(stiffness float64) []float32 {
	weights := slices.Repeat([]float64{f.equal}, len(f.columns))
	if !math.IsInf(stiffness, 1) {
		f.descend(weights, stiffness)
	}
	found := make([]float32, len(weights))
	for i, w := range weights {
		found[i] = float32(w)
	}
	return found
}

// descend makes the sum of the squared errors less, and of how far the weights are from
// equal.
func (f *fit) descend(weights []float64, stiffness float64) {
	squares := make([]float64, len(f.columns))
	errors := make([]float64, len(f.logits))
	for pair, logit := range f.logits {
		errors[pair] = logit - f.intercept
	}
	var mean float64
	for i, column := range f.columns {
		for _, d := range column {
			squares[i] += float64(d.by) * float64(d.by)
			errors[d.pair] += weights[i] * float64(d.by)
		}
		mean += squares[i] / float64(len(f.columns))
	}
	for range sweeps {
		var off float64 // what the intercept takes on
		for _, e := range errors {
			off += e / float64(len(errors))
		}
		for pair := range errors {
			errors[pair] -= off
		}
		for i, column := range f.columns {
			slope := stiffness * mean * (weights[i] - f.equal)
			for _, d := range column {
				slope += errors[d.pair] * float64(d.by)
			}
			change := max(-weights[i], -slope/(squares[i]+stiffness*mean))
			if weights[i] += change; change != 0 {
				for _, d := range column {
					errors[d.pair] += change * float64(d.by)
				}
			}
		}
	}
}
