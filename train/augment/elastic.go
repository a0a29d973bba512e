package augment

import (
	"iter"
	"math/rand/v2"
)

// field is a smooth random displacement: values at knots that lie spacing pixels
// apart, between which it is interpolated by cubic B-splines, so that lines stay
// smooth across knots.
type field struct {
	spacing int
	columns int
	dx, dy  []float64 // of each knot, row by row, in pixels
}

// drawField draws the displacement of each knot along each axis uniformly within
// amplitude pixels either way. The spline averages neighbours: a pixel moves by
// less than amplitude, typically by a quarter of it.
func drawField(random *rand.Rand, s size, amplitude float64, spacing int) field {
	columns := knots(s.width, spacing)
	f := field{spacing: spacing, columns: columns}
	count := columns * knots(s.height, spacing)
	both := make([]float64, 2*count)
	for i := range both {
		both[i] = uniform(random, -amplitude, amplitude)
	}
	f.dx, f.dy = both[:count], both[count:]
	return f
}

// knots returns how many knots a side needs: each of its pixels lies between the
// second and the third of four.
func knots(pixels, spacing int) int {
	return (pixels-1)/spacing + 4
}

// spline gives the weights of four knots at offset pixels behind the second.
func spline(offset, spacing int) [4]float64 {
	t := (float64(offset) + 0.5) / float64(spacing)
	back := 1 - t
	return [4]float64{
		back * back * back / 6,
		(3*t*t*t - 6*t*t + 4) / 6,
		(3*back*back*back - 6*back*back + 4) / 6,
		t * t * t / 6,
	}
}

// elasticWarp is bilinearWarp with a field's displacement added to the place of
// each output pixel before the matrix: one resampling does both.
func elasticWarp(out []byte, p *raster, m matrix, f field, fill uint8) {
	for u, v := range f.places(m, p.size) {
		switch {
		case u < 0:
			setGray(out, fill)
		case p.channels == 1:
			setGray(out, p.bilinearGray(u-halfPlace, v-halfPlace))
		default:
			p.bilinearRGB((*[3]byte)(out), u-halfPlace, v-halfPlace)
		}
		out = out[3:]
	}
}

// places yields where each output pixel comes from, row by row; -1, -1 for one
// from outside of the picture.
func (f field) places(m matrix, s size) iter.Seq2[int64, int64] {
	width, height := int64(s.width)<<placeBits, int64(s.height)<<placeBits
	weights := make([][4]float64, f.spacing)
	for i := range weights {
		weights[i] = spline(i, f.spacing)
	}
	// The knots of a row of pixels: the field is a product of splines along y and x.
	rowX, rowY := make([]float64, f.columns), make([]float64, f.columns)
	return func(yield func(u, v int64) bool) {
		for y := range s.height {
			f.row(y, weights, rowX, rowY)
			for x := range s.width {
				w, at := &weights[x%f.spacing], x/f.spacing
				kx, ky := rowX[at:at+4], rowY[at:at+4]
				moveX := w[0]*kx[0] + w[1]*kx[1] + w[2]*kx[2] + w[3]*kx[3]
				moveY := w[0]*ky[0] + w[1]*ky[1] + w[2]*ky[2] + w[3]*ky[3]
				outX, outY := float64(x)+0.5+moveX, float64(y)+0.5+moveY
				u, v := place(m.a*outX+m.b*outY+m.c), place(m.d*outX+m.e*outY+m.f)
				if u < 0 || u >= width || v < 0 || v >= height {
					u, v = -1, -1
				}
				if !yield(u, v) {
					return
				}
			}
		}
	}
}

// row interpolates the columns of knots at a row of pixels.
func (f field) row(y int, weights [][4]float64, rowX, rowY []float64) {
	w, first := weights[y%f.spacing], y/f.spacing*f.columns
	for column := range f.columns {
		sumX, sumY := 0., 0.
		for i, weight := range w {
			at := first + i*f.columns + column
			sumX += weight * f.dx[at]
			sumY += weight * f.dy[at]
		}
		rowX[column], rowY[column] = sumX, sumY
	}
}
