// Package bmp reads the bitmaps of Windows and OS/2: every header, depth, set of masks
// and run-length coding that programs write.
//
// What is odd is read as Pillow reads it, so that both show the same: colours of 5 or 6
// bits are scaled by 255/31 or 255/63 without rounding, the fourth byte of a pixel
// is alpha only where masks say so, and indices beyond the palette are black.
package bmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
)

// Header is what a bitmap says before its pixels.
type Header struct {
	Width, Height int // pixels; not checked: they may be negative or huge

	topDown     bool
	bits        int // a pixel
	compression compression
	masks       masks
	palette     []byte // what there is of it
	entryBytes  int    // of a colour of the palette
	pixels      []byte // from the first pixel's byte to the end of the file
}

// compression is how the pixels are stored.
type compression uint32

const (
	raw            compression = 0
	rle8           compression = 1
	rle4           compression = 2
	bitFields      compression = 3
	embeddedJPEG   compression = 4
	embeddedPNG    compression = 5
	alphaBitFields compression = 6
	rle24          compression = 1000 // OS/2 has number 4 for it
)

// Sizes of headers.
const (
	fileHeaderBytes = 14
	coreBytes       = 12  // of OS/2 1.x
	leastOS2Bytes   = 16  // of OS/2 2.x, which may end behind any field
	infoBytes       = 40  // of Windows 3
	masksBytes      = 52  // has red, green and blue
	alphaBytes      = 56  // has alpha too
	os2Bytes        = 64  // of OS/2 2.x
	mostBytes       = 256 // beyond any known
)

// IsHeader reports whether a header of these first bytes is one of a bitmap without the
// header of a file, as clipboards and resources have them.
func IsHeader(head []byte) bool {
	if len(head) < leastOS2Bytes {
		return false
	}
	size, planesAt := binary.LittleEndian.Uint32(head), 12
	switch size {
	case coreBytes:
		planesAt = 8
	case infoBytes, masksBytes, alphaBytes, os2Bytes, 108, 124:
	default:
		return false
	}
	planes, bits := binary.LittleEndian.Uint16(head[planesAt:]), int(binary.LittleEndian.Uint16(head[planesAt+2:]))
	return planes == 1 && knownBits(bits)
}

// IsFile reports whether a file of these first bytes is a bitmap. It asks for a
// plausible size of the second header too, since "BM" alone starts ordinary text.
func IsFile(head []byte) bool {
	if len(head) < fileHeaderBytes+4 || string(head[:2]) != "BM" {
		return false
	}
	size := binary.LittleEndian.Uint32(head[fileHeaderBytes:])
	return size >= coreBytes && size <= mostBytes
}

func knownBits(bits int) bool {
	switch bits {
	case 1, 2, 4, 8, 16, 24, 32:
		return true
	}
	return false
}

// Parse reads the header of a bitmap, with or without the header of a file. The
// result refers to data.
func Parse(data []byte) (Header, error) {
	offset, at := int64(0), 0
	if len(data) >= fileHeaderBytes && string(data[:2]) == "BM" {
		offset, at = int64(binary.LittleEndian.Uint32(data[10:])), fileHeaderBytes
	}
	if len(data) < at+4 {
		return Header{}, errors.New("bmp: no whole header")
	}
	size := int64(binary.LittleEndian.Uint32(data[at:]))
	if size != coreBytes && (size < leastOS2Bytes || size > mostBytes) {
		return Header{}, fmt.Errorf("bmp: header of %d bytes, expected 12 to %d", size, mostBytes)
	}
	if int64(len(data)-at) < size {
		return Header{}, errors.New("bmp: no whole header")
	}
	f := fields{fixed: data[at : at+int(size)], rest: data[at+int(size):]}
	h, colors, err := f.header()
	if err != nil {
		return h, err
	}
	start := int64(len(data) - len(f.rest)) // behind header and masks
	table := int64(h.entryBytes) * colors
	switch {
	case h.bits > 8:
		table = 0
	case offset == fileHeaderBytes+size: // it points to the palette
		offset = start + table
	}
	h.palette = f.rest[:min(table, int64(len(f.rest)), 256*int64(h.entryBytes))]
	if offset == 0 {
		offset = start + table
	}
	h.pixels = data[min(offset, int64(len(data))):]
	return h, nil
}

// fields reads a header's fields by their place; those behind its end are zero.
type fields struct {
	fixed []byte // the header
	rest  []byte // what follows
}

func (f *fields) short(at int) int {
	if at+2 > len(f.fixed) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.fixed[at:]))
}

func (f *fields) long(at int) uint32 {
	if at+4 > len(f.fixed) {
		return 0
	}
	return binary.LittleEndian.Uint32(f.fixed[at:])
}

// header returns all but palette and pixels, and how many colours the palette has.
func (f *fields) header() (h Header, colors int64, err error) {
	if len(f.fixed) == coreBytes {
		h = Header{Width: f.short(4), Height: f.short(6), bits: f.short(10), entryBytes: 3}
	} else {
		h = Header{
			Width: int(int32(f.long(4))), Height: int(int32(f.long(8))), bits: f.short(14),
			compression: compression(f.long(16)), entryBytes: 4,
		}
		colors = int64(f.long(32))
	}
	if h.Height < 0 {
		h.Height, h.topDown = -h.Height, true
	}
	if !knownBits(h.bits) && h.compression != embeddedJPEG && h.compression != embeddedPNG {
		return h, 0, fmt.Errorf("bmp: %d bits a pixel, expected 1, 2, 4, 8, 16, 24 or 32", h.bits)
	}
	if os2 := len(f.fixed) < infoBytes || len(f.fixed) == os2Bytes; os2 && h.compression == embeddedJPEG && h.bits == 24 {
		h.compression = rle24
	}
	if colors == 0 && h.bits <= 8 {
		colors = 1 << h.bits
	}
	return h, colors, f.setMasks(&h)
}

