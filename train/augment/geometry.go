package augment

import (
	"math"

	"siamese/imaging"
)

// grey is the level outside of a picture in the original trainer's augmentations.
const grey = 128

// flip mirrors the picture left to right.
func flip(p *imaging.Picture) *imaging.Picture {
	out := sizeOf(p).empty()
	stride := p.Width * 3
	for row := 0; row < len(p.Pix); row += stride {
		for x := 0; x < stride; x += 3 {
			copy(out.Pix[row+stride-3-x:][:3], p.Pix[row+x:])
		}
	}
	return out
}

// rotate turns the picture counter-clockwise about its centre, each pixel taken
// from the nearest, on grey.
func rotate(p *imaging.Picture, degrees float64) *imaging.Picture {
	sin, cos := math.Sincos(-degrees * math.Pi / 180)
	m := matrix{a: cos, b: sin, d: -sin, e: cos}
	return nearestWarp(p, m.about(float64(p.Width)/2, float64(p.Height)/2, 0, 0))
}

// shearX moves row y to the left by share·y, on grey.
func shearX(p *imaging.Picture, share float64) *imaging.Picture {
	return bicubicWarp(p, matrix{a: 1, b: share, e: 1}, grey)
}

// shearY moves column x up by share·x, on grey.
func shearY(p *imaging.Picture, share float64) *imaging.Picture {
	return bicubicWarp(p, matrix{a: 1, d: share, e: 1}, grey)
}

// translateX moves the picture to the left by share of its width, on grey.
func translateX(p *imaging.Picture, share float64) *imaging.Picture {
	return nearestWarp(p, matrix{a: 1, c: share * float64(p.Width), e: 1})
}

// translateY moves the picture up by share of its height, on grey.
func translateY(p *imaging.Picture, share float64) *imaging.Picture {
	return nearestWarp(p, matrix{a: 1, e: 1, f: share * float64(p.Height)})
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
