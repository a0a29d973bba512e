package dedupe

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"siamese/cmd/siamese/internal/dedupe/overlap"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
	"siamese/gallery/index"
)

// seeker finds what is alike among contents.
type seeker struct {
	by       scorer.Scorer
	rule     rule
	metric   *gallery.Metric
	kept     *kept
	judged   map[[2]int]verdict // by the contents of a pair
	progress func(done, total int)
}

// How far is looked: at the nearest few by the metric, and at a few more for as long as
// some of the last are alike.
const (
	nearest   = 64
	few       = 4
	slotsWait = 8 // searches that are ahead of the model
)

// nearby is a content with those that are nearest to it.
type nearby struct {
	of   int
	hits []int
}

// alike returns, by content, those that are alike to it.
func (s *seeker) alike(ctx context.Context, all []*content) (map[int][]edge, error) {
	var slots []int // contents by their slot
	near := index.New(s.metric)
	for i, c := range all {
		made := c.first().made
		if made == nil {
			continue
		}
		slot, err := near.Add(made.Vector)
		if err != nil {
			return nil, err
		}
		for int(slot) >= len(slots) {
			slots = append(slots, 0)
		}
		slots[slot] = i
	}
	return s.judge(ctx, all, near, slots)
}

// judge searches one a core, and has the model judge what is found.
func (s *seeker) judge(ctx context.Context, all []*content, near *index.Index, slots []int) (map[int][]edge, error) {
	group, ctx := errgroup.WithContext(ctx)
	hits := make(chan nearby, slotsWait)
	group.Go(func() error {
		defer close(hits)
		return each(ctx, len(slots), func(slot int) {
			query := all[slots[slot]].first().made.Vector
			h := nearby{of: slots[slot]}
			for _, hit := range near.Nearest(query, nearest, func(other uint32) bool { return int(other) != slot }) {
				h.hits = append(h.hits, slots[hit.Slot])
			}
			select {
			case hits <- h:
			case <-ctx.Done():
			}
		})
	})
	alike := make(map[int][]edge)
	group.Go(func() error {
		done := 0
		for h := range hits {
			if err := s.ask(ctx, all, h, alike); err != nil {
				return err
			}
			done++
			s.progress(done, len(slots))
		}
		return nil
	})
	err := group.Wait()
	return alike, err
}

// ask has the model, and the rule, judge those near to a content.
func (s *seeker) ask(ctx context.Context, all []*content, h nearby, alike map[int][]edge) error {
	query := all[h.of].first().made.Vector.AppendTo(nil)
	for some := range slices.Chunk(h.hits, few) {
		candidates := make([][]float32, len(some))
		for i, other := range some {
			candidates[i] = all[other].first().made.Vector.AppendTo(nil)
		}
		similarities, err := s.by.Alike(ctx, query, candidates)
		if err != nil {
			return err
		}
		verdicts, err := s.verdicts(ctx, all, nearby{h.of, some}, similarities)
		if err != nil {
			return err
		}
		if !s.join(h.of, some, verdicts, alike) {
			break
		}
	}
	return nil
}

// verdicts judges a content and some that are near to it, whose similarities are known.
// How well their pixels agree is kept for the next run: it takes a millisecond a pair.
func (s *seeker) verdicts(ctx context.Context, all []*content, h nearby, similarities []float32) ([]verdict, error) {
	one := all[h.of].first()
	look := sync.OnceValue(func() *overlap.Image { return overlap.New(one.made.Look) })
	verdicts, found := make([]verdict, len(h.hits)), make([]*float32, len(h.hits))
	err := each(ctx, len(h.hits), func(i int) {
		var known bool
		if verdicts[i], known = s.judged[pairOf(h.of, h.hits[i])]; known {
			return
		}
		other := all[h.hits[i]].first()
		verdicts[i] = s.rule.judge(similarities[i], one.foreign() || other.foreign(), func() float32 {
			agreement, known := s.kept.agreement(one.Sum, other.Sum)
			if !known {
				a, b := look(), overlap.New(other.made.Look)
				if h.hits[i] < h.of { // so that it does not matter which is asked about first
					a, b = b, a
				}
				agreement = overlap.Agreement(a, b)
				found[i] = &agreement
			}
			return agreement
		})
	})
	for i, agreement := range found {
		if agreement != nil && err == nil {
			err = s.kept.keepAgreement(one, all[h.hits[i]].first(), *agreement)
		}
	}
	return verdicts, err
}

// join notes what became of pairs, and reports whether one of them is alike.
func (s *seeker) join(of int, some []int, verdicts []verdict, alike map[int][]edge) (any bool) {
	for i, v := range verdicts {
		any = any || v.near
		pair := pairOf(of, some[i])
		if _, known := s.judged[pair]; known {
			continue
		}
		s.judged[pair] = v
		if v.near {
			alike[of] = append(alike[of], edge{some[i], v})
			alike[some[i]] = append(alike[some[i]], edge{of, v})
		}
	}
	return any
}

// pairOf is the same from either side.
func pairOf(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }
