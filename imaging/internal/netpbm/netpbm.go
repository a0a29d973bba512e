// Package netpbm reads PBM, PGM and PPM pictures, packed or written in digits, as Pillow
// reads them. Collections of faces for research often come as PGM.
package netpbm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math"
)

// Header is what a picture says before its pixels.
type Header struct {
	Width, Height int // pixels; not checked

	kind byte   // '1' to '6'
	most int    // the level of white; 1 where pixels are bits
	body []byte // what follows
}

// maxDigits is how long a number may be.
const maxDigits = 10

var errShort = errors.New("pnm: the pixels end before the last one")

// IsFile reports whether a file of these first bytes is such a picture. It asks for a
// number or a comment behind the kind, since the kind alone starts ordinary text.
func IsFile(head []byte) bool {
	if len(head) < 4 || head[0] != 'P' || head[1] < '1' || head[1] > '6' || !isSpace(head[2]) {
		return false
	}
	return isDigit(head[3]) || isSpace(head[3]) || head[3] == '#'
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// Parse reads all that stands before the pixels. The result refers to data.
func Parse(data []byte) (Header, error) {
	if !IsFile(data) {
		return Header{}, errors.New("pnm: no kind of picture")
	}
	h := Header{kind: data[1], most: 1, body: data[3:]}
	fields := []*int{&h.Width, &h.Height}
	if !h.bits() {
		fields = append(fields, &h.most)
	}
	for _, field := range fields {
		value, rest, err := number(h.body)
		if err != nil {
			return Header{}, err
		}
		*field, h.body = value, rest
	}
	if h.most < 1 || h.most > math.MaxUint16 {
		return h, fmt.Errorf("pnm: white is level %d, expected 1 to %d", h.most, math.MaxUint16)
	}
	return h, nil
}

// number reads a number with what is before it and the one space behind it.
func number(data []byte) (value int, rest []byte, err error) {
	digits := 0
	for at := 0; at < len(data); at++ {
		switch b := data[at]; {
		case b == '#':
			at = commentEnd(data, at)
		case isDigit(b) && digits < maxDigits:
			value = value*10 + int(b-'0')
			digits++
		case isSpace(b) && digits == 0:
		case isSpace(b):
			return value, data[at+1:], nil
		default:
			return 0, nil, fmt.Errorf("pnm: %q in a number", b)
		}
	}
	if digits == 0 {
		return 0, nil, errShort
	}
	return value, nil, nil
}

// commentEnd returns where a comment's last byte is.
func commentEnd(data []byte, at int) int {
	for at < len(data)-1 && data[at] != '\n' && data[at] != '\r' {
		at++
	}
	return at
}

func (h Header) bits() bool { return h.kind == '1' || h.kind == '4' }

func (h Header) digits() bool { return h.kind <= '3' }

func (h Header) samples() int {
	if h.kind == '3' || h.kind == '6' {
		return 3
	}
	return 1
}

// deep reports whether a packed sample has two bytes.
func (h Header) deep() bool { return h.most > math.MaxUint8 }

// Bytes is the memory that the decoded picture takes, in bytes.
func (h Header) Bytes() int64 {
	size := int64(1)
	switch {
	case h.samples() == 3:
		size = 4
	case h.deep():
		size = 2
	}
	return size * int64(h.Width) * int64(h.Height)
}

// Body is how many bytes the pixels are written in.
func (h Header) Body() int64 { return int64(len(h.body)) }

// Check holds the size, whose sides must be positive, against the bytes that are
// there, before memory is taken.
func (h Header) Check() error {
	row := int64(h.Width) * int64(h.samples())
	switch {
	case h.kind == '4':
		row = (row + 7) / 8
	case h.digits():
	case h.deep():
		row *= 2
	}
	if want := row * int64(h.Height); int64(len(h.body)) < want {
		return fmt.Errorf("pnm: %d bytes of pixels, %dx%d take %d at least", len(h.body), h.Width, h.Height, want)
	}
	return nil
}

// Decode returns the picture as *image.Gray, *image.Gray16 or *image.NRGBA. The sides must
// be positive, and Bytes what the caller is ready to give. It asks at each row
// whether to go on; an error of ask ends it.
func (h Header) Decode(ask func() error) (image.Image, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	box := image.Rect(0, 0, h.Width, h.Height)
	next := h.reader()
	switch {
	case h.samples() == 3:
		m := image.NewNRGBA(box)
		return m, h.fill(ask, next, func(i int, level int) {
			m.Pix[i/3*4+i%3], m.Pix[i/3*4+3] = byte(level), 0xff
		})
	case h.deep():
		m := image.NewGray16(box)
		return m, h.fill(ask, next, func(i int, level int) { binary.BigEndian.PutUint16(m.Pix[2*i:], uint16(level)) })
	}
	m := image.NewGray(box)
	return m, h.fill(ask, next, func(i int, level int) { m.Pix[i] = byte(level) })
}

// fill reads all samples, and puts each at its place, scaled to 8 bits, or to 16 where a
// grey has more.
func (h Header) fill(ask func() error, next func() (int, error), put func(i, level int)) error {
	white := math.MaxUint8
	if h.deep() && h.samples() == 1 {
		white = math.MaxUint16
	}
	scaled := make([]uint16, h.most+1)
	for level := range scaled {
		scaled[level] = uint16(math.RoundToEven(float64(level) / float64(h.most) * float64(white)))
	}
	row := h.Width * h.samples()
	for i := range row * h.Height {
		if i%row == 0 {
			if err := ask(); err != nil {
				return err
			}
		}
		level, err := next()
		if err != nil {
			return err
		}
		put(i, int(scaled[level]))
	}
	return nil
}

// reader returns a reader of samples, from 0 to most.
func (h Header) reader() func() (int, error) {
	switch {
	case h.kind == '1':
		return h.digitBits()
	case h.kind == '4':
		return h.packedBits()
	case h.digits():
		return h.numbers()
	}
	at, size := 0, 1
	if h.deep() {
		size = 2
	}
	return func() (int, error) {
		level := int(h.body[at])
		if size == 2 {
			level = level<<8 | int(h.body[at+1])
		}
		at += size
		return min(level, h.most), nil
	}
}

// packedBits reads bits, the first of each row in the highest of a byte; 1 is black.
func (h Header) packedBits() func() (int, error) {
	row, i := (h.Width+7)/8, 0
	return func() (int, error) {
		x, y := i%h.Width, i/h.Width
		i++
		return 1 - int(h.body[y*row+x/8]>>(7-x%8)&1), nil
	}
}

// digitBits reads digits 0 and 1, with or without spaces between them; 1 is black.
func (h Header) digitBits() func() (int, error) {
	at := 0
	return func() (int, error) {
		for ; at < len(h.body); at++ {
			switch b := h.body[at]; {
			case b == '#':
				at = commentEnd(h.body, at)
			case b == '0', b == '1':
				at++
				return int('1' - b), nil
			case !isSpace(b):
				return 0, fmt.Errorf("pnm: %q among bits", b)
			}
		}
		return 0, errShort
	}
}

// numbers reads numbers.
func (h Header) numbers() func() (int, error) {
	rest := h.body
	return func() (int, error) {
		level, behind, err := number(rest)
		if err == nil && level > h.most {
			err = fmt.Errorf("pnm: level %d, where white is %d", level, h.most)
		}
		rest = behind
		return level, err
	}
}
