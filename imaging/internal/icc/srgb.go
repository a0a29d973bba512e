package icc

import (
	"math"
	"sync"
)

// matrix takes one triple to another: a row makes one of the three.
type matrix [3][3]float32

// d50 is the white of the profile connection space.
var d50 = [3]float64{0.9642, 1, 0.8249}

// xyzToSRGB takes XYZ under D50 to linear sRGB.
var xyzToSRGB = inverse(primaries{0.64, 0.33, 0.30, 0.60, 0.15, 0.06, d65x, d65y}.toXYZ())

// primaries are the chromaticities of red, green, blue and white: x and y of each.
type primaries [8]float64

// The white of daylight, D65, as sRGB has it.
const d65x, d65y = 0.3127, 0.3290

// toXYZ returns the matrix from linear light to XYZ, its white adapted to D50 by
// Bradford's transform, as profiles have it.
func (p primaries) toXYZ() [3][3]float64 {
	var m [3][3]float64
	for c := range 3 {
		x, y := p[2*c], p[2*c+1]
		m[0][c], m[1][c], m[2][c] = x/y, 1, (1-x-y)/y
	}
	white := [3]float64{p[6] / p[7], 1, (1 - p[6] - p[7]) / p[7]}
	scale := apply(inverse(m), white)
	for row := range m {
		for c := range 3 {
			m[row][c] *= scale[c]
		}
	}
	return multiply(adaptation(white), m)
}

// adaptation is Bradford's, from a white to D50.
func adaptation(white [3]float64) [3][3]float64 {
	cones := [3][3]float64{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := apply(cones, white), apply(cones, d50)
	var scale [3][3]float64
	for i := range scale {
		scale[i][i] = to[i] / from[i]
	}
	return multiply(inverse(cones), multiply(scale, cones))
}

func apply(m [3][3]float64, v [3]float64) (out [3]float64) {
	for i, row := range m {
		out[i] = row[0]*v[0] + row[1]*v[1] + row[2]*v[2]
	}
	return out
}

func multiply(a, b [3][3]float64) (out [3][3]float64) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				out[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return out
}

// inverse is of matrices that are known to have one.
func inverse(m [3][3]float64) (out [3][3]float64) {
	minor := func(r0, r1, c0, c1 int) float64 { return m[r0][c0]*m[r1][c1] - m[r0][c1]*m[r1][c0] }
	det := m[0][0]*minor(1, 2, 1, 2) - m[0][1]*minor(1, 2, 0, 2) + m[0][2]*minor(1, 2, 0, 1)
	for i := range 3 {
		for j := range 3 {
			r0, r1, c0, c1 := (j+1)%3, (j+2)%3, (i+1)%3, (i+2)%3 // cyclic: the signs are right
			out[i][j] = minor(r0, r1, c0, c1) / det
		}
	}
	return out
}

func narrow(m [3][3]float64) (out matrix) {
	for i, row := range m {
		for j, v := range row {
			out[i][j] = float32(v)
		}
	}
	return out
}

// encode is sRGB's curve from linear light, both of 0 to 1.
func encode(linear float64) float64 {
	if linear <= 0.0031308 {
		return 12.92 * linear
	}
	return 1.055*math.Pow(linear, 1/2.4) - 0.055
}

// Steps of the tables of encode. Where its slope is largest, next to black, a step is a
// fifth of a level of 8 bits.
const (
	steps8  = 1 << 14
	steps16 = 1<<16 - 1
)

var srgb8 = sync.OnceValue(func() *[steps8 + 1]byte {
	table := new([steps8 + 1]byte)
	for i := range table {
		table[i] = byte(255*encode(float64(i)/steps8) + 0.5)
	}
	return table
})

var srgb16 = sync.OnceValue(func() *[steps16 + 1]uint16 {
	table := new([steps16 + 1]uint16)
	for i := range table {
		table[i] = uint16(65535*encode(float64(i)/steps16) + 0.5)
	}
	return table
})

// step is the place of a linear value in a table of steps. Comparing whole numbers is
// several times as fast as comparing floats, and takes what is no number for black.
func step(linear float32, steps int64) int64 {
	i := int64(linear*float32(steps) + 0.5)
	if uint64(i) > uint64(steps) {
		return steps &^ (i >> 63) // zero where i is negative
	}
	return i
}

func encode8(linear float32) byte { return srgb8()[step(linear, steps8)] }

func encode16(linear float32) uint16 { return srgb16()[step(linear, steps16)] }
