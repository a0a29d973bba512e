package hdf5

import (
	"encoding/binary"
	"fmt"
)

// fields takes little-endian numbers off a block of bytes, front to back. Past the end
// it yields zeros and keeps the error in err.
type fields struct {
	rest []byte
	err  error
}

func newFields(block []byte) *fields { return &fields{rest: block} }

// take returns the next n bytes, or n zero bytes (but at most 8) past the end.
func (f *fields) take(n int) []byte {
	if f.err == nil && (n < 0 || n > len(f.rest)) {
		f.err = fmt.Errorf("%w: block ends %d bytes before a field of %d", ErrCorrupt, len(f.rest), n)
	}
	if f.err != nil {
		return make([]byte, max(0, min(n, 8)))
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) u8() uint8   { return f.take(1)[0] }
func (f *fields) u16() uint16 { return binary.LittleEndian.Uint16(f.take(2)) }
func (f *fields) u32() uint32 { return binary.LittleEndian.Uint32(f.take(4)) }
func (f *fields) u64() uint64 { return binary.LittleEndian.Uint64(f.take(8)) }

func (f *fields) skip(n int) { f.take(n) }

// signature checks the next four bytes.
func (f *fields) signature(want string) {
	if got := string(f.take(len(want))); f.err == nil && got != want {
		f.err = fmt.Errorf("%w: signature %q, want %q", ErrCorrupt, got, want)
	}
}

// version checks the next byte.
func (f *fields) version(want uint8) {
	if got := f.u8(); f.err == nil && got != want {
		f.err = fmt.Errorf("%w: version %d, want %d", ErrUnsupported, got, want)
	}
}

// padded rounds n up to a multiple of 8, the alignment of version 1 structures.
func padded(n int) int { return (n + 7) &^ 7 }
