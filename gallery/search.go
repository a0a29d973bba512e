package gallery

import (
	"context"
	"fmt"
)

// Head scores pairs of embeddings, a and b float32 [n,E], and returns similarities,
// float32 [n], 0..1. It must be safe for concurrent use, and keep neither its arguments
// nor its results.
type Head interface {
	Compare(ctx context.Context, a, b []float32) ([]float32, error)
}

// Searcher finds things in galleries of one model. It is safe for concurrent use.
type Searcher struct {
	// Store has the galleries.
	Store Store
	// Head and Metric are of the galleries' model.
	Head   Head
	Metric *Metric
}

// Search says what Searcher.Identify looks for.
type Search struct {
	// Embedding is of the gallery's model.
	Embedding Vector
	// Moved are the embeddings of further views of the query, as long as Embedding. Where
	// there are any, a similarity is the mean over all views; what is nearest to Embedding
	// is looked at.
	Moved []Vector
	// TopK is how many things at most, from 1.
	TopK int
	// MinSimilarity leaves out things whose best entry has less.
	MinSimilarity float32
	// Filter leaves out entries that it does not select.
	Filter Filter
}

// Match is a thing with its best entry.
type Match struct {
	// Entry is as in Candidate.
	Entry
	// Similarity is the head's, of the entry and the query.
	Similarity float32
}

// Candidates that the store is asked for. With both built-in models the head's own best
// ten are among the nearest 13 of 20,000; more are for metrics that order worse, and for
// things with many entries.
const (
	minCandidates    = 100
	candidatesOfTopK = 3
	moreCandidates   = 8 // times as many, where those do not suffice
	maxCandidates    = 6400
)

// Identify returns the things of a gallery that are most like the query, best first.
//
// The head scores what is nearest by the metric, until what is left is too far away to
// be among the best: how far is told by how much similarities have differed from what the
// distances say. Of a thing the 8 nearest entries are scored, so that one with many does
// not hide the others; where thousands of entries of a few things are nearer than all
// others, fewer things than there are may be returned.
func (s *Searcher) Identify(ctx context.Context, gallery string, search Search) ([]Match, error) {
	if len(s.Metric.Weights()) != search.Embedding.Length() {
		return nil, fmt.Errorf("gallery: received an embedding of %d numbers, expected %d", search.Embedding.Length(), len(s.Metric.Weights()))
	}
	for i, view := range search.Moved {
		if view.Length() != search.Embedding.Length() {
			return nil, fmt.Errorf("gallery: received an embedding of %d numbers as view %d, expected %d", view.Length(), i+1, search.Embedding.Length())
		}
	}
	if search.TopK < 1 {
		return nil, fmt.Errorf("gallery: received a search for %d things, expected at least 1", search.TopK)
	}
	r := newRanking(s.Head, search)
	for limit := min(max(minCandidates, candidatesOfTopK*search.TopK), maxCandidates); ; limit *= moreCandidates {
		candidates, err := s.Store.Nearest(ctx, gallery, Query{
			Embedding: search.Embedding, Metric: s.Metric, Limit: limit, Filter: search.Filter,
		})
		if err != nil {
			return nil, err
		}
		done, err := r.add(ctx, candidates)
		if err != nil {
			return nil, err
		}
		if done || len(candidates) < limit || limit*moreCandidates > maxCandidates {
			return r.best(), nil
		}
	}
}
