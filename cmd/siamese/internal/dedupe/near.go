package dedupe

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
	"siamese/gallery/index"
)

// seeker finds what is alike among contents.
type seeker struct {
	by        scorer.Scorer
	threshold float32
	metric    *gallery.Metric
	foreign   bool // what is foreign to the model is compared, too
	progress  func(done, total int)
}

// How far is looked: the model is asked about the nearest few by the metric, and about
// twice as many for as long as some of the last are alike.
const (
	nearest   = 64
	firstFew  = 4
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
		if made == nil || made.Foreign && !s.foreign {
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

// ask has the model judge those near to a content.
func (s *seeker) ask(ctx context.Context, all []*content, h nearby, alike map[int][]edge) error {
	query := all[h.of].first().made.Vector.AppendTo(nil)
	for few := firstFew; len(h.hits) > 0; few *= 2 {
		some := h.hits[:min(few, len(h.hits))]
		h.hits = h.hits[len(some):]
		candidates := make([][]float32, len(some))
		for i, other := range some {
			candidates[i] = all[other].first().made.Vector.AppendTo(nil)
		}
		similarities, err := s.by.Alike(ctx, query, candidates)
		if err != nil {
			return err
		}
		any := false
		for i, similarity := range similarities {
			if similarity >= s.threshold {
				any = true
				join(alike, h.of, some[i], similarity)
			}
		}
		if !any {
			break
		}
	}
	return nil
}

// join notes a pair. Asked from either side, the model's answers differ in their last
// digits: the larger one counts, whichever comes first.
func join(alike map[int][]edge, a, b int, similarity float32) {
	for _, pair := range [][2]int{{a, b}, {b, a}} {
		edges := alike[pair[0]]
		if known := slices.IndexFunc(edges, func(e edge) bool { return e.to == pair[1] }); known >= 0 {
			edges[known].similarity = max(edges[known].similarity, similarity)
			continue
		}
		alike[pair[0]] = append(edges, edge{pair[1], similarity})
	}
}
