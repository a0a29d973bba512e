package index

import (
	"slices"
	"sync"

	"siamese/gallery"
)

// smallSize is how many embeddings a segment keeps as they came. They tell which form is
// the smaller one, and how far numbers range.
const smallSize = 128

// small holds few embeddings as they are.
type small struct {
	space *space
	live  int

	mu      sync.RWMutex
	vectors []*gallery.Vector // by slot; nil: none
}

func (f *small) add(slot uint16, v gallery.Vector) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if missing := int(slot) + 1 - len(f.vectors); missing > 0 {
		f.vectors = append(f.vectors, make([]*gallery.Vector, missing)...)
	}
	kept := v.Clone()
	f.vectors[slot] = &kept
	f.live++
}

func (f *small) remove(slot uint16) ([]uint16, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if int(slot) >= len(f.vectors) || f.vectors[slot] == nil {
		return nil, false
	}
	f.vectors[slot] = nil
	f.live--
	return []uint16{slot}, true
}

func (f *small) scan(q *query, first uint32, found *nearest) {
	f.mu.RLock()
	vectors := slices.Clone(f.vectors)
	f.mu.RUnlock()
	for slot, v := range vectors {
		if v != nil {
			found.offer(first+uint32(slot), f.space.metric.Distance(q.vector, *v))
		}
	}
}

func (f *small) bytes() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	sum := int64(8 * cap(f.vectors))
	for _, v := range f.vectors {
		if v != nil {
			sum += int64(8*v.Stored() + 56)
		}
	}
	return sum
}

// grown returns the form that is smaller for embeddings such as these, with them.
func (f *small) grown() form {
	postings := 0
	for _, v := range f.vectors {
		if v != nil {
			terms, _ := f.space.terms(nil, *v)
			postings += len(terms)
		}
	}
	var grown form = newSparse(f.space)
	if postingBytes*postings > f.space.stride*f.live {
		grown = newDense(f.space, f.vectors)
	}
	for slot, v := range f.vectors {
		if v != nil {
			grown.add(uint16(slot), *v)
		}
	}
	return grown
}
