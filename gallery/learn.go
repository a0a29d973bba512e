package gallery

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// What is learnt from, and by how much it is looked at.
const (
	minSample   = 16
	maxSample   = 512
	heldOut     = 3  // every third embedding is not learnt from, but judged by
	maxQueries  = 32 // of those held out
	topOfJudged = 10 // the head's best that a metric should find
)

// LearnMetric finds the metric that orders pairs most nearly as a head does of which
// nothing is known, by what it says of pairs of a sample: embeddings of 16 or more
// pictures such as will be searched for, of which the first 512 are taken. known are
// metrics of the model to be held against what is learnt: the one that finds most of the
// head's best is returned. The same head and sample give the same metric. It takes a few
// seconds for 4608 numbers. [ErrSample] where the sample tells nothing.
func LearnMetric(ctx context.Context, head Head, modelDigest string, sample []Vector, known ...*Metric) (*Metric, error) {
	sample = sample[:min(len(sample), maxSample)]
	if len(sample) < minSample {
		return nil, fmt.Errorf("%w: received %d embeddings, expected at least %d", ErrSample, len(sample), minSample)
	}
	var learnt, judged []Vector
	for i, v := range sample {
		if v.Length() != sample[0].Length() {
			return nil, fmt.Errorf("gallery: embedding %d of the sample has %d numbers, expected %d", i, v.Length(), sample[0].Length())
		}
		if i%heldOut == heldOut-1 {
			judged = append(judged, v)
		} else {
			learnt = append(learnt, v)
		}
	}
	f, err := newFit(ctx, head, learnt)
	if err != nil {
		return nil, err
	}
	candidates := slices.Clone(known)
	for _, stiffness := range [...]float64{1, 0.1, 0.01, math.Inf(1)} {
		if metric, err := NewMetric(modelDigest, f.weights(stiffness)); err == nil {
			candidates = append(candidates, metric)
		}
	}
	if len(candidates) == 0 {
		return nil, fmt.Errorf("%w: no similarity falls with a difference", ErrSample)
	}
	return bestMetric(ctx, head, judged[:min(len(judged), maxQueries)], sample, candidates)
}

// bestMetric returns the first one of the metrics that find most of the head's best.
func bestMetric(ctx context.Context, head Head, queries, among []Vector, metrics []*Metric) (*Metric, error) {
	found := make([]int, len(metrics))
	for _, query := range queries {
		s := scorer{head: head, query: query}
		var candidates []Candidate
		for _, v := range among {
			candidates = append(candidates, Candidate{Entry: Entry{Embedding: v}})
		}
		similarities, err := s.score(ctx, candidates)
		if err != nil {
			return nil, err
		}
		best := firstOf(len(among), func(i int) float32 { return -similarities[i] })
		for m, metric := range metrics {
			for _, i := range firstOf(len(among), func(i int) float32 { return metric.Distance(query, among[i]) }) {
				if slices.Contains(best, i) {
					found[m]++
				}
			}
		}
	}
	return metrics[slices.Index(found, slices.Max(found))], nil
}

// firstOf returns which of n have the least keys, a few of them.
func firstOf(n int, key func(int) float32) []int {
	keys, order := make([]float32, n), make([]int, n)
	for i := range n {
		keys[i], order[i] = key(i), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	return order[:min(n, topOfJudged)]
}
