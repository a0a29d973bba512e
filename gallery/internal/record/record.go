// Package record writes an entry of a gallery as bytes and reads it: the form that the
// embedded store's files and backups have in common. A record is, in this order:
//
//	version       one byte, 1
//	id, thing     text: its length as a uvarint, and its bytes
//	model digest  one byte: 0, then text, or 1, then the 32 bytes that the text is the
//	              lower-case hexadecimal of
//	picture       one byte: 0, or 1 and the SHA-256 of the picture
//	familiarity   float32
//	enrolled      varint: milliseconds since 1970
//	metadata      uvarint: how many pairs; key and value of each, texts, by key
//	embedding     uvarint: its length; one byte: 0 dense, 1 sparse; uvarint: how many
//	              values; where sparse the index of each as a uvarint, less the one
//	              before and 1; the values, float32
//	checksum      CRC-32C of all that, 4 bytes
//
// Numbers of fixed size are little-endian. Pictures and thumbnails are not in it.
package record

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"siamese/gallery"
)

const (
	version = 1

	// MaxLength is how many numbers an embedding may have. The longest of our models'
	// have 4,608; what is beyond would make a few bytes of a foreign backup cost
	// gigabytes of memory.
	MaxLength = 1 << 20

	// MaxBytes is more than any record has: an embedding of MaxLength, where an index
	// takes up to 3 bytes and a value 4, and the texts.
	MaxBytes = 8 * MaxLength
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C of what is given, one after the other.
func Checksum(parts ...[]byte) uint32 { return Update(0, parts...) }

// Update is Checksum of what sum is the checksum of with parts behind it.
func Update(sum uint32, parts ...[]byte) uint32 {
	for _, part := range parts {
		sum = crc32.Update(sum, castagnoli, part)
	}
	return sum
}

// Append appends the entry's record.
func Append(b []byte, entry *gallery.Entry) []byte {
	from := len(b)
	b = append(b, version)
	b = appendText(b, entry.ID)
	b = appendText(b, entry.Thing)
	b = appendDigest(b, entry.ModelDigest)
	if entry.PictureDigest == [len(entry.PictureDigest)]byte{} {
		b = append(b, 0)
	} else {
		b = append(append(b, 1), entry.PictureDigest[:]...)
	}
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(entry.Familiarity))
	b = binary.AppendVarint(b, entry.Enrolled.UnixMilli())
	b = binary.AppendUvarint(b, uint64(len(entry.Metadata)))
	for _, key := range slices.Sorted(maps.Keys(entry.Metadata)) {
		b = appendText(appendText(b, key), entry.Metadata[key])
	}
	b = appendVector(b, entry.Embedding)
	return binary.LittleEndian.AppendUint32(b, Checksum(b[from:]))
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// appendDigest halves what digests take: they are hexadecimal, and in every record.
func appendDigest(b []byte, digest string) []byte {
	if raw, err := hex.DecodeString(digest); err == nil && len(raw) == digestBytes && hex.EncodeToString(raw) == digest {
		return append(append(b, 1), raw...)
	}
	return appendText(append(b, 0), digest)
}

func appendVector(b []byte, v gallery.Vector) []byte {
	b = binary.AppendUvarint(b, uint64(v.Length()))
	if v.IsSparse() {
		b = binary.AppendUvarint(append(b, 1), uint64(v.Stored()))
		next := 0
		for index := range v.All() {
			b = binary.AppendUvarint(b, uint64(index-next))
			next = index + 1
		}
	} else {
		b = binary.AppendUvarint(append(b, 0), uint64(v.Stored()))
	}
	for _, value := range v.All() {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(value))
	}
	return b
}
