package gallery

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// How much of the candidates the head scores. A run of 32 pairs of 4608 numbers takes a
// millisecond.
const (
	scoredAtOnce   = 32
	scoredOfThing  = 8
	maxScored      = 1 << 10
	scoredPerThing = 2 // of the first run, for each thing that is wanted
)

// ranking is the best things of a search, as far as candidates have been scored.
type ranking struct {
	search  Search
	scored  map[string]bool // by id
	ofThing map[string]int  // how many of a thing's entries were scored
	matches []Match
	slack   slack
	scorer  scorer
}

func newRanking(head Head, search Search) *ranking {
	return &ranking{
		search: search, scored: make(map[string]bool), ofThing: make(map[string]int),
		scorer: scorer{head: head, query: search.Embedding, moved: search.Moved},
	}
}

// add scores those of the candidates, nearest first, that may be among the best. It
// reports whether all others are known not to be.
func (r *ranking) add(ctx context.Context, candidates []Candidate) (done bool, err error) {
	run := max(scoredAtOnce, scoredPerThing*r.search.TopK)
	for len(candidates) > 0 {
		if r.settled(candidates[0].Distance) || len(r.scored) >= maxScored {
			return true, nil
		}
		var next []Candidate
		for len(next) < run && len(candidates) > 0 {
			c := candidates[0]
			candidates = candidates[1:]
			if thing := c.Name(); !r.scored[c.ID] && r.ofThing[thing] < scoredOfThing {
				r.scored[c.ID] = true
				r.ofThing[thing]++
				next = append(next, c)
			}
		}
		if err := r.score(ctx, next); err != nil {
			return false, err
		}
	}
	return false, nil
}

// score has the head score candidates.
func (r *ranking) score(ctx context.Context, candidates []Candidate) error {
	similarities, err := r.scorer.score(ctx, candidates)
	if err != nil {
		return err
	}
	for i, c := range candidates {
		r.matches = append(r.matches, Match{Entry: c.Entry, Similarity: similarities[i]})
		r.slack.add(similarities[i], c.Distance)
	}
	return nil
}

// settled reports whether what is this far away can't be among the best.
func (r *ranking) settled(distance float32) bool {
	if len(r.matches) == 0 {
		return false
	}
	needed := r.search.MinSimilarity
	if best := r.best(); len(best) == r.search.TopK {
		needed = max(needed, best[len(best)-1].Similarity)
		if needed >= saturated {
			return true
		}
	}
	return r.slack.most(distance) < logit(needed)
}

// best returns the best entry of each thing, best first; equal ones in the order of
// their ids.
func (r *ranking) best() []Match {
	slices.SortFunc(r.matches, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.ID, b.ID))
	})
	var found []Match
	seen := make(map[string]bool)
	for _, match := range r.matches {
		if len(found) == r.search.TopK || match.Similarity < r.search.MinSimilarity {
			break
		}
		if thing := match.Name(); !seen[thing] {
			seen[thing] = true
			found = append(found, match)
		}
	}
	return found
}

// slack is how much more alike pairs are than their distances say: by logits, which fall
// with the distance where a metric is that of the head. The sum of both is then the same
// for all pairs, but for what is rounded: near 1 little is left of a logit.
type slack struct {
	above, below float64 // the largest of what sums are above, the smallest of what they are below
	known        bool
}

// A head's similarities are off by a few of float32's steps at most; so near to 1 they tell
// no more apart.
const (
	roundedSteps = 2
	saturated    = 1 - roundedSteps*0x1p-24
)

// add takes in a pair that was scored.
func (s *slack) add(similarity, distance float32) {
	lower, upper := similarity, similarity
	for range roundedSteps {
		lower, upper = math.Nextafter32(lower, 0), math.Nextafter32(upper, 1)
	}
	above, below := logit(lower)+float64(distance), logit(upper)+float64(distance)
	if math.IsNaN(above) || math.IsNaN(below) {
		return
	}
	if !s.known {
		s.above, s.below, s.known = above, below, true
	}
	s.above, s.below = max(s.above, above), min(s.below, below)
}

// most is what the logit of a pair that is this far apart may be at most. Where the sums
// that are known can't be one, what is not known yet may lie above them by as much as they
// lie apart.
func (s *slack) most(distance float32) float64 {
	if !s.known {
		return math.Inf(1)
	}
	return max(s.below, s.above+(s.above-s.below)) - float64(distance)
}

// logit is that of a similarity.
func logit(similarity float32) float64 {
	return math.Log(float64(similarity) / (1 - float64(similarity)))
}

// scorer has a head score candidates against one query, within memory that it uses again.
type scorer struct {
	head  Head
	query Vector
	moved []Vector // further views of the query, over which similarities are averaged
	a, b  []float32
}

// ask sets what candidates are scored against.
func (s *scorer) ask(query Vector) { s.query, s.a = query, s.a[:0] }

// score returns the similarity of each candidate and the query, the mean over the query's
// views.
func (s *scorer) score(ctx context.Context, candidates []Candidate) ([]float32, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	s.b = s.b[:0]
	for _, c := range candidates {
		if c.Embedding.Length() != s.query.Length() {
			return nil, fmt.Errorf("gallery: entry %q has an embedding of %d numbers, expected %d", c.ID, c.Embedding.Length(), s.query.Length())
		}
		s.b = c.Embedding.AppendTo(s.b)
	}
	for len(s.a) < len(s.b) {
		s.a = s.query.AppendTo(s.a)
	}
	similarities, err := s.compare(ctx, s.a[:len(s.b)], len(candidates))
	if err != nil || len(s.moved) == 0 {
		return similarities, err
	}
	if err := s.average(ctx, similarities); err != nil {
		return nil, err
	}
	return similarities, nil
}

// average makes the query's own similarities to the candidates the means over its views.
func (s *scorer) average(ctx context.Context, similarities []float32) error {
	sums, a := make([]float64, len(similarities)), make([]float32, 0, len(s.b))
	for _, view := range s.moved {
		for a = a[:0]; len(a) < len(s.b); {
			a = view.AppendTo(a)
		}
		more, err := s.compare(ctx, a, len(similarities))
		if err != nil {
			return err
		}
		for i, similarity := range more {
			sums[i] += float64(similarity)
		}
	}
	for i, own := range similarities {
		similarities[i] = float32((float64(own) + sums[i]) / float64(1+len(s.moved)))
	}
	return nil
}

// compare is one run of the head on a and the candidates' embeddings, n of each.
func (s *scorer) compare(ctx context.Context, a []float32, n int) ([]float32, error) {
	similarities, err := s.head.Compare(ctx, a, s.b)
	if err != nil {
		return nil, err
	}
	if len(similarities) != n {
		return nil, fmt.Errorf("gallery: the head returned %d similarities, expected %d", len(similarities), n)
	}
	return similarities, nil
}
