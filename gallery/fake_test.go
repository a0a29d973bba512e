package gallery_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"siamese/gallery"
)

const digest = "digest-of-the-model"

// shelf is a store of one gallery in memory that looks at all entries.
type shelf struct {
	gallery.Store
	entries []gallery.Entry // by id
	err     error
	mu      sync.Mutex
	limits  []int // of Nearest
}

func (s *shelf) put(entries ...gallery.Entry) {
	for _, e := range entries {
		e.ModelDigest = cmp.Or(e.ModelDigest, digest)
		s.entries = append(s.entries, e)
	}
	slices.SortFunc(s.entries, func(a, b gallery.Entry) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *shelf) Nearest(ctx context.Context, _ string, query gallery.Query) ([]gallery.Candidate, error) {
	s.mu.Lock()
	s.limits = append(s.limits, query.Limit)
	s.mu.Unlock()
	var order []int
	distances := make([]float32, len(s.entries))
	for i := range s.entries {
		if e := &s.entries[i]; e.ModelDigest == query.Metric.ModelDigest() && query.Filter.Selects(e) {
			order = append(order, i)
			distances[i] = query.Metric.Distance(query.Embedding, e.Embedding)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distances[a], distances[b]) })
	var found []gallery.Candidate
	for _, i := range order[:min(len(order), query.Limit)] {
		found = append(found, gallery.Candidate{Entry: s.entries[i], Distance: distances[i]})
	}
	return found, cmp.Or(s.err, ctx.Err())
}

func (s *shelf) List(ctx context.Context, _ string, listing gallery.Listing) ([]gallery.Entry, error) {
	var page []gallery.Entry
	for _, e := range s.entries {
		if e.ID > listing.After && listing.Filter.Selects(&e) && len(page) < listing.Limit {
			page = append(page, e)
		}
	}
	return page, cmp.Or(s.err, ctx.Err())
}

func (s *shelf) Get(ctx context.Context, _ string, ids []string, _ gallery.Parts) ([]gallery.Entry, error) {
	var found []gallery.Entry
	for _, e := range slices.Backward(s.entries) { // in no particular order
		if slices.Contains(ids, e.ID) {
			found = append(found, e)
		}
	}
	return found, cmp.Or(s.err, ctx.Err())
}

// network is a head with upstream's two layers: the first one [E,H], the last [H,1].
type network struct {
	first, firstBias, last []float32
	lastBias               float32
	err                    error

	mu     sync.Mutex
	scored int
}

func (n *network) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	if n.err != nil || ctx.Err() != nil {
		return nil, cmp.Or(n.err, ctx.Err())
	}
	hidden := len(n.last)
	length := len(n.first) / hidden
	if len(a) != len(b) || len(a) == 0 || len(a)%length != 0 {
		return nil, fmt.Errorf("compare %d and %d numbers", len(a), len(b))
	}
	similarities := make([]float32, len(a)/length)
	for p := range similarities {
		units := slices.Clone(n.firstBias)
		for i := range length {
			if d := a[p*length+i] - b[p*length+i]; d != 0 {
				for j := range units {
					units[j] += n.first[i*hidden+j] * float32(math.Abs(float64(d)))
				}
			}
		}
		logit := float64(n.lastBias)
		for j, unit := range units {
			logit += float64(n.last[j] * max(unit, 0))
		}
		similarities[p] = float32(1 / (1 + math.Exp(-logit)))
	}
	n.mu.Lock()
	n.scored += len(similarities)
	n.mu.Unlock()
	return similarities, nil
}

func (n *network) similarity(t testing.TB, a, b gallery.Vector) float32 {
	t.Helper()
	similarities, err := n.Compare(context.Background(), a.AppendTo(nil), b.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	return similarities[0]
}

// distanceNetwork is a head of two units that measures a distance, but for differences
// below its biases, and the metric of it.
func distanceNetwork(t testing.TB, length int) (*network, *gallery.Metric) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(length)))
	n := &network{first: make([]float32, 2*length), firstBias: []float32{-0.1, -0.2}, last: []float32{-1, -2}, lastBias: 8}
	weights := make([]float32, length)
	for i := range length {
		unit := i % 2
		n.first[2*i+unit] = random.Float32() * 30 / float32(length)
		weights[i] = -n.first[2*i+unit] * n.last[unit]
	}
	metric, err := gallery.NewMetric(digest, weights)
	if err != nil {
		t.Fatal(err)
	}
	return n, metric
}

// embedding is a sparse one.
func embedding(random *rand.Rand, length int) []float32 {
	made := make([]float32, length)
	for i := range made {
		if random.IntN(4) == 0 {
			made[i] = 4 * random.Float32()
		}
	}
	return made
}

// near is one that is a share away from another.
func near(random *rand.Rand, of []float32, share float32) gallery.Vector {
	made := slices.Clone(of)
	for i := range made {
		if made[i] != 0 {
			made[i] *= 1 + share*(2*random.Float32()-1)
		}
	}
	return gallery.NewVector(made)
}
