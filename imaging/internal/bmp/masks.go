package bmp

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// masks tell which bits of a pixel are its red, green, blue and alpha.
type masks [4]uint32

var (
	masks24  = masks{0xff0000, 0xff00, 0xff, 0} // of 32 bits without alpha too
	masks32  = masks{0xff0000, 0xff00, 0xff, 0xff000000}
	masks555 = masks{0x7c00, 0x3e0, 0x1f, 0}
	masks565 = masks{0xf800, 0x7e0, 0x1f, 0}
)

// settle puts defaults where there are no masks, and leaves alpha out where Pillow does:
// of 24 bits, and of 16 that are the usual ones but for it.
func (m *masks) settle(depth int) error {
	colors := masks{m[0], m[1], m[2], 0}
	switch {
	case depth == 32 && *m == masks{}:
		*m = masks32
	case colors == masks{} && depth == 16:
		*m = masks555
	case colors == masks{}:
		return errors.New("bmp: masks without a bit of any colour")
	case depth == 24, depth == 16 && (colors == masks555 || colors == masks565):
		*m = colors
	}
	return nil
}

// colorRow reads pixels of 16 bits and more.
func (h Header) colorRow() func(dst, src []byte) {
	switch {
	case h.bits == 24 && h.masks == masks24:
		return bytesRow(3, 0xff)
	case h.bits == 32 && h.masks == masks24:
		return bytesRow(4, 0xff)
	case h.bits == 32 && h.masks == masks32:
		return bytesRow(4, 0)
	}
	size := h.bits / 8
	var read [4]func(pixel uint32) byte
	for i, mask := range h.masks {
		read[i] = sampleOf(mask)
	}
	if h.masks[3] == 0 {
		read[3] = func(uint32) byte { return 0xff }
	}
	return func(dst, src []byte) {
		var whole [4]byte
		for ; len(dst) >= 4; dst, src = dst[4:], src[size:] {
			copy(whole[:], src[:size])
			pixel := binary.LittleEndian.Uint32(whole[:])
			for i, sample := range read {
				dst[i] = sample(pixel)
			}
		}
	}
}

// bytesRow reads blue, green, red and, where a pixel has as many bytes, alpha, in which
// the bits of opaque are set.
func bytesRow(size int, opaque byte) func(dst, src []byte) {
	return func(dst, src []byte) {
		for ; len(dst) >= 4; dst, src = dst[4:], src[size:] {
			p := src[:size]
			dst[0], dst[1], dst[2], dst[3] = p[2], p[1], p[0], opaque|p[size-1]
		}
	}
}

// sampleOf returns a reader of the sample under the mask, scaled to 8 bits: of 5 and 6
// bits as Pillow does, without rounding. A mask may have gaps, whose bits are zero.
func sampleOf(mask uint32) func(pixel uint32) byte {
	if mask == 0 {
		return func(uint32) byte { return 0 }
	}
	low := bits.TrailingZeros32(mask)
	width := bits.Len32(mask) - low
	most, half := uint64(1)<<width-1, uint64(0)
	if width != 5 && width != 6 {
		half = most / 2
	}
	return func(pixel uint32) byte { return byte((uint64(pixel&mask>>low)*255 + half) / most) }
}
