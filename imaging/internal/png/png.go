// Package png reads PNGs that the standard library refuses though others show them. It
// writes them again, without what is wrong, and leaves the rest to the library. A
// sound file goes there as it is.
package png

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Signature starts every PNG.
const Signature = "\x89PNG\r\n\x1a\n"

const (
	headerBytes = 13
	frameBytes  = 12 // of a chunk: length, kind and checksum
)

// Kinds of pixels, as the header names them.
const (
	gray      = 0
	rgb       = 2
	paletted  = 3
	grayAlpha = 4
	rgbAlpha  = 6
)

// Header is what a PNG says before its pixels.
type Header struct {
	Begun         bool // there is an IHDR, whatever follows
	Width, Height int  // pixels; not checked
	Depth         int  // bits of a sample: 1, 2, 4, 8 or 16
	Interlaced    bool // in seven passes
	Keyed         bool // a colour is transparent, or some of the palette's are

	kind    byte
	palette []byte // three bytes a colour
	key     []byte // tRNS, as long as kind and palette ask for
	pixels  []byte // from the first IDAT to the end of the file
	odd     bool   // it has to be written again
	apple   bool   // it says that its pixels are as iOS has them
}

// chunk is a piece of a PNG.
type chunk struct {
	kind  string
	body  []byte
	whole bool // all of body is there, and a checksum
	good  bool // the checksum is right
}

// named reports whether the kind is letters, digits and underscores, as Pillow asks.
func (c chunk) named() bool {
	for _, b := range []byte(c.kind) {
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		if digit := b >= '0' && b <= '9'; !letter && !digit && b != '_' {
			return false
		}
	}
	return true
}

// critical reports whether the kind says that nothing can be shown without the chunk.
func (c chunk) critical() bool { return c.kind[0]&0x20 == 0 }

// takeChunk returns the first chunk, with what is there of its body, and what follows
// it. ok: there is one at all.
func takeChunk(data []byte, check bool) (c chunk, rest []byte, ok bool) {
	if len(data) < 8 {
		return chunk{}, nil, false
	}
	size, there := int64(binary.BigEndian.Uint32(data)), int64(len(data)-8)
	c = chunk{kind: string(data[4:8]), body: data[8 : 8+min(size, there)], whole: size+4 <= there}
	if !c.whole {
		return c, nil, true
	}
	sum := binary.BigEndian.Uint32(data[8+size:])
	c.good = !check || sum == crc32.ChecksumIEEE(data[4:8+size])
	return c, data[frameBytes+size:], true
}

// Parse reads all chunks before the pixels, and a transparent colour behind them. A
// chunk that may be missing and whose checksum is wrong counts as missing. The result
// refers to data.
func Parse(data []byte) (Header, error) {
	var h Header
	if !bytes.HasPrefix(data, []byte(Signature)) {
		return h, errors.New("png: no signature")
	}
	rest := data[len(Signature):]
	var key []byte
	for {
		c, behind, ok := takeChunk(rest, true)
		if ok && c.kind == "IDAT" {
			h.pixels = rest
			break
		}
		if !ok || !c.whole {
			return h, errors.New("png: it ends before the pixels")
		}
		if err := h.take(c, &key); err != nil {
			return h, err
		}
		rest = behind
	}
	if !h.Begun {
		return h, errors.New("png: no IHDR before the pixels")
	}
	if late := lateKey(h.pixels); late != nil {
		key, h.odd = late, true
	}
	return h, h.settle(key)
}

// take reads a chunk that stands before the pixels.
func (h *Header) take(c chunk, key *[]byte) error {
	switch {
	case !c.named():
		return fmt.Errorf("png: a chunk of kind %q", c.kind)
	case !c.good && c.critical() && (c.kind != "PLTE" || h.kind == paletted):
		return fmt.Errorf("png: the checksum of %s is wrong", c.kind)
	case !c.good:
		h.odd = true
	case c.kind == "IHDR":
		h.odd = h.odd || h.Begun || len(c.body) != headerBytes
		return h.readHeader(c.body)
	case c.kind == "CgBI":
		h.apple = true
	case c.kind == "PLTE":
		h.odd = h.odd || h.palette != nil || *key != nil
		h.palette = c.body
	case c.kind == "tRNS":
		h.odd = h.odd || *key != nil
		*key = c.body
	}
	h.odd = h.odd || !h.Begun
	return nil
}

