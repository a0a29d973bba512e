package imaging

import (
	"encoding/binary"
	"image"
	"math"

	"siamese/imaging/internal/heif"
	"siamese/imaging/internal/icc"
	"siamese/imaging/internal/tifftags"
)

// Images of 16 bits a sample keep them through profile, transparency, turn and resize,
// and are rounded to 8 bits at the end, once. Pillow takes the high byte first; so what
// comes out is up to a level lighter than Pillow's, and nearer to the truth.

// deepReader is a rowReader of samples of 16 bits.
type deepReader func(dst []uint16, y, x0, x1 int)

const full16 = math.MaxUint16

// shallow rounds a sample to 8 bits: v·255/65535 is v/257.
func shallow(v uint16) byte { return byte((uint32(v) + 128) / 257) }

// rounded reads the same with 8 bits a sample, of rows of the given width.
func (deep deepReader) rounded(width int) rowReader {
	var row []uint16
	return func(dst []byte, y, x0, x1 int) {
		if row == nil {
			row = make([]uint16, 3*width)
		}
		part := row[:(x1-x0)*3]
		deep(part, y, x0, x1)
		for i, v := range part {
			dst[i] = shallow(v)
		}
	}
}

// deepReaderOf gives access to an image of 16 bits a sample; nil for all others.
func deepReaderOf(decoded image.Image, look look) deepReader {
	switch m := decoded.(type) {
	case *image.Gray16:
		return deepGrayRows(m, look.colour)
	case *image.NRGBA64:
		return deepRows(m.Pix, m.Stride, false, look)
	case *image.RGBA64:
		return deepRows(m.Pix, m.Stride, true, look)
	}
	return nil
}

func deepGrayRows(m *image.Gray16, colour *icc.Transform) deepReader {
	return func(dst []uint16, y, x0, x1 int) {
		row := m.Pix[y*m.Stride+x0*2 : y*m.Stride+x1*2]
		for i := 0; len(row) >= 2; i += 3 {
			v := binary.BigEndian.Uint16(row)
			p := dst[i : i+3]
			p[0], p[1], p[2] = v, v, v
			row = row[2:]
		}
		if colour != nil {
			colour.Apply16(dst[:(x1-x0)*3])
		}
	}
}

// deepRows reads RGBA, premultiplied or not.
func deepRows(pix []byte, stride int, premultiplied bool, look look) deepReader {
	const pixel = 8 // bytes
	return func(dst []uint16, y, x0, x1 int) {
		row := pix[y*stride+x0*pixel : y*stride+x1*pixel]
		dst = dst[:(x1-x0)*3]
		for i := 0; i < len(dst); i += 3 {
			at := row[i/3*pixel:][:pixel]
			p := dst[i : i+3]
			for c := range p {
				p[c] = binary.BigEndian.Uint16(at[2*c:])
			}
			if a := binary.BigEndian.Uint16(at[6:]); premultiplied && a != full16 {
				unmultiply16(p, a)
			}
		}
		if look.colour != nil {
			look.colour.Apply16(dst)
		}
		if look.alpha == DropAlpha {
			return
		}
		for i := 0; i < len(dst); i += 3 {
			if a := binary.BigEndian.Uint16(row[i/3*pixel+6:]); a != full16 {
				onWhite16(dst[i:i+3], a)
			}
		}
	}
}

// unmultiply16 divides premultiplied levels by their alpha. A level above its alpha is
// malformed and counts as full.
func unmultiply16(levels []uint16, a uint16) {
	for c, v := range levels {
		if a == 0 {
			levels[c] = 0
			continue
		}
		levels[c] = uint16(min(full16, (uint32(v)*full16+uint32(a)/2)/uint32(a)))
	}
}

// onWhite16 lays straight levels on white.
func onWhite16(levels []uint16, a uint16) {
	for c, v := range levels {
		levels[c] = full16 - uint16((uint32(full16-v)*uint32(a)+full16/2)/full16)
	}
}

// isDeep reports whether an image may be decoded to 16 bits a sample.
func isDeep(format Format, data []byte) bool {
	const depthAt, shallow = 8, 8
	switch format {
	case PNG:
		ihdr := pngChunk(data, "IHDR")
		return len(ihdr) > depthAt && ihdr[depthAt] > shallow
	case TIFF:
		return tifftags.First(data, tifftags.TagBitsPerSample) > shallow
	case HEIC, AVIF:
		p, err := heif.Parse(data)
		return err == nil && p.Colour.Depth > shallow
	}
	return false
}

// resampleDeep is resample for samples of 16 bits; it rounds to 8 at the end.
func resampleDeep(dst *Picture, source pixels, l layout, s *scratch) {
	columns, rows := l.axes(source)
	firstRow, lastRow := span(rows, l.top, l.height)
	narrow := squeezeDeep(source, columns, l, firstRow, lastRow, s)
	l.matte(dst)
	stride := l.width * 3
	sums := grow(&s.deepSums, stride)
	for y := range l.height {
		at := ((l.y+y)*dst.Width + l.x) * 3
		out := dst.Pix[at : at+stride]
		if rows == nil {
			for i, v := range narrow[y*stride : (y+1)*stride] {
				out[i] = shallow(v)
			}
			continue
		}
		for i := range sums {
			sums[i] = half
		}
		at = (rows[y].first - firstRow) * stride
		for _, w := range rows[y].weights {
			for i, v := range narrow[at : at+stride] {
				sums[i] += int64(w) * int64(v)
			}
			at += stride
		}
		for i, sum := range sums {
			out[i] = shallow(clamp16(sum >> weightBits))
		}
	}
}

// squeezeDeep is squeeze for samples of 16 bits.
func squeezeDeep(source pixels, columns []tap, l layout, first, last int, s *scratch) []uint16 {
	stride := l.width * 3
	narrow := grow(&s.deepNarrow, (last-first)*stride)
	left, right := span(columns, l.left, l.width)
	row := grow(&s.deepRow, (right-left)*3)
	for y := first; y < last; y++ {
		out := narrow[(y-first)*stride:][:stride]
		if columns == nil {
			source.deep(out, y, left, right)
			continue
		}
		source.deep(row, y, left, right)
		for i, t := range columns {
			sumDeepPixels(out[i*3:i*3+3], row[(t.first-left)*3:], t.weights)
		}
	}
	return narrow
}

func sumDeepPixels(out, row []uint16, weights []int32) {
	r, g, b := int64(half), int64(half), int64(half)
	for _, w := range weights {
		v := int64(w)
		r, g, b = r+v*int64(row[0]), g+v*int64(row[1]), b+v*int64(row[2])
		row = row[3:]
	}
	out[0], out[1], out[2] = clamp16(r>>weightBits), clamp16(g>>weightBits), clamp16(b>>weightBits)
}

// clamp16 bounds v to 0..65535.
func clamp16(v int64) uint16 { return uint16(min(max(v, 0), full16)) }
