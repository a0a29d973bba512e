package index

import (
	"math"
	"sync"

	"siamese/gallery"
)

// sparse holds embeddings of which most numbers are 0, as lists of those that are not.
//
// The distance of q and g is |q| + |g| − 2 Σ min(qᵢ, gᵢ) over the numbers that neither has
// as 0: all else costs nothing. Negative numbers are numbers of dimensions of their own,
// which holds for them too.
type sparse struct {
	space *space
	live  int    // slots with an embedding
	dead  int    // slots that were removed and are in the lists
	terms []term // of what is added; used again

	mu    sync.RWMutex
	lists []list    // by dimension, those of negative numbers behind
	norms []float32 // by slot; gone or never: no embedding
}

// What norms say of slots without an embedding. Both are above any distance.
var (
	never = float32(math.Inf(1))
	gone  = float32(math.MaxFloat32) // it is in the lists still
)

// posting is the number of a slot: the slot above its level.
type posting uint32

const (
	postingBytes = 4
	chunkSize    = 512 // postings; on average the last chunk of a list is half empty
	firstChunk   = 8
)

// list is the numbers of one dimension. What it has is never changed, only appended to.
type list struct {
	full [][]posting
	last []posting
}

// term is a number of an embedding that is not 0.
type term struct {
	dimension int
	level     uint16
}

// Levels are floating-point numbers of 16 bits, 6 of them an exponent, from 2⁻⁴⁰ to 2²⁴:
// relative to the weights, that takes in whatever networks make, and one that is far off
// spoils no other. Level 0 is 0.
const (
	levelShift = 23 - 10
	levelBase  = (127 - 40) << 23
	maxLevel   = 1<<16 - 1
)

// levelOf is the level of a number that is not below 0.
func levelOf(x float32) uint16 {
	bits := math.Float32bits(x)
	if bits < levelBase {
		return 0
	}
	return uint16(min((bits-levelBase+1<<(levelShift-1))>>levelShift, maxLevel))
}

// valueOf is the number that a level above 0 stands for.
func valueOf(level uint32) float32 { return math.Float32frombits(level<<levelShift + levelBase) }

// terms appends those of a vector, and returns their sum.
func (s *space) terms(to []term, v gallery.Vector) (terms []term, norm float32) {
	for i, value := range v.All() {
		x := s.weights[i] * value
		if value < 0 {
			x, i = -x, i+len(s.weights)
		}
		if level := levelOf(x); level > 0 {
			to = append(to, term{dimension: i, level: level})
			norm += valueOf(uint32(level))
		}
	}
	return to, norm
}

func newSparse(s *space) *sparse { return &sparse{space: s, lists: make([]list, len(s.weights))} }

func (f *sparse) add(slot uint16, v gallery.Vector) {
	terms, norm := f.space.terms(f.terms[:0], v)
	f.terms = terms
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.norms) <= int(slot) {
		f.norms = append(f.norms, never)
	}
	for _, t := range terms {
		if t.dimension >= len(f.lists) {
			f.lists = append(f.lists, make([]list, len(f.space.weights))...)
		}
		f.lists[t.dimension].append(posting(slot)<<16 | posting(t.level))
	}
	f.norms[slot] = norm
	f.live++
}

// append appends a posting where no search that goes on looks.
func (l *list) append(p posting) {
	if len(l.last) == chunkSize {
		l.full = append(l.full, l.last)
		l.last = make([]posting, 0, chunkSize)
	}
	if len(l.last) == cap(l.last) {
		grown := make([]posting, len(l.last), min(max(2*len(l.last), firstChunk), chunkSize))
		copy(grown, l.last)
		l.last = grown
	}
	l.last = append(l.last, p)
}

// deadShare is the share of a segment's slots that may be in its lists without being in
// use: searches pass over them, and removing costs the less the more there are.
const deadShare = 4

func (f *sparse) remove(slot uint16) ([]uint16, bool) {
	if int(slot) >= len(f.norms) || f.norms[slot] >= gone {
		return nil, false
	}
	f.mu.Lock()
	f.norms[slot] = gone
	f.mu.Unlock()
	f.live--
	if f.dead++; f.live > 0 && f.dead*deadShare < len(f.norms) {
		return nil, true
	}
	return f.purge(), true
}

// purge takes what was removed out of the lists, one list at a time, and returns the slots.
func (f *sparse) purge() []uint16 {
	for i, old := range f.lists {
		var kept list
		for _, chunk := range old.full {
			f.appendLiving(&kept, chunk)
		}
		f.appendLiving(&kept, old.last)
		f.mu.Lock()
		f.lists[i] = kept
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var free []uint16
	for slot, norm := range f.norms {
		if norm == gone {
			f.norms[slot] = never
			free = append(free, uint16(slot))
		}
	}
	f.dead = 0
	return free
}

// appendLiving appends the postings of slots that hold an embedding.
func (f *sparse) appendLiving(to *list, chunk []posting) {
	for _, p := range chunk {
		if f.norms[p.slot()] < gone {
			to.append(p)
		}
	}
}

func (f *sparse) scan(q *query, first uint32, found *nearest) {
	s := f.space.scratch.Get().(*scratch)
	defer f.space.scratch.Put(s)
	f.mu.RLock()
	distances := s.distances[:copy(s.distances[:], f.norms)]
	s.lists = s.lists[:0]
	for _, t := range q.terms {
		var l list
		if t.dimension < len(f.lists) {
			l = f.lists[t.dimension]
		}
		s.lists = append(s.lists, l)
	}
	f.mu.RUnlock()

	for i, t := range q.terms {
		for _, chunk := range s.lists[i].full {
			subtract(&s.distances, chunk, uint32(t.level))
		}
		subtract(&s.distances, s.lists[i].last, uint32(t.level))
	}
	clear(s.lists) // the pool keeps no list alive
	f.offer(q, distances, first, found)
}

// subtract takes twice the smaller one of the level and each posting's from the distance
// of the posting's slot. Four at a time take a quarter less time.
func subtract(distances *[segmentSize]float32, postings []posting, level uint32) {
	for ; len(postings) >= 4; postings = postings[4:] {
		a, b, c, d := postings[0], postings[1], postings[2], postings[3]
		distances[a.slot()] -= a.twice(level)
		distances[b.slot()] -= b.twice(level)
		distances[c.slot()] -= c.twice(level)
		distances[d.slot()] -= d.twice(level)
	}
	for _, p := range postings {
		distances[p.slot()] -= p.twice(level)
	}
}

func (p posting) slot() uint32 { return uint32(p) >> 16 % segmentSize }

// twice is two times what the smaller one of the posting's level and another stands for.
func (p posting) twice(level uint32) float32 {
	return math.Float32frombits(min(uint32(p)&maxLevel, level)<<levelShift + levelBase + 1<<23)
}

// offer offers the slots that hold an embedding. Their distances lack the query's norm.
func (f *sparse) offer(q *query, distances []float32, first uint32, found *nearest) {
	unit := f.space.unit
	bound := found.bound()
	for slot, distance := range distances {
		// What is gone stays so: sums of levels are below what its float rounds.
		if distance = (distance + q.norm) * unit; distance > bound || distances[slot] >= gone/2 {
			continue
		}
		found.offer(first+uint32(slot), distance)
		bound = found.bound()
	}
}

func (f *sparse) bytes() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	const header = 24
	sum := int64(4*cap(f.norms) + 2*header*len(f.lists))
	for _, l := range f.lists {
		sum += int64(len(l.full)*(header+postingBytes*chunkSize) + postingBytes*cap(l.last))
	}
	return sum
}
