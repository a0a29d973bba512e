package weights

import "math"

// maxFloat16 is the largest finite float16.
const maxFloat16 = 65504

// Layout of IEEE 754 numbers: bits of the fraction, and the exponent of 1.
const (
	fractionBits16 = 10
	fractionBits32 = 23
	bias16         = 15
	bias32         = 127
)

// float16ToFloat32 widens a float16, exactly. The payload of a NaN is kept.
func float16ToFloat32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>fractionBits16) & 0x1f
	fraction := uint32(h) & 0x3ff
	const shift = fractionBits32 - fractionBits16
	switch exponent {
	case 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<fractionBits32 | fraction<<shift)
	case 0: // zero and subnormal: fraction times 2^-24, which float32 holds as a normal number
		value := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(value))
	}
	return math.Float32frombits(sign | (exponent+bias32-bias16)<<fractionBits32 | fraction<<shift)
}

// float32ToFloat16 narrows to the nearest float16, ties to the even one. What lies half a
// step or more beyond maxFloat16 becomes infinity. The value must not be a NaN.
func float32ToFloat16(value float32) uint16 {
	bits := math.Float32bits(value)
	sign := uint16(bits>>31) << 15
	exponent := int(bits>>fractionBits32)&0xff - bias32 + bias16
	fraction := bits & (1<<fractionBits32 - 1)
	const shift = fractionBits32 - fractionBits16
	switch {
	case exponent >= 0x1f:
		return sign | 0x7c00
	case exponent < -fractionBits16: // below half the smallest subnormal
		return sign
	case exponent <= 0: // subnormal: the leading one is no longer implied
		return sign | roundEven(fraction|1<<fractionBits32, shift+1-exponent)
	}
	// A carry out of the fraction moves into the exponent, as it should.
	return sign + roundEven(uint32(exponent)<<fractionBits32|fraction, shift)
}

// roundEven divides by 2^shift, rounding to nearest and ties to even. The quotient has
// to fit 16 bits.
func roundEven(value uint32, shift int) uint16 {
	half := uint32(1) << (shift - 1)
	quotient := value >> shift
	rest := value & (1<<shift - 1)
	if rest > half || rest == half && quotient&1 == 1 {
		quotient++
	}
	return uint16(quotient)
}

// bfloat16ToFloat32 widens a bfloat16, which is the upper half of a float32.
func bfloat16ToFloat32(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
