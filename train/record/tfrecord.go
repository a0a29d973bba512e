package record

import (
	"encoding/binary"
	"hash/crc32"
)

// castagnoli is the polynomial of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends data in TFRecord framing, all little-endian: length
// (uint64), masked checksum of those 8 bytes, data, masked checksum of the data
// (tensorflow/core/lib/io/record_writer.h).
func appendRecord(to, data []byte) []byte {
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(data)))
	to = append(to, length[:]...)
	to = binary.LittleEndian.AppendUint32(to, maskedChecksum(length[:]))
	to = append(to, data...)
	return binary.LittleEndian.AppendUint32(to, maskedChecksum(data))
}

// maskedChecksum is the CRC-32C, rotated and shifted: a checksum over data that
// holds checksums itself would be weak (tensorflow/core/lib/hash/crc32c.h).
func maskedChecksum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
