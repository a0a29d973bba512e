package weights

import "math"

// maxFloat16 is the largest finite float16.
const maxFloat16 = 65504

// float16ToFloat32 widens a float16, exactly. The payload of a NaN is kept.
func float16ToFloat32(h uint16) float32 {
	sign, bits := uint32(h>>15)<<31, uint32(h&0x7fff)<<13
	if h&0x7c00 == 0x7c00 { // infinity and NaN
		return math.Float32frombits(sign | 0x7f800000 | bits)
	}
	// As a float32 its exponent is 127-15 too low; a power of two heals that exactly,
	// of subnormals too.
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(bits)*0x1p112))
}

// float32ToFloat16 narrows to the nearest float16, ties to the even one. What lies half a
// step or more beyond maxFloat16 becomes infinity. The value must not be a NaN.
func float32ToFloat16(value float32) uint16 {
	bits := math.Float32bits(value)
	sign, bits := uint16(bits>>16)&0x8000, bits&0x7fffffff
	switch {
	case bits >= math.Float32bits(maxFloat16+16):
		return sign | 0x7c00
	case bits < math.Float32bits(0x1p-14):
		// Subnormal. A float32 about 0.5 has its step, and the sum is rounded to it.
		return sign | uint16(math.Float32bits(math.Float32frombits(bits)+0.5)-math.Float32bits(0.5))
	}
	bits -= (127 - 15) << 23 // the exponent's other origin
	// A carry out of the fraction moves into the exponent, as it should.
	return sign | uint16((bits+0xfff+bits>>13&1)>>13)
}

// bfloat16ToFloat32 widens a bfloat16, which is the upper half of a float32.
func bfloat16ToFloat32(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
