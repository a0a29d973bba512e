package index_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"siamese/gallery"
	"siamese/gallery/index"
)

// kind makes embeddings of one kind, in clusters as pictures of things are.
type kind struct {
	length  int
	share   float64 // of numbers that are not 0
	signed  bool
	centres [][]float32
}

func newKind(length int, share float64, signed bool) *kind {
	k := &kind{length: length, share: share, signed: signed}
	random := rand.New(rand.NewPCG(uint64(length), 1))
	for range 50 {
		centre := make([]float32, length)
		for i := range centre {
			// Networks use some of their numbers much more than others.
			if often := 2 * float64(i) / float64(length); random.Float64() < k.share*often {
				centre[i] = k.value(random)
			}
		}
		k.centres = append(k.centres, centre)
	}
	return k
}

func (k *kind) value(random *rand.Rand) float32 {
	value := float32(random.ExpFloat64())
	if k.signed && random.IntN(2) == 0 {
		return -value
	}
	return value
}

func (k *kind) embedding(random *rand.Rand) []float32 {
	made := slices.Clone(k.centres[random.IntN(len(k.centres))])
	for i, x := range made {
		switch {
		case x != 0 && random.IntN(20) == 0:
			made[i] = 0
		case x != 0:
			made[i] = x * float32(math.Exp(random.NormFloat64()/4))
		case random.Float64() < k.share/20:
			made[i] = k.value(random)
		}
	}
	return made
}

func (k *kind) metric(t testing.TB) *gallery.Metric {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	weights := make([]float32, k.length)
	for i := range weights {
		if i%7 != 0 { // some weigh nothing
			weights[i] = 3 * random.Float32()
		}
	}
	metric, err := gallery.NewMetric("digest", weights)
	if err != nil {
		t.Fatal(err)
	}
	return metric
}

var kinds = []struct {
	name string
	kind *kind
	// tolerance is what rounding may take from a distance, as a share of the mean
	// distance.
	tolerance float64
}{
	{"sparse", newKind(700, 0.05, false), 0.002},
	{"sparse, signed", newKind(700, 0.05, true), 0.002},
	{"dense", newKind(100, 1, false), 0.15},
	{"dense, signed", newKind(100, 1, true), 0.15},
}

// model is an index beside what it should hold.
type model struct {
	t       testing.TB
	metric  *gallery.Metric
	index   *index.Index
	holds   map[uint32]gallery.Vector
	slots   []uint32 // those of holds, in the order in which they came
	allowed float64  // difference between a distance and the index's
}

func (m *model) add(v gallery.Vector) {
	m.t.Helper()
	slot, err := m.index.Add(v)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, ok := m.holds[slot]; ok {
		m.t.Fatalf("Add returned slot %d, which is in use", slot)
	}
	m.holds[slot] = v
	m.slots = append(m.slots, slot)
}

func (m *model) remove(random *rand.Rand) {
	m.t.Helper()
	at := random.IntN(len(m.slots))
	slot := m.slots[at]
	if !m.index.Remove(slot) {
		m.t.Fatalf("Remove(%d) = false, want true", slot)
	}
	if m.index.Remove(slot) {
		m.t.Fatalf("Remove(%d) = true the second time, want false", slot)
	}
	delete(m.holds, slot)
	m.slots = slices.Delete(m.slots, at, at+1)
}

// check holds a search against looking at all embeddings.
func (m *model) check(query gallery.Vector, limit int, keep func(uint32) bool) {
	m.t.Helper()
	if got, want := m.index.Len(), len(m.holds); got != want {
		m.t.Fatalf("Len() = %d, want %d", got, want)
	}
	var want []float64
	for slot, v := range m.holds {
		if keep == nil || keep(slot) {
			want = append(want, float64(m.metric.Distance(query, v)))
		}
	}
	slices.Sort(want)
	want = want[:min(limit, len(want))]
	hits := m.index.Nearest(query, limit, keep)
	if len(hits) != len(want) {
		m.t.Fatalf("Nearest returned %d hits, want %d", len(hits), len(want))
	}
	if !slices.IsSortedFunc(hits, func(a, b index.Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Slot, b.Slot))
	}) {
		m.t.Fatal("the hits are not in the order of distances and slots")
	}
	seen := make(map[uint32]bool)
	for i, hit := range hits {
		v, ok := m.holds[hit.Slot]
		if !ok || seen[hit.Slot] || keep != nil && !keep(hit.Slot) {
			m.t.Fatalf("hit %d is slot %d, which is not held, was found already or is not to be kept", i, hit.Slot)
		}
		seen[hit.Slot] = true
		is := float64(m.metric.Distance(query, v))
		if math.Abs(is-float64(hit.Distance)) > m.allowed {
			m.t.Fatalf("hit %d has distance %v, want %v ± %v", i, hit.Distance, is, m.allowed)
		}
		if is > want[i]+2*m.allowed {
			m.t.Fatalf("hit %d is %v away, want one that is %v away", i, is, want[i])
		}
	}
}

