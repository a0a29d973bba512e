package weights

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// safetensorsAlignment is the multiple to which the header is filled with spaces, so that
// a reader can map the data in place.
const safetensorsAlignment = 8

// WriteSafetensors writes s as a safetensors file with values of type dtype, its tensors
// in the Set's order, and the metadata (nil for none). The same arguments give the same
// bytes.
//
// It returns ErrInvalid, before anything is written, for another dtype than Float32 and
// Float16, for a value that is not finite or that Float16 cannot hold (the message says which), for a
// tensor named "__metadata__", and for a header above MaxSafetensorsHeaderBytes.
func WriteSafetensors(w io.Writer, s *Set, dtype DType, metadata map[string]string) error {
	if dtype != Float32 && dtype != Float16 {
		return fmt.Errorf("%w: dtype %q, want %s or %s", ErrInvalid, dtype, Float32, Float16)
	}
	if err := s.CheckFinite(); err != nil {
		return err
	}
	if dtype == Float16 {
		if err := s.checkFloat16(); err != nil {
			return err
		}
	}
	header, err := encodeSafetensorsHeader(s, dtype, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("write safetensors header: %w", err)
	}
	raw := make([]byte, 0, valueChunkBytes)
	for t := range s.All() {
		for chunk := range slices.Chunk(t.Data, valueChunkBytes/dtype.size()) {
			if _, err := w.Write(dtype.encode(raw[:0], chunk)); err != nil {
				return fmt.Errorf("write tensor %q: %w", t.Name, err)
			}
		}
	}
	return nil
}

// checkFloat16 refuses values that would become infinite.
func (s *Set) checkFloat16() error {
	const infinity = 0x7c00
	for t := range s.All() {
		for i, v := range t.Data {
			if float32ToFloat16(v)&0x7fff == infinity {
				return fmt.Errorf("%w: value %d of tensor %q is %g, want at most %d for %s", ErrInvalid, i, t.Name, v, maxFloat16, Float16)
			}
		}
	}
	return nil
}

// encodeSafetensorsHeader returns the header with its length in front.
func encodeSafetensorsHeader(s *Set, dtype DType, metadata map[string]string) ([]byte, error) {
	var members []jsonMember
	if len(metadata) > 0 {
		members = append(members, jsonMember{metadataKey, metadata})
	}
	var offset int64
	for t := range s.All() {
		if t.Name == metadataKey || !utf8.ValidString(t.Name) {
			return nil, fmt.Errorf("%w: tensor named %q, want UTF-8 other than %q", ErrInvalid, t.Name, metadataKey)
		}
		end := offset + int64(len(t.Data)*dtype.size())
		shape := append([]int{}, t.Shape...) // a nil shape would become null
		members = append(members, jsonMember{t.Name, safetensorsEntry{DType: dtype, Shape: shape, Offsets: []int64{offset, end}}})
		offset = end
	}
	object, err := encodeObject(members)
	if err != nil {
		return nil, err
	}
	return finishSafetensorsHeader(object)
}

// jsonMember is one member of an object whose order is kept.
type jsonMember struct {
	key   string
	value any
}

// encodeObject returns the members as a JSON object in their order. Maps among the values
// come sorted.
func encodeObject(members []jsonMember) ([]byte, error) {
	object := []byte{'{'}
	for i, m := range members {
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			object = append(object, ',')
		}
		object = append(append(append(object, key...), ':'), value...)
	}
	return append(object, '}'), nil
}

// finishSafetensorsHeader fills the object with spaces up to the alignment and puts its
// length in front.
func finishSafetensorsHeader(object []byte) ([]byte, error) {
	for len(object)%safetensorsAlignment != 0 {
		object = append(object, ' ')
	}
	if len(object) > MaxSafetensorsHeaderBytes {
		return nil, fmt.Errorf("%w: safetensors header of %d bytes, want at most %d", ErrInvalid, len(object), MaxSafetensorsHeaderBytes)
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(object))), object...), nil
}
