// Package jpegfile reads the structure of a JPEG file: its segments, its frame, and what
// tells which decoder reads it right. No sample is decoded. What is broken is passed over
// without a word: complaining is the decoders' part. Functions are safe for concurrent use.
package jpegfile

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Markers, the byte behind 0xff.
const (
	sof0  = 0xc0 // baseline
	sof1  = 0xc1 // sequential
	sof2  = 0xc2 // progressive
	sof3  = 0xc3 // lossless
	dht   = 0xc4
	jpg   = 0xc8
	sof9  = 0xc9 // sequential, arithmetic coding
	sof10 = 0xca // progressive, arithmetic coding
	sof11 = 0xcb // lossless, arithmetic coding
	dac   = 0xcc
	sof15 = 0xcf
	rst0  = 0xd0 // to 0xd7
	rst7  = 0xd7
	soi   = 0xd8
	EOI   = 0xd9
	SOS   = 0xda
	dqt   = 0xdb
	dri   = 0xdd
	app0  = 0xe0
	APP1  = 0xe1
	APP2  = 0xe2
	app14 = 0xee
	tem   = 0x01
)

// Segments yields every segment's marker and payload up to the end of the
// image, whose own marker comes last, without payload. Entropy-coded data lies between
// segments and is passed over.
func Segments(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for {
			marker, rest, ok := nextMarker(data)
			if !ok || marker == EOI {
				if ok {
					yield(marker, nil)
				}
				return
			}
			if standsAlone(marker) {
				data = rest
				continue
			}
			if len(rest) < 2 {
				return
			}
			size := int(binary.BigEndian.Uint16(rest)) // counts itself
			if size < 2 || size > len(rest) || !yield(marker, rest[2:size]) {
				return
			}
			data = rest[size:]
		}
	}
}

// nextMarker finds 0xff followed by a marker byte: not by 0x00, which stands for
// a data byte 0xff, nor by the fill byte 0xff.
func nextMarker(data []byte) (marker byte, rest []byte, ok bool) {
	for {
		i := bytes.IndexByte(data, 0xff)
		if i < 0 || i+1 >= len(data) {
			return 0, nil, false
		}
		if marker = data[i+1]; marker != 0x00 && marker != 0xff {
			return marker, data[i+2:], true
		}
		data = data[i+1:]
	}
}

func standsAlone(marker byte) bool {
	return marker == soi || marker == tem || rst0 <= marker && marker <= rst7
}
