package imaging

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math"
)

// exifPrefix starts the block in a JPEG; some programs write it elsewhere too, even
// twice.
const exifPrefix = "Exif\x00\x00"

func trimExifPrefix(block []byte) []byte {
	for bytes.HasPrefix(block, []byte(exifPrefix)) {
		block = block[len(exifPrefix):]
	}
	return block
}

// tagged returns the orientation that a TIFF structure tells, and whether it has the
// tag at all. EXIF blocks are often damaged by programs that edit them, while the
// image is fine: where anything is odd the image counts as upright. As in Pillow, any
// type of number will do and its first value counts; of several such tags the last one
// does; and behind an entry whose values are not there nothing is read.
func tagged(block []byte) (turn orientation, ok bool) {
	turn = upright
	for e := range entries(block) {
		values, whole := e.values()
		if !whole {
			break
		}
		if e.tag() == tagOrientation && len(values) > 0 {
			turn, ok = validOrientation(firstNumber(e.kind(), e.order, values)), true
		}
	}
	return turn, ok
}

// firstNumber returns the first value as a number; NaN where the type has none.
func firstNumber(kind uint16, order binary.ByteOrder, values []byte) float64 {
	switch kind {
	case typeShort:
		return float64(order.Uint16(values))
	case typeLong, typeDirectory:
		return float64(order.Uint32(values))
	case typeSignedByte:
		return float64(int8(values[0]))
	case typeSignedShort:
		return float64(int16(order.Uint16(values)))
	case typeSignedLong:
		return float64(int32(order.Uint32(values)))
	case typeRational:
		return float64(order.Uint32(values)) / float64(order.Uint32(values[4:]))
	case typeSignedRational:
		return float64(int32(order.Uint32(values))) / float64(int32(order.Uint32(values[4:])))
	case typeFloat:
		return float64(math.Float32frombits(order.Uint32(values)))
	case typeDouble:
		return math.Float64frombits(order.Uint64(values))
	case typeLong8:
		return float64(order.Uint64(values))
	}
	return math.NaN() // bytes and characters, which Pillow does not take for numbers
}

// Tags of the TIFF structure, which EXIF blocks share.
const (
	tagBitsPerSample   = 0x0102
	tagCompression     = 0x0103
	tagPhotometric     = 0x0106
	tagOrientation     = 0x0112
	tagXMP             = 0x02bc
	tagRowsPerStrip    = 0x0116
	tagStripByteCounts = 0x0117
	tagTileWidth       = 0x0142
	tagTileLength      = 0x0143
	tagTileByteCounts  = 0x0145
	tagProfile         = 0x8773
)

// Types of a tag's values.
const (
	typeByte           = 1
	typeASCII          = 2
	typeShort          = 3
	typeLong           = 4
	typeRational       = 5
	typeSignedByte     = 6
	typeUndefined      = 7
	typeSignedShort    = 8
	typeSignedLong     = 9
	typeSignedRational = 10
	typeFloat          = 11
	typeDouble         = 12
	typeDirectory      = 13
	typeLong8          = 16
)

// typeBytes is the size of one value; zero for types that are not known.
var typeBytes = [...]int64{
	typeByte: 1, typeASCII: 1, typeShort: 2, typeLong: 4, typeRational: 8, typeSignedByte: 1, typeUndefined: 1,
	typeSignedShort: 2, typeSignedLong: 4, typeSignedRational: 8, typeFloat: 4, typeDouble: 8, typeDirectory: 4, typeLong8: 8,
}

// entry is one tag of a directory: tag, type, count, and the values where they fit
// into the last field, else the offset of them. In a BigTIFF count and last field have
// eight bytes, else four.
type entry struct {
	block []byte
	order binary.ByteOrder
	raw   []byte
	wide  int // bytes of the last field
}

func (e entry) tag() uint16  { return e.order.Uint16(e.raw) }
func (e entry) kind() uint16 { return e.order.Uint16(e.raw[2:]) }

