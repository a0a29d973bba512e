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
	return bicubicWarp(p, matrix{a: 1, b: share, e: 1})
}

// turn turns the picture counter-clockwise about the point (width/2, height/2), as
// OpenCV's getRotationMatrix2D and warpAffine do with their defaults: pixels lie at
// whole coordinates, a place is rounded to 1/32 of a pixel, and each neighbour
// outside of the picture counts as grey.
func turn(p *imaging.Picture, degrees float64) *imaging.Picture {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	centerX, centerY := float64(p.Width)/2, float64(p.Height)/2
	m := matrix{a: cos, b: -sin, d: sin, e: cos}.about(centerX, centerY, 0, 0)
	out := sizeOf(p).empty()
	for y := range p.Height {
		rowX := fixed10(m.b*float64(y)+m.c) + roundTurn
		rowY := fixed10(m.e*float64(y)+m.f) + roundTurn
		for x := range p.Width {
			u := (rowX + fixed10(m.a*float64(x))) >> (turnBits - gridBits)
			v := (rowY + fixed10(m.d*float64(x))) >> (turnBits - gridBits)
			turnPixel((*[3]byte)(out.Pix[(y*p.Width+x)*3:]), p, u, v)
		}
	}
	return out
}

const (
	turnBits  = 10 // of fraction while OpenCV adds coordinates up
	gridBits  = 5  // of fraction in a place
	gridOne   = 1 << gridBits
	roundTurn = 1 << (turnBits - gridBits - 1)
)

// fixed10 rounds to fixed point with 10 bits of fraction.
func fixed10(v float64) int {
	return int(math.RoundToEven(v * (1 << turnBits)))
}

// turnPixel weighs the four neighbours of a place in 1/32 of a pixel.
func turnPixel(out *[3]byte, p *imaging.Picture, u, v int) {
	x, y := u>>gridBits, v>>gridBits
	right, lower := u&(gridOne-1), v&(gridOne-1)
	a, b := pixelOrGrey(p, x, y), pixelOrGrey(p, x+1, y)
	c, d := pixelOrGrey(p, x, y+1), pixelOrGrey(p, x+1, y+1)
	for i := range out {
		top := int(a[i])*(gridOne-right) + int(b[i])*right
		bottom := int(c[i])*(gridOne-right) + int(d[i])*right
		sum := top*(gridOne-lower) + bottom*lower
		out[i] = byte((sum + gridOne*gridOne/2) >> (2 * gridBits))
	}
}

func pixelOrGrey(p *imaging.Picture, x, y int) [3]byte {
	if x < 0 || x >= p.Width || y < 0 || y >= p.Height {
		return [3]byte{grey, grey, grey}
	}
	return [3]byte(p.Pix[(y*p.Width+x)*3:])
}
