package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// curve is a tone curve: sampled, or a formula in up to seven numbers.
type curve struct {
	samples []uint16   // evenly over 0 to 1; at least two, or none for a formula
	form    int        // of the formula, as a para type numbers them
	n       [7]float64 // its numbers: g, a, b, c, d, e, f
}

// identity leaves values as they are.
var identity = curve{n: [7]float64{1}}

// curveRange bounds what a formula gives: beyond it nothing sensible lies.
const curveRange = 16

// at evaluates the curve at 0 to 1.
func (c curve) at(x float64) float64 {
	if len(c.samples) > 0 {
		return c.sample(x)
	}
	y := c.formula(x)
	if math.IsNaN(y) {
		return 0
	}
	return min(max(y, -curveRange), curveRange)
}

func (c curve) sample(x float64) float64 {
	last := len(c.samples) - 1
	place := min(max(x, 0), 1) * float64(last)
	i := min(int(place), last-1)
	low, high := float64(c.samples[i]), float64(c.samples[i+1])
	return (low + (high-low)*(place-float64(i))) / 65535
}

// formula is one of the five of ICC.1, section 10.18.
func (c curve) formula(x float64) float64 {
	g, a, b, cc, d, e, f := c.n[0], c.n[1], c.n[2], c.n[3], c.n[4], c.n[5], c.n[6]
	power := func() float64 { return math.Pow(max(a*x+b, 0), g) }
	switch c.form {
	case 0:
		if g == 1 {
			return x
		}
		return math.Pow(max(x, 0), g)
	case 1:
		return power()
	case 2:
		return power() + cc
	case 3:
		if x >= d {
			return power()
		}
		return cc * x
	default:
		if x >= d {
			return power() + e
		}
		return cc*x + f
	}
}

// readCurve reads a curve of type curv or para, and how many bytes it has.
func readCurve(data []byte) (curve, int, error) {
	const head = 12
	if len(data) < head {
		return curve{}, 0, errors.New("a curve that is not whole")
	}
	switch kind := string(data[:4]); kind {
	case "curv":
		return readSamples(data[head:], binary.BigEndian.Uint32(data[8:]))
	case "para":
		return readFormula(data[head:], int(binary.BigEndian.Uint16(data[8:])))
	default:
		return curve{}, 0, fmt.Errorf("a curve of type %q, expected curv or para", kind)
	}
}

func readSamples(data []byte, count uint32) (curve, int, error) {
	const head = 12
	if uint64(count)*2 > uint64(len(data)) {
		return curve{}, 0, fmt.Errorf("a curve of %d samples in %d bytes", count, len(data))
	}
	size := head + 2*int(count)
	switch count {
	case 0:
		return identity, size, nil
	case 1:
		return curve{n: [7]float64{float64(binary.BigEndian.Uint16(data)) / 256}}, size, nil
	}
	return curve{samples: words(data[:2*count])}, size, nil
}

// words reads samples of 16 bits.
func words(data []byte) []uint16 {
	out := make([]uint16, len(data)/2)
	for i := range out {
		out[i] = binary.BigEndian.Uint16(data[2*i:])
	}
	return out
}

// wide reads samples of 8 bits as such of 16.
func wide(data []byte) []uint16 {
	out := make([]uint16, len(data))
	for i, v := range data {
		out[i] = uint16(v) * 257
	}
	return out
}

func readFormula(data []byte, form int) (curve, int, error) {
	const head, each = 12, 4
	numbers := [...]int{1, 3, 4, 5, 7}
	if form >= len(numbers) || len(data) < each*numbers[form] {
		return curve{}, 0, fmt.Errorf("a formula %d in %d bytes, expected 0 to 4, whole", form, len(data))
	}
	c := curve{form: form}
	for i := range numbers[form] {
		c.n[i] = fixed(data[each*i:])
	}
	return c, head + each*numbers[form], nil
}

// fixed reads a number of 16 bits before and 16 behind the point.
func fixed(data []byte) float64 {
	return float64(int32(binary.BigEndian.Uint32(data))) / 65536
}

// rampSteps is fine enough for 16 bits: between two steps a line is less than one of
// 65535 off a curve that bends as those of devices do.
const rampSteps = 4096

// ramp is a curve at even steps.
type ramp []float32

func newRamp(at func(x float64) float64) ramp {
	r := make(ramp, rampSteps+1)
	for i := range r {
		r[i] = float32(at(float64(i) / rampSteps))
	}
	return r
}

func (r ramp) at(v uint16) float32 { return r.between(float32(v) * (1.0 / 65535)) }

// between evaluates the curve at 0 to 1, and at its ends beyond.
func (r ramp) between(x float32) float32 {
	place := x * rampSteps
	if !(place > 0) { // no number, too
		return r[0]
	}
	if place >= rampSteps {
		return r[rampSteps]
	}
	i := int(place)
	return r[i] + (r[i+1]-r[i])*(place-float32(i))
}
