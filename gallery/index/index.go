// Package index finds the embeddings that are nearest to another one by a weighted L1
// distance, exactly but for what rounding takes, in memory.
//
// Embeddings lie in segments of 32,768. Each segment takes the form that is smaller for
// what it holds: inverted lists where most numbers are 0, rows of bytes otherwise.
package index

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"siamese/gallery"
)

// Hit is an embedding that was found.
type Hit struct {
	// Slot is what Add returned.
	Slot uint32
	// Distance is the metric's, but for what the index rounds: about 1/2000 of the
	// embeddings' distance from 0 where they are sparse, else about 1/250 of the range of
	// a number that weighs much, for each number.
	Distance float32
}

// Index holds embeddings of one model. It is safe for concurrent use: searches go on
// while embeddings come and go, and see each of them as it was at some moment during the
// search.
type Index struct {
	space    *space
	segments atomic.Pointer[[]*segment]
	live     atomic.Int64

	changing sync.Mutex // held by Add and Remove
	free     []uint32   // slots to use again
}

// segment is embeddings whose slots have the same upper bits.
type segment struct {
	form   atomic.Pointer[form]
	filled bool // a Filler has it, which then guards used; guarded by Index.changing
	used   int  // slots that were ever in use; guarded by Index.changing
}

// A segment's slots take less than 16 bits, its distances a part of a core's cache, and
// 100,000 embeddings are enough segments for a few cores to share.
const (
	segmentBits = 15
	segmentSize = 1 << segmentBits
)

// form is how a segment holds its embeddings. Its methods that change it are called by
// one goroutine at a time, scan by any number beside it.
type form interface {
	// add puts an embedding at a slot of the segment that has none, and keeps nothing of
	// the argument.
	add(slot uint16, v gallery.Vector)
	// remove removes the one at a slot, and returns the slots that can be used again,
	// this one or others; ok is false where there is none.
	remove(slot uint16) (free []uint16, ok bool)
	// scan offers all embeddings to found; slots count from first.
	scan(q *query, first uint32, found *nearest)
	// bytes is about how much memory it takes.
	bytes() int64
}

// New returns an empty index of embeddings of the metric's model.
func New(metric *gallery.Metric) *Index {
	x := &Index{space: newSpace(metric)}
	x.segments.Store(new([]*segment))
	return x
}

// Len is how many embeddings there are.
func (x *Index) Len() int { return int(x.live.Load()) }

// Bytes is about how much memory the index takes.
func (x *Index) Bytes() int64 {
	x.changing.Lock()
	defer x.changing.Unlock()
	sum := int64(4 * cap(x.free))
	for _, s := range *x.segments.Load() {
		sum += (*s.form.Load()).bytes()
	}
	return sum
}

// Add puts an embedding into the index and returns its slot. Slots count up from 0;
// those whose embeddings were removed are used again, some later than others. It keeps
// nothing of the vector. An embedding of another length or with a number that is not finite is an
// error.
func (x *Index) Add(v gallery.Vector) (slot uint32, err error) {
	if err := x.space.check(v); err != nil {
		return 0, err
	}
	x.changing.Lock()
	defer x.changing.Unlock()
	if slot, err = x.takeLocked(); err != nil {
		return 0, err
	}
	s := (*x.segments.Load())[slot>>segmentBits]
	s.add(uint16(slot%segmentSize), v)
	x.live.Add(1)
	return slot, nil
}

// takeLocked returns a slot that is not in use.
func (x *Index) takeLocked() (uint32, error) {
	if n := len(x.free); n > 0 {
		slot := x.free[n-1]
		x.free = x.free[:n-1]
		return slot, nil
	}
	s, at, err := x.roomLocked()
	if err != nil {
		return 0, err
	}
	s.used++
	return at<<segmentBits + uint32(s.used-1), nil
}

// roomLocked returns a segment with slots that were never in use, and its number.
func (x *Index) roomLocked() (*segment, uint32, error) {
	segments := *x.segments.Load()
	for at, s := range slices.Backward(segments) {
		if !s.filled && s.used < segmentSize {
			return s, uint32(at), nil
		}
	}
	if len(segments) == 1<<(32-segmentBits) {
		return nil, 0, fmt.Errorf("index: it is full with %d embeddings", x.Len())
	}
	s := &segment{}
	s.set(&small{space: x.space})
	segments = append(slices.Clone(segments), s)
	x.segments.Store(&segments)
	return s, uint32(len(segments) - 1), nil
}

// add adds an embedding, and gives the segment the form that fits what it holds as soon
// as it holds enough to tell.
func (s *segment) add(slot uint16, v gallery.Vector) {
	(*s.form.Load()).add(slot, v)
	if few, ok := (*s.form.Load()).(*small); ok && few.live >= smallSize {
		s.set(few.grown())
	}
}

func (s *segment) set(f form) { s.form.Store(&f) }

// Remove takes the embedding at the slot out of the index: no search that begins later
// finds it. It reports whether there was one.
func (x *Index) Remove(slot uint32) bool {
	x.changing.Lock()
	defer x.changing.Unlock()
	segments := *x.segments.Load()
	at := int(slot >> segmentBits)
	if at >= len(segments) {
		return false
	}
	free, ok := (*segments[at].form.Load()).remove(uint16(slot % segmentSize))
	for _, local := range free {
		x.free = append(x.free, uint32(at)<<segmentBits|uint32(local))
	}
	if ok {
		x.live.Add(-1)
	}
	return ok
}

// Nearest returns the embeddings that are nearest to the query, at most limit, nearest
// first, equally near ones by slot. Those that keep reports false of are left out; nil
// keeps all. keep is called from several goroutines at a time, and must not change the
// index. A query of another length or with a number that is not finite finds nothing.
func (x *Index) Nearest(v gallery.Vector, limit int, keep func(slot uint32) bool) []Hit {
	if limit < 1 || x.space.check(v) != nil {
		return nil
	}
	q := x.space.query(v)
	segments := *x.segments.Load()
	workers := min(runtime.GOMAXPROCS(0), len(segments))
	found := make([]nearest, max(workers, 1))
	var next atomic.Int64
	work := func(found *nearest) {
		*found = nearest{limit: limit, keep: keep}
		for {
			at := int(next.Add(1)) - 1
			if at >= len(segments) {
				return
			}
			(*segments[at].form.Load()).scan(q, uint32(at)<<segmentBits, found)
		}
	}
	var others sync.WaitGroup
	for i := 1; i < workers; i++ {
		others.Go(func() { work(&found[i]) })
	}
	work(&found[0])
	others.Wait()
	return merge(found)
}
