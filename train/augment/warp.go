package augment

import (
	"math"

	"siamese/imaging"
)

// matrix maps a pixel of the output to where it comes from, as Pillow's affine
// transforms do: the centre of pixel (x, y), which lies at (x+½, y+½), from
// (a·x + b·y + c, d·x + e·y + f) of the source.
type matrix struct{ a, b, c, d, e, f float64 }

// about completes the linear part of m so that the centre of the source comes to
// lie at the centre plus the shift.
func (m matrix) about(centerX, centerY, shiftX, shiftY float64) matrix {
	x, y := centerX+shiftX, centerY+shiftY
	m.c = centerX - float64(m.a*x) - float64(m.b*y)
	m.f = centerY - float64(m.d*x) - float64(m.e*y)
	return m
}

// at returns the place in the source of the centre of an output pixel. The
// conversions forbid fused multiply-adds, which would round otherwise than Pillow
// on some processors.
func (m matrix) at(x, y int) (sourceX, sourceY float64) {
	u, v := float64(x)+0.5, float64(y)+0.5
	return float64(m.a*u) + float64(m.b*v) + m.c, float64(m.d*u) + float64(m.e*v) + m.f
}

// nearestWarp moves whole pixels by the matrix, as Pillow's transform does with
// NEAREST, in the same fixed point of 16 bits.
func nearestWarp(p *imaging.Picture, m matrix) *imaging.Picture {
	out := sizeOf(p).fill(grey)
	x, y := m.at(0, 0)
	startU, startV := fixed16(x), fixed16(y)
	a, b, d, e := fixed16(m.a), fixed16(m.b), fixed16(m.d), fixed16(m.e)
	for row := range p.Height {
		u, v := startU+row*b, startV+row*e
		for column := range p.Width {
			x, y := u>>16, v>>16
			if x >= 0 && x < p.Width && y >= 0 && y < p.Height {
				copy(out.Pix[(row*p.Width+column)*3:][:3], p.Pix[(y*p.Width+x)*3:])
			}
			u, v = u+a, v+d
		}
	}
	return out
}

// fixed16 rounds to fixed point with 16 bits of fraction.
func fixed16(v float64) int {
	return int(math.Floor(float64(v*(1<<16)) + 0.5))
}

// bilinearWarp moves pixels by the matrix, with the four neighbours weighted, as
// Pillow's transform does with BILINEAR: a pixel whose place lies outside of the
// source becomes fill, neighbours beyond the edge repeat the edge, fractions of a
// level are cut off. It writes three channels into out, of the same size as p.
//
// Pillow computes in float64. Here a place has 32 bits of fraction and a weight 24,
// which is faster, and one level off where a value is all but a whole level. Of a
// row the pixels from outside of the source are taken in one piece.
func bilinearWarp(out []byte, p *raster, m matrix, fill uint8) {
	width, height := int64(p.width)<<placeBits, int64(p.height)<<placeBits
	stepX, stepY := place(m.a), place(m.d)
	for y := range p.height {
		row := out[:3*p.width]
		out = out[3*p.width:]
		x, y := m.at(0, y)
		u, v := place(x), place(y)
		low, high := within(u, stepX, width, p.width)
		lowY, highY := within(v, stepY, height, p.width)
		low = max(low, lowY)
		high = max(low, min(high, highY))
		fillRow(row[:3*low], fill)
		u, v = u+int64(low)*stepX-halfPlace, v+int64(low)*stepY-halfPlace
		for to := row[3*low : 3*high]; len(to) >= 3; to = to[3:] {
			if p.channels == 1 {
				setGray(to, p.bilinearGray(u, v))
			} else {
				p.bilinearRGB((*[3]byte)(to), u, v)
			}
			u, v = u+stepX, v+stepY
		}
		fillRow(row[3*high:], fill)
	}
}

const (
	placeBits  = 32 // of fraction in a place
	halfPlace  = 1 << (placeBits - 1)
	weightBits = 24 // of a neighbour's weight
	weightOne  = 1 << weightBits
)

// place rounds a coordinate to fixed point.
func place(v float64) int64 {
	return int64(math.Floor(v*(1<<placeBits) + 0.5))
}

// bilinearGray weighs the neighbours of a place given from the centre of the first
// pixel on. It leaves that out where they are alike, as on paper: weights that sum
// to one give the same level.
func (p *raster) bilinearGray(u, v int64) byte {
	x, y := int(u>>placeBits), int(v>>placeBits)
	x0, x1 := max(x, 0), min(x+1, p.width-1)
	above, below := p.pix[max(y, 0)*p.width:][:p.width], p.pix[min(y+1, p.height-1)*p.width:][:p.width]
	a, b, c, d := above[x0], above[x1], below[x0], below[x1]
	if a == b && b == c && c == d {
		return a
	}
	right, lower := weights(u, v)
	return weighted(a, b, c, d, right, lower)
}

