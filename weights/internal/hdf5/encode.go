package hdf5

import "encoding/binary"

// maxMessageBytes is the most that a header message's 16-bit size can say, rounded down
// to the alignment.
const maxMessageBytes = 1<<16 - 8

// le appends little-endian numbers.
var le = binary.LittleEndian

// align appends zeros up to the alignment of version 1 structures.
func align(b []byte) []byte { return append(b, make([]byte, padded(len(b))-len(b))...) }

// encodeHeader returns a version 1 object header with the messages.
func encodeHeader(messages ...message) []byte {
	var body []byte
	for _, m := range messages {
		data := align(m.body)
		body = le.AppendUint16(body, m.kind)
		body = le.AppendUint16(body, uint16(len(data)))
		body = append(body, make([]byte, 4)...) // flags, reserved
		body = append(body, data...)
	}
	header := []byte{1, 0}
	header = le.AppendUint16(header, uint16(len(messages)))
	header = le.AppendUint32(header, 1) // links to this object
	header = le.AppendUint32(header, uint32(len(body)))
	return append(align(header), body...)
}

// encodeDataspace returns a version 1 dataspace; no dimensions make a scalar.
func encodeDataspace(shape ...int) []byte {
	space := []byte{1, byte(len(shape)), 0, 0, 0, 0, 0, 0}
	for _, dim := range shape {
		space = le.AppendUint64(space, uint64(dim))
	}
	return space
}

// encode returns the attribute as a version 1 message: byte strings padded with zeros.
func (a Attribute) encode() []byte {
	size := 1 // a string type cannot be empty
	for _, v := range a.Values {
		size = max(size, len(v))
	}
	typ := le.AppendUint32([]byte{classString | 1<<4, stringPaddedByZero, 0, 0}, uint32(size))
	space := encodeDataspace()
	if !a.Scalar {
		space = encodeDataspace(len(a.Values))
	}
	b := []byte{1, 0}
	b = le.AppendUint16(b, uint16(len(a.Name)+1))
	b = le.AppendUint16(b, uint16(len(typ)))
	b = le.AppendUint16(b, uint16(len(space)))
	b = align(append(append(b, a.Name...), 0))
	b = append(append(b, typ...), space...)
	for _, v := range a.Values {
		b = append(append(b, v...), make([]byte, size-len(v))...)
	}
	return b
}

// encodeLayout returns a contiguous data layout without its address, which is the eight
// bytes at layoutAddressAt.
func encodeLayout(values int) []byte {
	b := append([]byte{3, layoutContiguous}, make([]byte, 8)...)
	return le.AppendUint64(b, 4*uint64(values))
}

const layoutAddressAt = 2

// fillMessage says: no fill value of our own, space taken late, as HDF5 writes it.
var fillMessage = []byte{2, 2, 2, 1, 0, 0, 0, 0}