// setMasks finds out where a pixel's samples are.
func (f *fields) setMasks(h *Header) error {
	deep := h.bits > 8
	switch h.compression {
	case raw:
		if h.masks = masks24; h.bits == 16 {
			h.masks = masks555
		}
		return nil
	case rle8, rle4:
		if !deep {
			return nil
		}
	case rle24:
		return nil
	case bitFields, alphaBitFields:
		if deep {
			return f.readMasks(h)
		}
	case embeddedJPEG:
		return errors.New("bmp: a JPEG inside a bitmap is not supported; send the JPEG itself")
	case embeddedPNG:
		return errors.New("bmp: a PNG inside a bitmap is not supported; send the PNG itself")
	}
	return fmt.Errorf("bmp: compression %d of %d bits a pixel, expected none, RLE4, RLE8, RLE24 or bit fields", h.compression, h.bits)
}

// readMasks reads the masks that the header has, or that follow it.
func (f *fields) readMasks(h *Header) error {
	if len(f.fixed) >= masksBytes {
		h.masks = masks{f.long(40), f.long(44), f.long(48), 0}
		if len(f.fixed) >= alphaBytes {
			h.masks[3] = f.long(52)
		}
	} else {
		n := 3
		if h.compression == alphaBitFields {
			n = 4
		}
		if len(f.rest) < 4*n {
			return errors.New("bmp: no whole masks")
		}
		for i := range n {
			h.masks[i] = binary.LittleEndian.Uint32(f.rest[4*i:])
		}
		f.rest = f.rest[4*n:]
	}
	return h.masks.settle(h.bits)
}

// Bytes is the memory that the decoded bitmap takes, in bytes.
func (h Header) Bytes() int64 {
	pixels := int64(h.Width) * int64(h.Height)
	if h.paletted() {
		return pixels
	}
	return 4 * pixels
}

func (h Header) paletted() bool { return h.bits <= 8 }

func (h Header) runs() bool {
	return h.compression == rle4 || h.compression == rle8 || h.compression == rle24
}

// rowBytes are a row's without and with the bytes that fill it up to a multiple of
// four.
func (h Header) rowBytes() (used, padded int64) {
	bits := int64(h.Width) * int64(h.bits)
	return (bits + 7) / 8, (bits + 31) / 32 * 4
}

// Check holds the size, whose sides must be positive, against the bytes that are
// there, before memory is taken. How much runs unpack to is not known before.
func (h Header) Check() error {
	if h.runs() {
		return nil
	}
	used, padded := h.rowBytes() // the last row need not be filled up
	if want := padded*int64(h.Height-1) + used; int64(len(h.pixels)) < want {
		return fmt.Errorf("bmp: %d bytes of pixels, %dx%d of %d bits take %d", len(h.pixels), h.Width, h.Height, h.bits, want)
	}
	return nil
}

// Decode returns the bitmap upright, as *image.Paletted or *image.NRGBA. The sides
// must be positive, and Bytes what the caller is ready to give. It asks after
// each few thousand pixels whether to go on; an error of ask ends it.
func (h Header) Decode(ask func() error) (image.Image, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	box := image.Rect(0, 0, h.Width, h.Height)
	if h.paletted() {
		m := image.NewPaletted(box, h.colors())
		return m, h.fill(m.Pix, m.Stride, h.indexRow(), ask)
	}
	m := image.NewNRGBA(box)
	return m, h.fill(m.Pix, m.Stride, h.colorRow(), ask)
}

// fill writes all rows.
func (h Header) fill(pix []byte, stride int, row func(dst, src []byte), ask func() error) error {
	if h.runs() {
		return h.unpack(pix, stride, ask)
	}
	used, padded := h.rowBytes()
	for y := range h.Height {
		if err := ask(); err != nil {
			return err
		}
		from := int64(y) * padded
		to := h.rowOf(y) * stride
		row(pix[to:to+stride], h.pixels[from:from+used])
	}
	return nil
}

// rowOf returns where the row goes that is stored as number y.
func (h Header) rowOf(y int) int {
	if h.topDown {
		return y
	}
	return h.Height - 1 - y
}

// colors returns the palette; colours that it lacks are black, or greys where those
// that it has are the greys of their indices.
func (h Header) colors() color.Palette {
	all := make(color.Palette, 256)
	greys := h.greys()
	for i := range all {
		c := color.NRGBA{A: 0xff}
		if greys {
			c.R, c.G, c.B = byte(i), byte(i), byte(i)
		} else if entry := h.palette[min(i*h.entryBytes, len(h.palette)):]; len(entry) >= 3 {
			c.B, c.G, c.R = entry[0], entry[1], entry[2]
		}
		all[i] = c
	}
	return all
}

func (h Header) greys() bool {
	for i := 0; i+3 <= len(h.palette); i += h.entryBytes {
		grey := byte(i / h.entryBytes)
		if h.palette[i] != grey || h.palette[i+1] != grey || h.palette[i+2] != grey {
			return false
		}
	}
	return len(h.palette) != 2*h.entryBytes // two colours are black and white
}

// indexRow reads indices of up to 8 bits, the first in the highest bits.
func (h Header) indexRow() func(dst, src []byte) {
	if h.bits == 8 {
		return func(dst, src []byte) { copy(dst, src) }
	}
	perByte, mask := 8/h.bits, byte(1)<<h.bits-1
	return func(dst, src []byte) {
		for i := range dst {
			shift := 8 - h.bits*(i%perByte+1)
			dst[i] = src[i/perByte] >> shift & mask
		}
	}
}
