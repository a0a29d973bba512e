package bmp

import "errors"

var errRuns = errors.New("bmp: runs end before the last pixel")

// Codes behind a zero, and how long such a code of pixels may be.
const (
	endOfRow    = 0
	endOfBitmap = 1
	moveOn      = 2
)

// codesAsked is after how many codes, of up to 255 pixels, unpack asks.
const codesAsked = 256

// runReader unpacks runs into rows in the order in which they are stored. Places
// are those of Pillow: pixels are a single row, in which the end of a row fills up.
type runReader struct {
	src         []byte
	pix         []byte
	width, last int // pixels of a row, and of all
	x           int // in the row, as far as the codes know
	at          int // in all
	size        int // bytes of a pixel in pix: an index, or a colour
	nibbles     bool
	wraps       bool // a run behind a full row begins the next one, and is not left out
	placed      bool // a code has told of a row's end or of another place
}

// unpack writes all rows. What the codes leave out has index 0, or is white where
// there is no palette. Where no code tells of rows, they follow each other.
func (h Header) unpack(pix []byte, stride int, ask func() error) error {
	r := runReader{src: h.pixels, pix: pix, width: h.Width, last: h.Width * h.Height, size: stride / h.Width, nibbles: h.compression == rle4}
	if r.size > 1 {
		for i := range pix {
			pix[i] = 0xff
		}
	}
	again := r
	again.wraps = true
	err := r.all(ask)
	if cut := err == nil || errors.Is(err, errRuns); cut && r.at < r.last && !r.placed {
		err = again.all(ask)
	}
	if err == nil && !h.topDown {
		flip(pix, stride, h.Height)
	}
	return err
}

// all reads codes up to the last pixel or to the end that a code tells.
func (r *runReader) all(ask func() error) error {
	for codes := 0; r.at < r.last; codes++ {
		if codes%codesAsked == 0 {
			if err := ask(); err != nil {
				return err
			}
		}
		if end, err := r.code(); err != nil || end {
			return err
		}
	}
	return nil
}

// flip swaps the rows.
func flip(pix []byte, stride, height int) {
	spare := make([]byte, stride)
	for y := range height / 2 {
		upper, lower := pix[y*stride:(y+1)*stride], pix[(height-1-y)*stride:(height-y)*stride]
		copy(spare, upper)
		copy(upper, lower)
		copy(lower, spare)
	}
}

// stored is how many bytes a pixel has in the file, but for nibbles.
func (r *runReader) stored() int {
	if r.size > 1 {
		return 3
	}
	return 1
}

// code reads a code; end: it was the last one.
func (r *runReader) code() (end bool, err error) {
	count, err := r.take(1)
	if err != nil {
		return false, err
	}
	if count[0] > 0 {
		pixel, err := r.take(r.stored())
		if err == nil {
			r.run(int(count[0]), pixel)
		}
		return false, err
	}
	escape, err := r.take(1)
	if err != nil {
		return false, err
	}
	r.placed = r.placed || escape[0] == endOfRow || escape[0] == moveOn
	switch escape[0] {
	case endOfRow:
		r.endRow()
	case endOfBitmap:
		return true, nil
	case moveOn:
		step, err := r.take(2)
		if err != nil {
			return false, err
		}
		r.at += int(step[0]) + int(step[1])*r.width
		r.x = r.at % r.width
	default:
		return false, r.literal(int(escape[0]))
	}
	return false, nil
}

func (r *runReader) take(n int) ([]byte, error) {
	if len(r.src) < n {
		return nil, errRuns
	}
	taken := r.src[:n]
	r.src = r.src[n:]
	return taken, nil
}

// endRow goes to the next row: from behind a full one it is there already.
func (r *runReader) endRow() {
	if r.x == 0 {
		r.at += r.width
	}
	r.at = (r.at + r.width - 1) / r.width * r.width
	r.x = 0
}

// run repeats a pixel, or two of four bits in turn, up to the end of the row.
func (r *runReader) run(count int, pixel []byte) {
	if r.wraps && r.x >= r.width {
		r.x = 0
	}
	count = min(count, max(0, r.width-r.x))
	for i := range count {
		switch {
		case r.size > 1:
			r.put(pixel)
		case r.nibbles && i%2 == 0:
			r.putIndex(pixel[0] >> 4)
		case r.nibbles:
			r.putIndex(pixel[0] & 0xf)
		default:
			r.putIndex(pixel[0])
		}
	}
	r.x += count
}

// literal reads pixels as they are, filled up to a multiple of two bytes. They may go
// on in the next row. Of missing ones only those that the bitmap needs are missed.
func (r *runReader) literal(count int) error {
	size := count * r.stored()
	if r.nibbles {
		size = (count + 1) / 2
	}
	some, _ := r.take(min(size, len(r.src)))
	for i := range count {
		from := i * r.stored()
		if r.nibbles {
			from = i / 2
		}
		if r.at >= r.last {
			return nil
		}
		if from+r.stored() > len(some) {
			return errRuns
		}
		switch {
		case r.size > 1:
			r.put(some[from : from+3])
		case r.nibbles && i%2 == 0:
			r.putIndex(some[from] >> 4)
		case r.nibbles:
			r.putIndex(some[from] & 0xf)
		default:
			r.putIndex(some[from])
		}
	}
	r.x += count
	_, _ = r.take(min(size%2, len(r.src)))
	return nil
}

func (r *runReader) putIndex(index byte) {
	if r.at < r.last {
		r.pix[r.at] = index
	}
	r.at++
}

// put writes a colour: blue, green, red.
func (r *runReader) put(c []byte) {
	if r.at < r.last {
		p := r.pix[r.at*r.size : (r.at+1)*r.size]
		p[0], p[1], p[2] = c[2], c[1], c[0]
	}
	r.at++
}
