// Package gif reads the first frame of a GIF, laid on its screen, as Pillow reads it:
// the screen grows where the frame reaches beyond it, what lies between blocks is
// passed over, and what follows the last pixel is not looked at.
package gif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
)

// Header is what a GIF says before the first frame's pixels.
type Header struct {
	Begun         bool // there is a whole screen, if not a frame
	Width, Height int  // pixels of the screen, as large as the frame makes it

	frame       image.Rectangle
	interlaced  bool
	colors      []byte // three bytes each; nil: greys
	transparent int    // an index; -1: none
	bits        int    // of an index in the packed pixels
	packed      []byte // from the first block of pixels to the end of the file
}

const (
	screenBytes = 13 // with the signature
	frameBytes  = 9

	introducesExtension = '!'
	introducesFrame     = ','
	trailer             = ';'
	graphicControl      = 0xf9

	hasColors  = 0x80 // flags of screen and frame
	interlaced = 0x40
)

// maxBits is what codes of pixels may begin with.
const maxBits = 12

// Parse reads all that stands before the first frame's pixels. The result refers
// to data.
func Parse(data []byte) (Header, error) {
	if len(data) < screenBytes {
		return Header{}, errors.New("gif: no whole screen")
	}
	h := Header{
		Begun: true, Width: int(binary.LittleEndian.Uint16(data[6:])), Height: int(binary.LittleEndian.Uint16(data[8:])), transparent: -1,
	}
	flags, rest := data[10], data[screenBytes:]
	if flags&hasColors != 0 {
		h.colors, rest = takeColors(flags, rest)
	}
	for len(rest) > 0 {
		kind := rest[0]
		rest = rest[1:]
		switch kind {
		case introducesExtension:
			rest = h.extension(rest)
		case introducesFrame:
			return h, h.readFrame(rest)
		case trailer:
			return h, errors.New("gif: no frame")
		}
	}
	return h, errors.New("gif: no frame")
}

// takeColors returns the table that flags announce, and what follows it. A table that
// is cut off leads to an error later: nothing follows.
func takeColors(flags byte, data []byte) (colors, rest []byte) {
	size := min(3<<(flags&7+1), len(data))
	return data[:size], data[size:]
}

// extension reads one, of which only the transparent index is of use, and returns
// what follows it.
func (h *Header) extension(data []byte) (rest []byte) {
	if len(data) == 0 {
		return nil
	}
	kind := data[0]
	block, rest := takeBlock(data[1:])
	if kind == graphicControl && len(block) >= 4 && block[0]&1 != 0 {
		h.transparent = int(block[3])
	}
	for len(block) > 0 {
		block, rest = takeBlock(rest)
	}
	return rest
}

// takeBlock returns a block, empty where there is none, and what follows it.
func takeBlock(data []byte) (block, rest []byte) {
	if len(data) == 0 {
		return nil, nil
	}
	size := min(int(data[0]), len(data)-1)
	return data[1 : 1+size], data[1+size:]
}

func (h *Header) readFrame(data []byte) error {
	if len(data) < frameBytes {
		return errors.New("gif: no whole frame")
	}
	at := func(i int) int { return int(binary.LittleEndian.Uint16(data[i:])) }
	corner, width, height := image.Pt(at(0), at(2)), at(4), at(6)
	if width == 0 || height == 0 {
		return fmt.Errorf("gif: a frame of %dx%d pixels", width, height)
	}
	h.frame = image.Rectangle{Min: corner, Max: corner.Add(image.Pt(width, height))}
	h.Width, h.Height = max(h.Width, h.frame.Max.X), max(h.Height, h.frame.Max.Y)
	flags, rest := data[8], data[frameBytes:]
	h.interlaced = flags&interlaced != 0
	if flags&hasColors != 0 {
		h.colors, rest = takeColors(flags, rest)
	}
	if len(rest) == 0 {
		return errors.New("gif: no pixels")
	}
	if h.bits = int(rest[0]); h.bits > maxBits {
		return fmt.Errorf("gif: pixels of %d bits, expected at most %d", h.bits, maxBits)
	}
	h.packed = rest[1:]
	return nil
}

// Bytes is the memory that the decoded frame takes, in bytes.
func (h Header) Bytes() int64 { return int64(h.Width) * int64(h.Height) }

// Packed is how many bytes the pixels are at most packed in.
func (h Header) Packed() int64 { return int64(len(h.packed)) }

// Decode returns the screen with the first frame on it. Around the frame it has the
// transparent index, or index 0 where there is none. The sides must be positive,
// and Bytes what the caller is ready to give. It asks after each few thousand pixels
// whether to go on; an error of ask ends it.
func (h Header) Decode(ask func() error) (*image.Paletted, error) {
	m := image.NewPaletted(image.Rect(0, 0, h.Width, h.Height), h.palette())
	if around := byte(max(h.transparent, 0)); around != 0 && h.frame != m.Rect {
		for i := range m.Pix {
			m.Pix[i] = around
		}
	}
	rows := &frameWriter{pix: m.Pix, stride: m.Stride, frame: h.frame, interlaced: h.interlaced}
	rows.begin()
	return m, unpack(h.packed, h.bits, rows, ask)
}

// palette has 256 colours: those that the table lacks are black, and without a table,
// or with one of greys in order, each index is its grey.
func (h Header) palette() color.Palette {
	all := make(color.Palette, 256)
	greys := inOrder(h.colors)
	for i := range all {
		c := color.NRGBA{A: 0xff}
		if greys {
			c = color.NRGBA{byte(i), byte(i), byte(i), 0xff}
		} else if entry := h.colors[min(3*i, len(h.colors)):]; len(entry) >= 3 {
			c = color.NRGBA{entry[0], entry[1], entry[2], 0xff}
		}
		if i == h.transparent {
			c.A = 0
		}
		all[i] = c
	}
	return all
}

// inOrder reports whether each colour of the table is the grey of its index.
func inOrder(colors []byte) bool {
	for i, c := range colors {
		if int(c) != i/3 {
			return false
		}
	}
	return true
}

// frameWriter takes a frame's pixels in the order in which they are stored.
type frameWriter struct {
	pix        []byte
	stride     int
	frame      image.Rectangle
	interlaced bool
	pass, y    int    // the row's place in the frame, and its pass
	row        []byte // what is left of it
	full       bool   // the last pixel is there
}

// passes are where interlaced rows start, and how far they are apart.
var passes = [4][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}}

func (w *frameWriter) begin() { w.setRow() }

func (w *frameWriter) setRow() {
	from := (w.frame.Min.Y+w.y)*w.stride + w.frame.Min.X
	w.row = w.pix[from : from+w.frame.Dx()]
}

// write takes the next pixels; those behind the last one are dropped.
func (w *frameWriter) write(indices []byte) {
	for len(indices) > 0 && !w.full {
		n := copy(w.row, indices)
		indices, w.row = indices[n:], w.row[n:]
		if len(w.row) == 0 {
			w.nextRow()
		}
	}
}

func (w *frameWriter) nextRow() {
	if !w.interlaced {
		w.y++
	} else {
		w.y += passes[w.pass][1]
		for w.y >= w.frame.Dy() && w.pass < len(passes)-1 {
			w.pass++
			w.y = passes[w.pass][0]
		}
	}
	if w.full = w.y >= w.frame.Dy(); !w.full {
		w.setRow()
	}
}