func newModel(t testing.TB, k *kind, tolerance float64) *model {
	m := &model{t: t, metric: k.metric(t), holds: make(map[uint32]gallery.Vector)}
	m.index = index.New(m.metric)
	random := rand.New(rand.NewPCG(5, 6))
	var sum float64
	const pairs = 100
	for range pairs {
		sum += float64(m.metric.Distance(gallery.NewVector(k.embedding(random)), gallery.NewVector(k.embedding(random))))
	}
	m.allowed = tolerance * sum / pairs
	return m
}

func TestNearestIsWhatLookingAtAllFinds(t *testing.T) {
	for _, tt := range kinds {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newModel(t, tt.kind, tt.tolerance)
			random := rand.New(rand.NewPCG(7, 8))
			even := func(slot uint32) bool { return slot%2 == 0 }
			for step := range 3000 {
				if len(m.slots) > 0 && random.IntN(3) == 0 {
					m.remove(random)
				} else {
					m.add(gallery.NewVector(tt.kind.embedding(random)))
				}
				if step%97 == 0 {
					query := gallery.NewVector(tt.kind.embedding(random))
					m.check(query, 1+random.IntN(30), nil)
					m.check(query, 1+random.IntN(30), even)
					m.check(query, 10_000, nil)
				}
			}
			for len(m.slots) > 0 {
				m.remove(random)
			}
			m.check(gallery.NewVector(tt.kind.embedding(random)), 10, nil)
		})
	}
}

// An index that has begun with one kind of embeddings is right about the others.
func TestKindsMayBeMixed(t *testing.T) {
	sparse, dense := newKind(300, 0.04, true), newKind(300, 1, true)
	for _, kinds := range [][]*kind{{sparse, dense}, {dense, sparse}} {
		m := newModel(t, dense, 0.15)
		random := rand.New(rand.NewPCG(9, 10))
		for _, k := range kinds {
			for range 400 {
				m.add(gallery.NewVector(k.embedding(random)))
			}
		}
		for _, k := range kinds {
			m.check(gallery.NewVector(k.embedding(random)), 20, nil)
		}
	}
}

func TestAnEmbeddingIsNearestToItself(t *testing.T) {
	for _, tt := range kinds {
		t.Run(tt.name, func(t *testing.T) {
			m := newModel(t, tt.kind, tt.tolerance)
			random := rand.New(rand.NewPCG(11, 12))
			for range 1000 {
				m.add(gallery.NewVector(tt.kind.embedding(random)))
			}
			for _, slot := range m.slots {
				hits := m.index.Nearest(m.holds[slot], 1, nil)
				if len(hits) != 1 || hits[0].Slot != slot {
					t.Fatalf("Nearest of slot %d found %v", slot, hits)
				}
			}
		})
	}
}

// More than one segment, which several goroutines look at.
func TestNearestOfManySegments(t *testing.T) {
	for _, tt := range kinds[:3] {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := newKind(64, tt.kind.share, tt.kind.signed)
			m := newModel(t, k, tt.tolerance)
			random := rand.New(rand.NewPCG(13, 14))
			for range 75_000 {
				m.add(gallery.NewVector(k.embedding(random)))
			}
			query := gallery.NewVector(k.embedding(random))
			m.check(query, 100, nil)
			for range 20_000 {
				m.remove(random)
			}
			m.check(query, 100, nil)
			before := slices.Max(m.slots)
			for range 10_000 {
				m.add(gallery.NewVector(k.embedding(random)))
			}
			if after := slices.Max(m.slots); after > before {
				t.Errorf("the highest slot went from %d to %d, want removed ones used again", before, after)
			}
			m.check(query, 100, nil)
			if again := m.index.Nearest(query, 100, nil); !slices.Equal(again, m.index.Nearest(query, 100, nil)) {
				t.Error("two searches found different hits")
			}
		})
	}
}