func (h *Header) readHeader(body []byte) error {
	if len(body) < headerBytes {
		return fmt.Errorf("png: IHDR has %d bytes, expected %d", len(body), headerBytes)
	}
	h.Begun = true
	h.Width, h.Height = int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))
	h.Depth, h.kind = int(body[8]), body[9]
	if body[11] != 0 {
		return fmt.Errorf("png: filter method %d, expected 0", body[11])
	}
	h.Interlaced = body[12] != 0
	h.odd = h.odd || body[10] != 0 || body[12] > 1
	depths := map[byte][]int{gray: {1, 2, 4, 8, 16}, rgb: {8, 16}, paletted: {1, 2, 4, 8}, grayAlpha: {8, 16}, rgbAlpha: {8, 16}}
	for _, depth := range depths[h.kind] {
		if depth == h.Depth {
			return nil
		}
	}
	return fmt.Errorf("png: colour type %d of %d bits, which there is none of", h.kind, h.Depth)
}

// lateKey returns a transparent colour that stands behind the pixels, or nil.
func lateKey(data []byte) []byte {
	for {
		c, rest, ok := takeChunk(data, false)
		switch {
		case !ok || c.kind == "IEND" || !c.whole:
			return nil
		case c.kind == "tRNS":
			return c.body
		}
		data = rest
	}
}

// settle leaves out of palette and key what the kind of pixels has no use for.
func (h *Header) settle(key []byte) error {
	colors := 0
	switch h.kind {
	case paletted:
		if colors = min(len(h.palette)/3, 1<<h.Depth); colors == 0 {
			return errors.New("png: no palette")
		}
		if len(key) <= 256 {
			h.key = key[:min(len(key), 1<<h.Depth)]
		}
	case gray:
		h.key = prefix(key, 2)
		if h.Depth == 1 && h.key != nil && binary.BigEndian.Uint16(h.key) > 1 {
			h.key, h.odd = []byte{0, 1}, true
		}
	case rgb:
		h.key = prefix(key, 6)
	}
	if h.kind == rgb || h.kind == rgbAlpha { // for screens of 256 colours
		colors = min(len(h.palette)/3, 256)
	}
	h.odd = h.odd || len(h.palette) != 3*colors || len(h.key) != len(key)
	h.palette = h.palette[:3*colors]
	h.Keyed = len(h.key) > 0
	return nil
}

// prefix returns the first n bytes, nil where there are fewer.
func prefix(data []byte, n int) []byte {
	if len(data) < n {
		return nil
	}
	return data[:n]
}

// Sound reports whether the library will read it, as far as can be told without
// unpacking pixels.
func (h Header) Sound() bool {
	data, between := h.pixels, false
	for !h.odd {
		c, rest, ok := takeChunk(data, true)
		switch {
		case !ok || !c.good || c.kind == "IDAT" && between:
			return false
		case c.kind == "IEND":
			return len(c.body) == 0
		case c.kind == "PLTE", c.kind == "IHDR":
			return false
		}
		data, between = rest, c.kind != "IDAT"
	}
	return false
}

// Samples is how many numbers a pixel has in the file.
func (h Header) Samples() int {
	return map[byte]int{rgb: 3, grayAlpha: 2, rgbAlpha: 4}[h.kind] + btoi(h.kind == gray || h.kind == paletted)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Unpacked is how many bytes the pixels unpack to. The sides must be positive, and
// their product below 2⁴⁰.
func (h Header) Unpacked() int64 {
	if !h.Interlaced {
		return h.passBytes(h.Width, h.Height)
	}
	total := int64(0)
	for _, p := range passes {
		total += h.passBytes((h.Width-p.x+p.xStep-1)/p.xStep, (h.Height-p.y+p.yStep-1)/p.yStep)
	}
	return total
}

// passBytes is rows of a filter's number and pixels.
func (h Header) passBytes(width, height int) int64 {
	if width <= 0 || height <= 0 {
		return 0
	}
	return int64(height) * (1 + (int64(width)*int64(h.Depth*h.Samples())+7)/8)
}

// passes are those of an interlaced image: where each starts, and how far its pixels
// are apart.
var passes = []struct{ x, y, xStep, yStep int }{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

// MemoryBytes is the memory that the decoded image takes, in bytes, in the type that the
// library chooses. An interlaced one is there a second time, as its seven passes.
func (h Header) MemoryBytes() int64 {
	size := int64(4)
	if h.kind == paletted || h.kind == gray && !h.Keyed {
		size = 1
	}
	if h.Depth == 16 {
		size *= 2
	}
	if h.Interlaced {
		size *= 2
	}
	return size * int64(h.Width) * int64(h.Height)
}
