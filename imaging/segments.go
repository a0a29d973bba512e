package imaging

import (
	"encoding/binary"
	"iter"
)

// Walkers over the outer structure of the formats: what they need to find a
// piece of metadata, and no more. All stop quietly where the structure breaks;
// complaining is the decoder's part.

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngChunks yields every chunk's type and payload up to the end of the image. Of an
// animation that is what lies before the second frame.
func pngChunks(data []byte) iter.Seq2[string, []byte] {
	const frame = 12 // length, type, checksum
	return func(yield func(string, []byte) bool) {
		var pixels, animated, framed bool
		data := data[min(len(data), len(pngSignature)):]
		for len(data) >= frame {
			size := int64(binary.BigEndian.Uint32(data))
			kind := string(data[4:8])
			if size > int64(len(data)-frame) || kind == "IEND" || kind == "fcTL" && pixels && animated {
				return
			}
			payload := data[8 : 8+size]
			switch {
			case kind == "IDAT":
				animated = animated || !framed // its pixels are no frame, and another one comes
				pixels = true
			case kind == "fcTL":
				framed = true
			case kind == "acTL" && len(payload) >= 4:
				animated = binary.BigEndian.Uint32(payload) > 1
			}
			if !yield(kind, payload) {
				return
			}
			data = data[frame+size:]
		}
	}
}

// pngChunk returns the payload of the first chunk of the given type, or nil.
func pngChunk(data []byte, kind string) []byte {
	for each, payload := range pngChunks(data) {
		if each == kind {
			return payload
		}
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
