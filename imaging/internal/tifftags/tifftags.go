// Package tifftags reads the tags of TIFF structures: of TIFF and BigTIFF files, and of the
// blocks of EXIF in other files. Where the structure breaks reading stops, without a word:
// complaining is the decoders' part. Functions are safe for concurrent use; what they
// return refers to the bytes that they were given.
package tifftags

import (
	"encoding/binary"
	"iter"
	"math"
)

// Tags of the TIFF structure, which EXIF blocks share.
const (
	TagBitsPerSample   = 0x0102
	tagCompression     = 0x0103
	TagPhotometric     = 0x0106
	TagOrientation     = 0x0112
	TagXMP             = 0x02bc
	tagRowsPerStrip    = 0x0116
	TagStripByteCounts = 0x0117
	tagTileWidth       = 0x0142
	tagTileLength      = 0x0143
	TagTileByteCounts  = 0x0145
	TagProfile         = 0x8773
)

// Types of a tag's values.
const (
	TypeByte           = 1
	TypeASCII          = 2
	TypeShort          = 3
	typeLong           = 4
	typeRational       = 5
	typeSignedByte     = 6
	TypeUndefined      = 7
	typeSignedShort    = 8
	typeSignedLong     = 9
	typeSignedRational = 10
	typeFloat          = 11
	typeDouble         = 12
	typeDirectory      = 13
	TypeLong8          = 16
)

// sizes is the size of one value; zero for types that are not known.
var sizes = [...]int64{
	TypeByte: 1, TypeASCII: 1, TypeShort: 2, typeLong: 4, typeRational: 8, typeSignedByte: 1, TypeUndefined: 1,
	typeSignedShort: 2, typeSignedLong: 4, typeSignedRational: 8, typeFloat: 4, typeDouble: 8, typeDirectory: 4, TypeLong8: 8,
}

// Entry is one tag of a directory: tag, type, count, and the values where they fit
// into the last field, else the offset of them. In a BigTIFF count and last field have
// eight bytes, else four.
type Entry struct {
	block []byte
	order binary.ByteOrder
	raw   []byte
	wide  int // bytes of the last field
}

// Tag is its number, one of Tag….
func (e Entry) Tag() uint16 { return e.order.Uint16(e.raw) }

// Kind is the type of its values, one of Type….
func (e Entry) Kind() uint16 { return e.order.Uint16(e.raw[2:]) }

// number reads a count or an offset.
func (e Entry) number(at int) uint64 { return offsetAt(e.order, e.raw[at:], e.wide) }

// Values returns the bytes of the values, none of a type that is not known, and
// whether all are there.
func (e Entry) Values() (values []byte, whole bool) {
	kind := e.Kind()
	if int(kind) >= len(sizes) || sizes[kind] == 0 {
		return nil, true
	}
	count, each := e.number(4), uint64(sizes[kind])
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

// Entries yields the entries of the first directory of a TIFF structure, as many as
// are there.
func Entries(block []byte) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		order, wide := ByteOrder(block)
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
			if !yield(Entry{block: block, order: order, raw: rest[:size], wide: wide}) {
				return
			}
			count--
		}
	}
}

// Find looks a tag up in the first directory of a TIFF structure.
func Find(block []byte, tag uint16) (Entry, bool) {
	for e := range Entries(block) {
		if e.Tag() == tag {
			return e, true
		}
	}
	return Entry{}, false
}

// integer returns the first value and its size, of the types that sizes and places have.
func integer(kind uint16, order binary.ByteOrder, values []byte) (value, size int64) {
	switch {
	case kind == TypeByte && len(values) >= 1:
		return int64(values[0]), 1
	case kind == TypeShort && len(values) >= 2:
		return int64(order.Uint16(values)), 2
	case kind == typeLong && len(values) >= 4:
		return int64(order.Uint32(values)), 4
	case kind == TypeLong8 && len(values) >= 8:
		return int64(min(order.Uint64(values), 1<<40)), 8 // a sum of them stays in range
	}
	return 0, 0
}

// Integers yields the values of a tag that has whole numbers, such as sizes and places; of
// a tag that is not whole, those that are there.
func (e Entry) Integers() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		values, _ := e.Values()
		for {
			value, size := integer(e.Kind(), e.order, values)
			if size == 0 || !yield(value) {
				return
			}
			values = values[size:]
		}
	}
}

// First returns the first whole number of a tag; zero where there is none.
func First(block []byte, tag uint16) int64 {
	if e, ok := Find(block, tag); ok {
		for value := range e.Integers() {
			return value
		}
	}
	return 0
}

// ByteOrder reads the TIFF header's mark, and how many bytes an offset has; nil where
// the header is not whole. Two marks have their number's bytes swapped: Pillow takes
// them, too.
func ByteOrder(block []byte) (order binary.ByteOrder, wide int) {
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

// Number returns the first value as a number, of whatever type; NaN where the type has
// none. There must be a value.
func (e Entry) Number() float64 {
	values, _ := e.Values()
	order := e.order
	switch e.Kind() {
	case TypeShort:
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
	case TypeLong8:
		return float64(order.Uint64(values))
	}
	return math.NaN() // bytes and characters, which Pillow does not take for numbers
}
