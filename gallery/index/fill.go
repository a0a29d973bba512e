package index

import "siamese/gallery"

// Filler adds embeddings to an index in segments of its own, so that several goroutines
// fill an index side by side, each by its own Filler, without waiting for each other.
// It is for one goroutine; searches may go on beside it, and calls of Index.Add. What it
// added may be removed after Close only.
type Filler struct {
	index   *Index
	segment *segment
	at      uint32 // the segment's number
}

// Filler returns one that has added nothing.
func (x *Index) Filler() *Filler { return &Filler{index: x} }

// Add is as Index.Add.
func (f *Filler) Add(v gallery.Vector) (slot uint32, err error) {
	if err := f.index.space.check(v); err != nil {
		return 0, err
	}
	if f.segment == nil || f.segment.used == segmentSize {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	local := f.segment.used
	f.segment.used++
	f.segment.add(uint16(local), v)
	f.index.live.Add(1)
	return f.at<<segmentBits + uint32(local), nil
}

// next gives back the segment and takes another one.
func (f *Filler) next() (err error) {
	x := f.index
	x.changing.Lock()
	defer x.changing.Unlock()
	f.leaveLocked()
	s, at, err := x.roomLocked()
	if err != nil {
		return err
	}
	s.filled = true
	f.segment, f.at = s, at
	return nil
}

func (f *Filler) leaveLocked() {
	if f.segment != nil {
		f.segment.filled = false
		f.segment = nil
	}
}

// Close leaves what room there is in the Filler's segment to others.
func (f *Filler) Close() {
	f.index.changing.Lock()
	defer f.index.changing.Unlock()
	f.leaveLocked()
}
