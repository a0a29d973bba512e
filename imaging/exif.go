package imaging

import (
	"bytes"
	"encoding/binary"
)

// turnOf returns how an image is turned.
func turnOf(format Format, data []byte) orientation {
	return parseOrientation(exifBlock(format, data))
}

// exifBlock returns the TIFF structure that holds an image's EXIF tags, or nil
// where there is none. BMP and GIF have no place for it.
func exifBlock(format Format, data []byte) []byte {
	switch format {
	case JPEG:
		return jpegExif(data)
	case PNG:
		return trimExifPrefix(pngChunk(data, "eXIf"))
	case WebP:
		return trimExifPrefix(riffChunk(data, "EXIF"))
	case TIFF:
		return data
	}
	return nil
}

// exifPrefix starts the block in a JPEG; some programs write it elsewhere too.
const exifPrefix = "Exif\x00\x00"

func trimExifPrefix(block []byte) []byte {
	return bytes.TrimPrefix(block, []byte(exifPrefix))
}

func jpegExif(data []byte) []byte {
	for marker, payload := range jpegSegments(data) {
		switch {
		case marker == markerSOS:
			return nil
		case marker == markerAPP1 && bytes.HasPrefix(payload, []byte(exifPrefix)):
			return payload[len(exifPrefix):]
		}
	}
	return nil
}

// parseOrientation reads the orientation tag. EXIF blocks are often damaged by
// programs that edit them, while the image is fine: where anything is odd the
// image counts as upright.
func parseOrientation(block []byte) orientation {
	value, ok := shortTag(block, tagOrientation)
	if !ok {
		return upright
	}
	return validOrientation(value)
}

// Tags of the TIFF structure, which EXIF blocks share.
const (
	tagBitsPerSample   = 0x0102
	tagCompression     = 0x0103
	tagPhotometric     = 0x0106
	tagOrientation     = 0x0112
	tagRowsPerStrip    = 0x0116
	tagStripByteCounts = 0x0117
	tagTileWidth       = 0x0142
	tagTileLength      = 0x0143
	tagTileByteCounts  = 0x0145
)

// Types of a tag's values.
const (
	typeByte  = 1
	typeShort = 3
	typeLong  = 4
)

const entryBytes = 12

// entry is one tag of a directory. Its value is at entry[8:] where it fits into
// four bytes, else at the offset that stands there.
type entry struct {
	block []byte
	order binary.ByteOrder
	raw   []byte // entryBytes long: tag, type, count, value
}

// findEntry looks a tag up in the first directory of a TIFF structure.
func findEntry(block []byte, tag uint16) (entry, bool) {
	order := byteOrder(block)
	if order == nil {
		return entry{}, false
	}
	start := int64(order.Uint32(block[4:]))
	if start+2 > int64(len(block)) {
		return entry{}, false
	}
	entries := block[start+2:]
	for range order.Uint16(block[start:]) {
		if len(entries) < entryBytes {
			return entry{}, false
		}
		if order.Uint16(entries) == tag {
			return entry{block: block, order: order, raw: entries[:entryBytes]}, true
		}
		entries = entries[entryBytes:]
	}
	return entry{}, false
}

// shortTag returns a tag of one 16-bit value.
func shortTag(block []byte, tag uint16) (value uint16, ok bool) {
	e, ok := findEntry(block, tag)
	if !ok || e.order.Uint16(e.raw[2:]) != typeShort {
		return 0, false
	}
	return e.order.Uint16(e.raw[8:]), true
}

// sum adds up the values of a tag; of a tag that is not whole, those that are there.
func (e entry) sum() int64 {
	width := map[uint16]int64{typeByte: 1, typeShort: 2, typeLong: 4}[e.order.Uint16(e.raw[2:])]
	size := width * int64(e.order.Uint32(e.raw[4:]))
	values := e.raw[8:]
	if size > int64(len(values)) {
		at := min(int64(e.order.Uint32(values)), int64(len(e.block)))
		values = e.block[at:]
	}
	total := int64(0)
	for values = values[:min(size, int64(len(values)))]; width > 0 && int64(len(values)) >= width; values = values[width:] {
		switch width {
		case 1:
			total += int64(values[0])
		case 2:
			total += int64(e.order.Uint16(values))
		case 4:
			total += int64(e.order.Uint32(values))
		}
	}
	return total
}

// firstValue returns the first value of a tag; zero where there is none.
func firstValue(block []byte, tag uint16) int64 {
	e, ok := findEntry(block, tag)
	if !ok {
		return 0
	}
	width := map[uint16]int64{typeByte: 1, typeShort: 2, typeLong: 4}[e.order.Uint16(e.raw[2:])]
	values := e.raw[8:]
	if width*int64(e.order.Uint32(e.raw[4:])) > int64(len(values)) {
		values = e.block[min(int64(e.order.Uint32(values)), int64(len(e.block))):]
	}
	switch {
	case int64(len(values)) < width:
		return 0
	case width == 1:
		return int64(values[0])
	case width == 2:
		return int64(e.order.Uint16(values))
	case width == 4:
		return int64(e.order.Uint32(values))
	}
	return 0
}

// byteOrder reads the TIFF header's mark; nil where the header is not whole.
func byteOrder(block []byte) binary.ByteOrder {
	switch {
	case len(block) < 8:
		return nil
	case bytes.HasPrefix(block, []byte("II*\x00")):
		return binary.LittleEndian
	case bytes.HasPrefix(block, []byte("MM\x00*")):
		return binary.BigEndian
	}
	return nil
}
