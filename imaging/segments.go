package imaging

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Walkers over the outer structure of the formats: what they need to find a
// piece of metadata, and no more. All stop quietly where the structure breaks;
// complaining is the decoder's part.

const pngSignature = "\x89PNG\r\n\x1a\n"

// JPEG markers, the byte behind 0xff.
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // sequential
	markerSOF2  = 0xc2 // progressive
	markerSOF3  = 0xc3 // lossless
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerSOF9  = 0xc9 // sequential, arithmetic coding
	markerSOF10 = 0xca // progressive, arithmetic coding
	markerSOF11 = 0xcb // lossless, arithmetic coding
	markerDAC   = 0xcc
	markerSOF15 = 0xcf
	markerRST0  = 0xd0 // to 0xd7
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
	markerTEM   = 0x01
)

// jpegSegments yields every segment's marker and payload up to the end of the
// image, whose own marker comes last, without payload. Entropy-coded data lies between
// segments and is passed over.
func jpegSegments(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for {
			marker, rest, ok := nextMarker(data)
			if !ok || marker == markerEOI {
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
	return marker == markerSOI || marker == markerTEM || markerRST0 <= marker && marker <= markerRST7
}

// pngChunk returns the payload of the first chunk of the given type, or nil.
func pngChunk(data []byte, kind string) []byte {
	const frame = 12 // length, type, checksum
	data = data[min(len(data), len(pngSignature)):]
	for len(data) >= frame {
		size := int64(binary.BigEndian.Uint32(data))
		if size > int64(len(data)-frame) {
			return nil
		}
		if string(data[4:8]) == kind {
			return data[8 : 8+size]
		}
		data = data[frame+size:]
	}
	return nil
}

// riffChunk returns the payload of the first chunk of a WebP file that has the
// given type, or nil.
func riffChunk(data []byte, kind string) []byte {
	const fileHeader, chunkHeader = 12, 8
	data = data[min(len(data), fileHeader):]
	for len(data) >= chunkHeader {
		size := int64(binary.LittleEndian.Uint32(data[4:]))
		if size > int64(len(data)-chunkHeader) {
			return nil
		}
		if string(data[:4]) == kind {
			return data[chunkHeader : chunkHeader+size]
		}
		padded := size + size&1
		data = data[min(int64(len(data)), chunkHeader+padded):]
	}
	return nil
}
