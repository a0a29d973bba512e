package gallery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Head scores pairs of embeddings, a and b float32 [n,E], and returns similarities,
// float32 [n], 0..1. It must be safe for concurrent use.
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

// Candidates that the head scores: recall of its own best ten is 1.000 among 50 of
// 1,400 entries, and things may have several entries.
const (
	minCandidates      = 200
	candidatesOfThing  = 8
	maxScoredByOneCall = 1 << 10
)

// Identify returns the things of a gallery that are most like the query, best first.
func (s *Searcher) Identify(ctx context.Context, gallery string, search Search) ([]Match, error) {
	if len(s.Metric.Weights()) != search.Embedding.Length() {
		return nil, fmt.Errorf("gallery: received an embedding of %d numbers, expected %d", search.Embedding.Length(), len(s.Metric.Weights()))
	}
	candidates, err := s.Store.Nearest(ctx, gallery, Query{
		Embedding: search.Embedding,
		Metric:    s.Metric,
		Limit:     min(max(minCandidates, candidatesOfThing*search.TopK), maxScoredByOneCall),
		Filter:    search.Filter,
	})
	if err != nil {
		return nil, err
	}
	matches, err := s.score(ctx, search.Embedding, candidates)
	if err != nil {
		return nil, err
	}
	return best(matches, search.TopK, search.MinSimilarity), nil
}

// score has the head say how alike the query and each candidate are.
func (s *Searcher) score(ctx context.Context, query Vector, candidates []Candidate) ([]Match, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	length := query.Length()
	a := make([]float32, 0, len(candidates)*length)
	b := make([]float32, 0, len(candidates)*length)
	for _, candidate := range candidates {
		a = query.AppendTo(a)
		b = candidate.Embedding.AppendTo(b)
	}
	similarities, err := s.Head.Compare(ctx, a, b)
	if err != nil {
		return nil, err
	}
	matches := make([]Match, len(candidates))
	for i, candidate := range candidates {
		matches[i] = Match{Entry: candidate.Entry, Similarity: similarities[i]}
	}
	return matches, nil
}

// best returns the best entry of each thing, best first; equal ones in the order of
// their ids.
func best(matches []Match, topK int, minSimilarity float32) []Match {
	slices.SortFunc(matches, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.ID, b.ID))
	})
	var found []Match
	seen := make(map[string]bool)
	for _, match := range matches {
		if len(found) == topK || match.Similarity < minSimilarity {
			break
		}
		if thing := match.Name(); !seen[thing] {
			seen[thing] = true
			found = append(found, match)
		}
	}
	return found
}
