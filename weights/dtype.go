package weights

import (
	"encoding/binary"
	"math"
)

// DType is how values are kept in a safetensors file, by that format's own name. In
// memory they are float32.
type DType string

// Number types that WriteSafetensors takes. ReadSafetensors also reads bfloat16 ("BF16").
const (
	Float32 DType = "F32"
	Float16 DType = "F16" // rounded to nearest, ties to even; half the size

	bfloat16 DType = "BF16"
)

// size returns the bytes of one value, 0 for a type that is not read.
func (d DType) size() int {
	switch d {
	case Float32:
		return 4
	case Float16, bfloat16:
		return 2
	}
	return 0
}

// decode appends the values in raw, little-endian, to values.
func (d DType) decode(values []float32, raw []byte) []float32 {
	switch d {
	case Float32:
		for ; len(raw) >= 4; raw = raw[4:] {
			values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
	case Float16:
		for ; len(raw) >= 2; raw = raw[2:] {
			values = append(values, float16ToFloat32(binary.LittleEndian.Uint16(raw)))
		}
	case bfloat16:
		for ; len(raw) >= 2; raw = raw[2:] {
			values = append(values, bfloat16ToFloat32(binary.LittleEndian.Uint16(raw)))
		}
	}
	return values
}

// encode appends the values, little-endian, to raw. Only the exported types are written.
func (d DType) encode(raw []byte, values []float32) []byte {
	for _, v := range values {
		if d == Float16 {
			raw = binary.LittleEndian.AppendUint16(raw, float32ToFloat16(v))
		} else {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	}
	return raw
}
