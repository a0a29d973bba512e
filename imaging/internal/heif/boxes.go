package heif

import (
	"encoding/binary"
	"iter"
)

// box is a part of the file: a type of four letters and its payload.
type box struct {
	kind    string
	payload []byte
}

// boxes yields the boxes that lie in data one behind the other. The last one may be
// cut off; where the structure breaks they end.
func boxes(data []byte) iter.Seq[box] {
	const short, long = 8, 16
	return func(yield func(box) bool) {
		for len(data) >= short {
			size, header := uint64(binary.BigEndian.Uint32(data)), uint64(short)
			if size == 1 && len(data) >= long {
				size, header = binary.BigEndian.Uint64(data[8:]), long
			}
			if size == 0 { // to the end
				size = uint64(len(data))
			}
			if size < header {
				return
			}
			size = min(size, uint64(len(data)))
			if !yield(box{string(data[4:8]), data[header:size]}) {
				return
			}
			data = data[size:]
		}
	}
}

// child returns the payload of the first box of a type; nil where there is none.
func child(data []byte, kind string) []byte {
	for b := range boxes(data) {
		if b.kind == kind {
			return b.payload
		}
	}
	return nil
}

// descend follows a path of boxes, each the first of its type.
func descend(data []byte, path ...string) []byte {
	for _, kind := range path {
		data = child(data, kind)
	}
	return data
}

// fields reads numbers one behind the other, the high byte first. Behind the end all
// are zero, and short says so.
type fields struct {
	rest  []byte
	short bool
}

// bytes takes the next n bytes; nil if fewer are left.
func (f *fields) bytes(n uint64) []byte {
	if n > uint64(len(f.rest)) {
		f.rest, f.short = nil, true
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

// uint reads a number of the given length in bytes, at most 8.
func (f *fields) uint(size uint64) uint64 {
	value := uint64(0)
	for _, b := range f.bytes(size) {
		value = value<<8 | uint64(b)
	}
	return value
}

func (f *fields) u8() byte    { return byte(f.uint(1)) }
func (f *fields) u16() uint16 { return uint16(f.uint(2)) }
func (f *fields) u32() uint32 { return uint32(f.uint(4)) }
func (f *fields) kind() string {
	return string(f.bytes(4))
}

// version reads the head of a box that has one.
func (f *fields) version() (version byte, flags uint32) {
	head := f.u32()
	return byte(head >> 24), head & 0xffffff
}