// number reads a count or an offset.
func (e entry) number(at int) uint64 { return offsetAt(e.order, e.raw[at:], e.wide) }

// values returns the bytes of the values, none of a type that is not known, and
// whether all are there.
func (e entry) values() (values []byte, whole bool) {
	kind := e.kind()
	if int(kind) >= len(typeBytes) || typeBytes[kind] == 0 {
		return nil, true
	}
	count, each := e.number(4), uint64(typeBytes[kind])
	field := e.raw[4+e.wide:]
	if count <= uint64(len(field))/each {
		return field[:count*each], true
	}
	at := min(e.number(4+e.wide), uint64(len(e.block)))
	values = e.block[at:]
	if count > uint64(len(values))/each {
		return values, false
	}
	return values[:count*each], true
}

func offsetAt(order binary.ByteOrder, b []byte, wide int) uint64 {
	if wide == 8 {
		return order.Uint64(b)
	}
	return uint64(order.Uint32(b))
}

// entries yields the entries of the first directory of a TIFF structure, as many as
// are there.
func entries(block []byte) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		order, wide := byteOrder(block)
		if order == nil {
			return
		}
		start := offsetAt(order, block[wide:], wide) // it stands at 4 or at 8
		counter := uint64(2)
		if wide == 8 {
			counter = 8
		}
		if start > uint64(len(block)) || counter > uint64(len(block))-start {
			return
		}
		rest := block[start:]
		count := uint64(order.Uint16(rest))
		if counter == 8 {
			count = order.Uint64(rest)
		}
		size := 4 + 2*wide
		for rest = rest[counter:]; count > 0 && len(rest) >= size; rest = rest[size:] {
			if !yield(entry{block: block, order: order, raw: rest[:size], wide: wide}) {
				return
			}
			count--
		}
	}
}

// findEntry looks a tag up in the first directory of a TIFF structure.
func findEntry(block []byte, tag uint16) (entry, bool) {
	for e := range entries(block) {
		if e.tag() == tag {
			return e, true
		}
	}
	return entry{}, false
}

// integer returns the first value and its size, of the types that sizes and places have.
func integer(kind uint16, order binary.ByteOrder, values []byte) (value, size int64) {
	switch {
	case kind == typeByte && len(values) >= 1:
		return int64(values[0]), 1
	case kind == typeShort && len(values) >= 2:
		return int64(order.Uint16(values)), 2
	case kind == typeLong && len(values) >= 4:
		return int64(order.Uint32(values)), 4
	case kind == typeLong8 && len(values) >= 8:
		return int64(min(order.Uint64(values), 1<<40)), 8 // a sum of them stays in range
	}
	return 0, 0
}

// sum adds up the values of a tag; of a tag that is not whole, those that are there.
func (e entry) sum() int64 {
	total := int64(0)
	values, _ := e.values()
	for {
		value, size := integer(e.kind(), e.order, values)
		if size == 0 {
			return total
		}
		total += value
		values = values[size:]
	}
}

// firstValue returns the first value of a tag; zero where there is none.
func firstValue(block []byte, tag uint16) int64 {
	e, ok := findEntry(block, tag)
	if !ok {
		return 0
	}
	values, _ := e.values()
	value, _ := integer(e.kind(), e.order, values)
	return value
}

// byteOrder reads the TIFF header's mark, and how many bytes an offset has; nil where
// the header is not whole. Two marks have their number's bytes swapped: Pillow takes
// them, too.
func byteOrder(block []byte) (order binary.ByteOrder, wide int) {
	const plain, big = 8, 16 // bytes of the header
	if len(block) < plain {
		return nil, 0
	}
	switch string(block[:4]) {
	case "II*\x00", "II\x00*":
		return binary.LittleEndian, 4
	case "MM\x00*", "MM*\x00":
		return binary.BigEndian, 4
	case "II+\x00":
		order = binary.LittleEndian
	case "MM\x00+":
		order = binary.BigEndian
	}
	if order == nil || len(block) < big {
		return nil, 0
	}
	return order, 8
}
