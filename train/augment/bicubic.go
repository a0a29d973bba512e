package augment

import (
	"math"

	"siamese/imaging"
)

// bicubicWarp moves pixels by the matrix, through cubics over 4x4 neighbours, as
// Pillow's transform does with BICUBIC, in the same floating point: a pixel whose
// place lies outside of the source becomes fill, neighbours beyond the edge repeat
// the edge, fractions of a level are cut off.
func bicubicWarp(p *imaging.Picture, m matrix, fill uint8) *imaging.Picture {
	out := sizeOf(p).fill(fill)
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
