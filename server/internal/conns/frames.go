package conns

import "encoding/binary"

// What the connection has to know of HTTP/2's frames (RFC 9113, 4 and 6).
const (
	frameHeaderBytes = 9
	prefaceBytes     = 24 // what a client's side begins with

	frameData      = 0x0
	frameHeaders   = 0x1
	frameRSTStream = 0x3

	flagEndStream = 0x1
	flagPadded    = 0x8
)

// frame is a frame's header.
type frame struct {
	kind   byte
	flags  byte
	stream uint32
	length int // of its payload
}

// ends reports whether the frame is the last one of its sender on its stream.
func (f frame) ends() bool {
	return f.kind == frameRSTStream || (f.kind == frameData || f.kind == frameHeaders) && f.flags&flagEndStream != 0
}

// frames follows the frames of one direction of a connection. It belongs to one
// goroutine.
type frames struct {
	preface int // bytes of the preface that are still to come
	header  [frameHeaderBytes]byte
	have    int // bytes of header
	current frame
	payload int // bytes of the current frame that are still to come
	padding int // of those of a DATA frame, bytes that are no data
}

// next is how many bytes are left of the present part: preface, header or payload.
func (f *frames) next() int {
	switch {
	case f.preface > 0:
		return f.preface
	case f.payload > 0:
		return f.payload
	}
	return frameHeaderBytes - f.have
}

// data is how many bytes of messages the current DATA frame brings, once its payload
// has come.
func (f *frames) data() int { return max(f.current.length-f.padding, 0) }

// follow takes bytes of at most one part, and reports whether a frame begins with
// them: its header is complete.
func (f *frames) follow(p []byte) (begins bool) {
	switch {
	case f.preface > 0:
		f.preface -= len(p)
	case f.payload > 0:
		if f.payload == f.current.length && f.current.flags&flagPadded != 0 {
			f.padding = 1 + int(p[0])
		}
		f.payload -= len(p)
	default:
		f.have += copy(f.header[f.have:], p)
		if f.have == frameHeaderBytes {
			f.begin()
			return true
		}
	}
	return false
}

func (f *frames) begin() {
	length := int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
	f.current = frame{
		kind: f.header[3], flags: f.header[4],
		stream: binary.BigEndian.Uint32(f.header[5:]) &^ (1 << 31),
		length: length,
	}
	f.have, f.payload, f.padding = 0, length, 0
}
