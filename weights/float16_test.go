package weights_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"siamese/weights"
)

const float16Values = 1 << 16

// float16Value is the value of a finite float16 by the formula of IEEE 754.
func float16Value(bits int) float64 {
	sign, exponent, fraction := bits>>15, bits>>10&0x1f, bits&0x3ff
	value := math.Ldexp(1+float64(fraction)/1024, exponent-15)
	if exponent == 0 {
		value = math.Ldexp(float64(fraction)/1024, -14)
	}
	if sign == 1 {
		value = math.Copysign(value, -1)
	}
	return value
}

// halfFile is a safetensors file of one tensor "x" with the 16-bit values.
func halfFile(dtype string, values []uint16) []byte {
	header := fmt.Sprintf(`{"x":{"dtype":%q,"shape":[%d],"data_offsets":[0,%d]}}`, dtype, len(values), 2*len(values))
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	file = append(file, header...)
	for _, v := range values {
		file = binary.LittleEndian.AppendUint16(file, v)
	}
	return file
}

// The exponents of 16-bit numbers that are not finite.
const (
	float16Infinity  = 0x7c00
	bfloat16Infinity = 0x7f80
)

// finiteHalves are all 16-bit values in order whose exponent is not infinity's.
func finiteHalves(infinity uint16) []uint16 {
	var values []uint16
	for i := range float16Values {
		if bits := uint16(i); bits&infinity != infinity {
			values = append(values, bits)
		}
	}
	return values
}

// readX reads the values of the one tensor "x".
func readX(t *testing.T, file []byte) []float32 {
	t.Helper()
	set, _, err := weights.ReadSafetensors(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("ReadSafetensors() = %v", err)
	}
	x, ok := set.Get("x")
	if !ok {
		t.Fatalf("no tensor x in %q", set.Names())
	}
	return x.Data
}

// narrow writes the values as float16 and returns their bits.
func narrow(t *testing.T, values []float32) []uint16 {
	t.Helper()
	var file bytes.Buffer
	set := newSet(t, weights.Tensor{Name: "x", Shape: []int{len(values)}, Data: values})
	if err := weights.WriteSafetensors(&file, set, weights.Float16, nil); err != nil {
		t.Fatalf("WriteSafetensors() = %v", err)
	}
	raw := file.Bytes()[file.Len()-2*len(values):]
	halves := make([]uint16, len(values))
	for i := range halves {
		halves[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return halves
}

func TestFloat16WidensExactly(t *testing.T) {
	t.Parallel()
	halves := finiteHalves(float16Infinity)
	for i, got := range readX(t, halfFile("F16", halves)) {
		want := float16Value(int(halves[i]))
		if float64(got) != want || math.Signbit(float64(got)) != math.Signbit(want) {
			t.Errorf("float16 %#04x reads as %g, want %g", halves[i], got, want)
		}
	}
}

func TestFloat16ReturnsToItsBits(t *testing.T) {
	t.Parallel()
	halves := finiteHalves(float16Infinity)
	for i, got := range narrow(t, readX(t, halfFile("F16", halves))) {
		if got != halves[i] {
			t.Errorf("float16 %#04x comes back as %#04x", halves[i], got)
		}
	}
}

// TestFloat16RoundsToNearestEven narrows, for every two neighbours, their middle and the
// float32 on either side of it.
func TestFloat16RoundsToNearestEven(t *testing.T) {
	t.Parallel()
	const largest = 0x7bff
	for _, sign := range []int{0, 1} {
		var values []float32
		var want []uint16
		for lower := range largest {
			below, above := uint16(lower|sign<<15), uint16((lower+1)|sign<<15)
			even := below
			if lower&1 == 1 {
				even = above
			}
			// A float32 has room for the middle of any two float16.
			middle := float32((float16Value(int(below)) + float16Value(int(above))) / 2)
			values = append(values, math.Nextafter32(middle, 0), middle, math.Nextafter32(middle, middle*2))
			want = append(want, below, even, above)
		}
		for i, got := range narrow(t, values) {
			if got != want[i] {
				t.Errorf("%g becomes %#04x, want %#04x", values[i], got, want[i])
			}
		}
	}
}

func TestFloat16Extremes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		give float32
		want uint16
	}{
		{0, 0}, {float32(math.Copysign(0, -1)), 0x8000},
		{math.SmallestNonzeroFloat32, 0}, {-math.SmallestNonzeroFloat32, 0x8000},
		{65519.99, 0x7bff}, {-65519.99, 0xfbff},
	}
	for _, tt := range tests {
		if got := narrow(t, []float32{tt.give})[0]; got != tt.want {
			t.Errorf("%g (%#08x) becomes %#04x, want %#04x", tt.give, math.Float32bits(tt.give), got, tt.want)
		}
	}
}

func TestFloat16RefusesOverflow(t *testing.T) {
	t.Parallel()
	for _, value := range []float32{65520, -65520, math.MaxFloat32} {
		var file bytes.Buffer
		set := newSet(t, weights.Tensor{Name: "x", Shape: []int{2}, Data: []float32{1, value}})
		err := weights.WriteSafetensors(&file, set, weights.Float16, nil)
		if !errors.Is(err, weights.ErrInvalid) || file.Len() > 0 {
			t.Errorf("WriteSafetensors(%g) = %v after %d bytes, want %v after none", value, err, file.Len(), weights.ErrInvalid)
		}
	}
}

func TestBfloat16WidensExactly(t *testing.T) {
	t.Parallel()
	halves := finiteHalves(bfloat16Infinity)
	for i, got := range readX(t, halfFile("BF16", halves)) {
		// The upper half of the float32, by that format's own formula.
		if want := uint32(halves[i]) << 16; math.Float32bits(got) != want {
			t.Errorf("bfloat16 %#04x reads as %#08x, want %#08x", halves[i], math.Float32bits(got), want)
		}
	}
}