// What comes and goes does not add up.
func TestMemoryIsUsedAgain(t *testing.T) {
	for _, tt := range kinds {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newModel(t, tt.kind, tt.tolerance)
			random := rand.New(rand.NewPCG(15, 16))
			for range 5000 {
				m.add(gallery.NewVector(tt.kind.embedding(random)))
			}
			before := m.index.Bytes()
			for range 10_000 {
				m.remove(random)
				m.add(gallery.NewVector(tt.kind.embedding(random)))
			}
			if after := m.index.Bytes(); after > before*3/2 {
				t.Errorf("Bytes() went from %d to %d as embeddings were replaced, want at most half more", before, after)
			}
			for len(m.slots) > 0 {
				m.remove(random)
			}
			if after := m.index.Bytes(); after > before/4 {
				t.Errorf("Bytes() went from %d to %d as all were removed", before, after)
			}
		})
	}
}

func TestSearchesBesideChanges(t *testing.T) {
	for _, tt := range kinds {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newModel(t, tt.kind, tt.tolerance)
			random := rand.New(rand.NewPCG(17, 18))
			fixed := gallery.NewVector(tt.kind.embedding(random))
			m.add(fixed)
			done := make(chan struct{})
			var searches sync.WaitGroup
			for range 3 {
				searches.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						// The one that stays is found whatever else comes and goes.
						if hits := m.index.Nearest(fixed, 3, nil); len(hits) == 0 || hits[0].Slot != 0 {
							t.Errorf("Nearest of what stays found %v", hits)
							return
						}
					}
				})
			}
			for range 2000 {
				m.add(gallery.NewVector(tt.kind.embedding(random)))
				if random.IntN(2) == 0 {
					slot := m.slots[len(m.slots)-1]
					m.index.Remove(slot)
					delete(m.holds, slot)
					m.slots = m.slots[:len(m.slots)-1]
				}
			}
			close(done)
			searches.Wait()
			m.check(fixed, 10, nil)
		})
	}
}

func TestWhatIsNoEmbeddingOfTheModel(t *testing.T) {
	metric, err := gallery.NewMetric("digest", []float32{1, 2, 0})
	if err != nil {
		t.Fatal(err)
	}
	x := index.New(metric)
	if _, err := x.Add(gallery.NewVector([]float32{1, 0, 0})); err != nil {
		t.Fatal(err)
	}
	for _, v := range [][]float32{nil, {1, 2}, {1, 2, 3, 4}, {1, float32(math.NaN()), 3}, {float32(math.Inf(-1)), 0, 0}} {
		if _, err := x.Add(gallery.NewVector(v)); err == nil {
			t.Errorf("Add(%v) returned no error", v)
		}
		if hits := x.Nearest(gallery.NewVector(v), 1, nil); len(hits) != 0 {
			t.Errorf("Nearest(%v) found %v", v, hits)
		}
	}
	if x.Len() != 1 || x.Remove(7) || x.Remove(1<<31) {
		t.Errorf("Len() = %d, want 1, and nothing to remove at other slots", x.Len())
	}
	if hits := x.Nearest(gallery.NewVector([]float32{1, 0, 5}), 0, nil); len(hits) != 0 {
		t.Errorf("Nearest with limit 0 found %v", hits)
	}
}

// One embedding that is far off spoils no other, even among the first.
func TestOneThatIsFarOff(t *testing.T) {
	for _, tt := range kinds {
		t.Run(tt.name, func(t *testing.T) {
			m := newModel(t, tt.kind, tt.tolerance)
			random := rand.New(rand.NewPCG(19, 20))
			for i := range 600 {
				if i%300 == 5 {
					far := tt.kind.embedding(random)
					for j := range far {
						far[j] *= 1e30
					}
					if _, err := m.index.Add(gallery.NewVector(far)); err != nil {
						t.Fatal(err)
					}
				}
				m.add(gallery.NewVector(tt.kind.embedding(random)))
			}
			for _, slot := range m.slots {
				if hits := m.index.Nearest(m.holds[slot], 1, nil); len(hits) != 1 || hits[0].Slot != slot {
					t.Fatalf("Nearest of slot %d found %v", slot, hits)
				}
			}
		})
	}
}