// bilinearRGB weighs the same neighbours in three channels.
func (p *raster) bilinearRGB(out *[3]byte, u, v int64) {
	x, y := int(u>>placeBits), int(v>>placeBits)
	x0, x1 := max(x, 0)*3, min(x+1, p.width-1)*3
	above, below := p.pix[max(y, 0)*p.width*3:], p.pix[min(y+1, p.height-1)*p.width*3:]
	a, b := (*[3]byte)(above[x0:]), (*[3]byte)(above[x1:])
	c, d := (*[3]byte)(below[x0:]), (*[3]byte)(below[x1:])
	right, lower := weights(u, v)
	for i := range out {
		out[i] = weighted(a[i], b[i], c[i], d[i], right, lower)
	}
}

// weights are those of the neighbours to the right and below, of weightOne.
func weights(u, v int64) (right, lower uint64) {
	const shift, mask = placeBits - weightBits, weightOne - 1
	return uint64(u) >> shift & mask, uint64(v) >> shift & mask
}

// weighted weighs the levels at the upper left and right, a and b, and at the lower
// left and right, c and d.
func weighted(a, b, c, d byte, right, lower uint64) byte {
	top := uint64(a)*(weightOne-right) + uint64(b)*right
	bottom := uint64(c)*(weightOne-right) + uint64(d)*right
	return byte((top*(weightOne-lower) + bottom*lower) >> (2 * weightBits))
}

// within is which of count places from start on, step apart, lie from 0 to below
// limit: those from low to below high, none where low is high.
func within(start, step, limit int64, count int) (low, high int) {
	last := int64(count)
	switch {
	case step > 0:
		return int(clamp(-floorDiv(start, step), last)), int(clamp(-floorDiv(start-limit, step), last))
	case step < 0:
		return int(clamp(floorDiv(start-limit, -step)+1, last)), int(clamp(floorDiv(start, -step)+1, last))
	case start >= 0 && start < limit:
		return 0, count
	}
	return 0, 0
}

func clamp(v, high int64) int64 { return min(max(v, 0), high) }

// floorDiv divides by a positive number, rounding down.
func floorDiv(a, b int64) int64 {
	quotient := a / b
	if a%b < 0 {
		quotient--
	}
	return quotient
}

func fillRow(row []byte, level byte) {
	for i := range row {
		row[i] = level
	}
}

// bicubicWarp moves pixels by the matrix, through cubics over 4x4 neighbours, as
// Pillow's transform does with BICUBIC, in the same floating point: a pixel whose
// place lies outside of the source becomes grey, neighbours beyond the edge repeat
// the edge, fractions of a level are cut off.
func bicubicWarp(p *imaging.Picture, m matrix) *imaging.Picture {
	out := sizeOf(p).fill(grey)
	width, height := float64(p.Width), float64(p.Height)
	for y := range p.Height {
		for x := range p.Width {
			u, v := m.at(x, y)
			if u < 0 || u >= width || v < 0 || v >= height {
				continue
			}
			bicubicPixel((*[3]byte)(out.Pix[(y*p.Width+x)*3:]), p, u-0.5, v-0.5)
		}
	}
	return out
}

// bicubicPixel weighs the neighbours of a place given from the centre of the first
// pixel on.
func bicubicPixel(out *[3]byte, p *imaging.Picture, u, v float64) {
	x, y := math.Floor(u), math.Floor(v)
	right, lower := u-x, v-y
	var columns, rows [4]int
	for i := range 4 {
		columns[i] = min(max(int(x)-1+i, 0), p.Width-1) * 3
		rows[i] = min(max(int(y)-1+i, 0), p.Height-1) * p.Width * 3
	}
	for channel := range out {
		var levels [4]float64
		for i, row := range rows {
			line := p.Pix[row+channel:]
			levels[i] = curve(float64(line[columns[0]]), float64(line[columns[1]]),
				float64(line[columns[2]]), float64(line[columns[3]]), right)
		}
		out[channel] = cut(curve(levels[0], levels[1], levels[2], levels[3], lower))
	}
}

// curve is Pillow's cubic (a = -1) through b and c, in its order of operations.
// The conversions forbid fused multiply-adds, see matrix.at.
func curve(a, b, c, d, at float64) float64 {
	second := -a + c
	third := float64(2*(a-b)) + c - d
	fourth := -a + b - c + d
	return b + float64(at*(second+float64(at*(third+float64(at*fourth)))))
}

// cut bounds a level to 0..255 and drops its fraction.
func cut(level float64) byte {
	return byte(min(max(level, 0), 255))
}
