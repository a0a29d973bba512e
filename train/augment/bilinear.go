package augment

import (
	"math"

	"siamese/imaging"
)

// bilinearWarp moves pixels by the matrix, with the four neighbours weighted, as
// Pillow's transform does with BILINEAR: a pixel whose place lies outside of the
// source becomes fill, neighbours beyond the edge repeat the edge, fractions of a
// level are cut off.
//
// Pillow computes in float64. Here a place has 32 bits of fraction and a weight 24,
// which is faster, and one level off where a value is all but a whole level.
func bilinearWarp(p *imaging.Picture, m matrix, fill uint8) *imaging.Picture {
	out := sizeOf(p).empty()
	width, height := int64(p.Width)<<placeBits, int64(p.Height)<<placeBits
	stepX, stepY := place(m.a), place(m.d)
	pix := out.Pix
	for y := range p.Height {
		x, y := m.at(0, y)
		u, v := place(x), place(y)
		for range p.Width {
			if u < 0 || u >= width || v < 0 || v >= height {
				pix[0], pix[1], pix[2] = fill, fill, fill
			} else {
				bilinearPixel((*[3]byte)(pix), p, u-halfPlace, v-halfPlace)
			}
			pix = pix[3:]
			u, v = u+stepX, v+stepY
		}
	}
	return out
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

// bilinearPixel weighs the neighbours of a place given from the centre of the first
// pixel on.
func bilinearPixel(out *[3]byte, p *imaging.Picture, u, v int64) {
	x, y := int(u>>placeBits), int(v>>placeBits)
	right := uint64(u) >> (placeBits - weightBits) & (weightOne - 1)
	lower := uint64(v) >> (placeBits - weightBits) & (weightOne - 1)
	left, upper := weightOne-right, weightOne-lower
	x0, x1 := max(x, 0)*3, min(x+1, p.Width-1)*3
	above := p.Pix[max(y, 0)*p.Width*3:]
	below := p.Pix[min(y+1, p.Height-1)*p.Width*3:]
	a, b := (*[3]byte)(above[x0:]), (*[3]byte)(above[x1:])
	c, d := (*[3]byte)(below[x0:]), (*[3]byte)(below[x1:])
	for i := range out {
		top := uint64(a[i])*left + uint64(b[i])*right
		bottom := uint64(c[i])*left + uint64(d[i])*right
		out[i] = byte((top*upper + bottom*lower) >> (2 * weightBits))
	}
}
