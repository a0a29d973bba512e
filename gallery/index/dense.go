package index

import (
	"math/bits"
	"slices"
	"sync"

	"siamese/gallery"
)

// dense holds embeddings as rows of bytes, a byte a column: the weighted number in steps
// of which all columns have the same, from where the column's own range is in the middle.
// A distance is the sum of the absolute differences of two rows.
type dense struct {
	space   *space
	centres []float32 // of the columns
	step    float32

	weighted []float32 // of what is added; used again
	row      []byte    // the same

	mu     sync.RWMutex
	blocks []*block
}

// blockRows are how many rows lie together: they are scanned while nobody writes them.
const blockRows = 512

// block is rows, and which of them hold an embedding.
type block struct {
	mu   sync.RWMutex
	rows []byte // nil where live has none
	live [blockRows / 64]uint64
}

// halfRange is where a byte is in the middle of its column.
const halfRange = 127.5

// newDense returns the form without embeddings, its bytes made for some that are like
// those to come. A few of them that are far off don't matter: rows end at what a byte
// holds.
func newDense(s *space, like []*gallery.Vector) *dense {
	var rows [][]float32
	for _, v := range like {
		if v != nil {
			rows = append(rows, s.weighted(nil, *v))
		}
	}
	f := &dense{space: s, centres: make([]float32, len(s.columns))}
	column := make([]float32, len(rows))
	off := make([]float32, len(rows)) // of each row, how far it is off the centres at most
	for c := range f.centres {
		for i, row := range rows {
			column[i] = row[c]
		}
		slices.Sort(column)
		f.centres[c] = quantile(column, 0.05)/2 + quantile(column, 0.95)/2
		for i, row := range rows {
			off[i] = max(off[i], row[c]-f.centres[c], f.centres[c]-row[c])
		}
	}
	slices.Sort(off)
	const margin = 1.25 // for numbers that are larger than those of most of the rows
	const most = 1e24   // so that sums stay finite
	if f.step = min(margin*quantile(off, 0.97)/halfRange, most); f.step == 0 {
		f.step = 1 // all are alike
	}
	return f
}

func quantile(sorted []float32, share float64) float32 {
	return sorted[int(share*float64(len(sorted)-1))]
}

// appendRow appends the row of weighted numbers, filled up with zeros.
func (f *dense) appendRow(to []byte, weighted []float32) []byte {
	end := len(to) + f.space.stride
	for c, x := range weighted {
		to = append(to, byte(min(max((x-f.centres[c])/f.step+halfRange+0.5, 0), 255)))
	}
	return append(to, make([]byte, end-len(to))...)
}

func (f *dense) add(slot uint16, v gallery.Vector) {
	f.weighted = f.space.weighted(f.weighted[:0], v)
	f.row = f.appendRow(f.row[:0], f.weighted)
	at, in := int(slot)/blockRows, int(slot)%blockRows
	f.mu.Lock()
	for len(f.blocks) <= at {
		f.blocks = append(f.blocks, &block{})
	}
	f.mu.Unlock()

	b := f.blocks[at]
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rows == nil {
		b.rows = make([]byte, blockRows*f.space.stride)
	}
	copy(b.rows[in*f.space.stride:], f.row)
	b.live[in/64] |= 1 << (in % 64)
}

func (f *dense) remove(slot uint16) ([]uint16, bool) {
	at, in := int(slot)/blockRows, int(slot)%blockRows
	if at >= len(f.blocks) {
		return nil, false
	}
	b := f.blocks[at]
	b.mu.Lock()
	defer b.mu.Unlock()
	bit := uint64(1) << (in % 64)
	if b.live[in/64]&bit == 0 {
		return nil, false
	}
	if b.live[in/64] &^= bit; b.live == [blockRows / 64]uint64{} {
		b.rows = nil
	}
	return []uint16{slot}, true
}

func (f *dense) scan(q *query, first uint32, found *nearest) {
	s := f.space.scratch.Get().(*scratch)
	defer f.space.scratch.Put(s)
	s.row = f.appendRow(s.row[:0], q.weighted)
	f.mu.RLock()
	blocks := f.blocks
	f.mu.RUnlock()
	for i, b := range blocks {
		live := b.sums(s.row, &s.sums)
		f.offer(first+uint32(i*blockRows), &live, &s.sums, found)
	}
}

// sums writes how far each row of the block is off another row, and returns which of the
// rows hold an embedding.
func (b *block) sums(row []byte, sums *[blockRows]uint32) (live [blockRows / 64]uint64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.rows != nil {
		differences(sums[:], row, b.rows)
	}
	return b.live
}

// offer offers the rows that hold an embedding.
func (f *dense) offer(first uint32, live *[blockRows / 64]uint64, sums *[blockRows]uint32, found *nearest) {
	unit := f.step * f.space.unit
	bound := found.bound()
	for word, set := range live {
		for ; set != 0; set &= set - 1 {
			in := word*64 + bits.TrailingZeros64(set)
			if distance := float32(sums[in]) * unit; distance <= bound {
				found.offer(first+uint32(in), distance)
				bound = found.bound()
			}
		}
	}
}

func (f *dense) bytes() int64 {
	f.mu.RLock()
	blocks := f.blocks
	f.mu.RUnlock()
	const header = 128
	sum := int64(4 * len(f.centres))
	for _, b := range blocks {
		b.mu.RLock()
		sum += int64(header + len(b.rows))
		b.mu.RUnlock()
	}
	return sum
}
