package index_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"siamese/gallery"
)

// Several goroutines fill an index, in memory that they use again, while it is searched
// and added to. Afterwards it is as any other.
func TestFillersSideBySide(t *testing.T) {
	for _, tt := range kinds {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newModel(t, tt.kind, tt.tolerance)
			random := rand.New(rand.NewPCG(21, 22))
			query := gallery.NewVector(tt.kind.embedding(random))
			var held sync.Mutex
			var fillers sync.WaitGroup
			for i := range 3 {
				fillers.Go(func() {
					random, filler := rand.New(rand.NewPCG(uint64(i), 23)), m.index.Filler()
					defer filler.Close()
					memory := make([]float32, tt.kind.length)
					for range 700 {
						copy(memory, tt.kind.embedding(random))
						slot, err := filler.Add(gallery.DenseVector(memory))
						if err != nil {
							t.Error(err)
							return
						}
						held.Lock()
						m.holds[slot] = gallery.NewVector(slices.Clone(memory))
						m.slots = append(m.slots, slot)
						held.Unlock()
						m.index.Nearest(query, 3, nil)
					}
				})
			}
			for range 50 {
				slot, err := m.index.Add(query)
				if err != nil {
					t.Fatal(err)
				}
				held.Lock()
				m.holds[slot] = query
				m.slots = append(m.slots, slot)
				held.Unlock()
			}
			fillers.Wait()
			if len(m.slots) != len(m.holds) {
				t.Fatalf("%d embeddings have %d slots", len(m.slots), len(m.holds))
			}
			for range 500 {
				m.remove(random)
				m.add(gallery.NewVector(tt.kind.embedding(random)))
			}
			m.check(gallery.NewVector(tt.kind.embedding(random)), 50, nil)
			m.check(query, 10_000, nil)
		})
	}
}

// What room a Filler leaves in its segment is used, by the next one and by Add.
func TestFillerLeavesItsRoom(t *testing.T) {
	k := kinds[0].kind
	m := newModel(t, k, kinds[0].tolerance)
	v := gallery.NewVector(k.embedding(rand.New(rand.NewPCG(24, 25))))
	for want := range uint32(6) {
		filler := m.index.Filler()
		add := filler.Add
		if want%2 == 1 {
			add = m.index.Add
		}
		if slot, err := add(v); err != nil || slot != want {
			t.Errorf("slot %d, %v, want %d", slot, err, want)
		}
		filler.Close()
	}
	if _, err := m.index.Filler().Add(gallery.NewVector([]float32{1})); err == nil {
		t.Error("a Filler took an embedding of another length")
	}
}
