package heif

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tiles are the tiles' data as the decoders take them, row by row: of AV1 the
// bytes of the item, of HEVC the configuration's units and the item's, each behind its
// length, a number of 32 bits, the low byte first.
func (c Coded) Tiles() ([][]byte, error) {
	var all [][]byte
	for _, t := range c.tiles {
		if c.Codec == AV1 {
			all = append(all, t.content)
			continue
		}
		units, err := t.units()
		if err != nil {
			return nil, err
		}
		all = append(all, units)
	}
	return all, nil
}

// Length bounds how many bytes Tiles returns.
func (c Coded) Length() int64 {
	length := int64(0)
	for _, t := range c.tiles {
		// A unit takes two bytes or more of the file, and four for its length.
		length += 3 * int64(len(t.config)+len(t.content))
	}
	return length
}

// units are the NAL units of a tile of HEVC.
func (t tile) units() ([]byte, error) {
	const lengthAt, listsAt = 21, 22
	r := fields{rest: t.config[listsAt:]}
	var units []byte
	for range r.u8() {
		r.u8() // the kind of units
		for range r.u16() {
			unit := r.bytes(uint64(r.u16()))
			if r.short {
				return nil, errors.New("a HEVC configuration that ends within its units")
			}
			units = appendUnit(units, unit)
		}
	}
	size := uint64(t.config[lengthAt]&3) + 1
	r = fields{rest: t.content}
	for len(r.rest) > 0 {
		length := r.uint(size)
		left := len(r.rest)
		unit := r.bytes(length)
		if r.short {
			return nil, fmt.Errorf("a HEVC unit of %d bytes where %d are left", length, left)
		}
		units = appendUnit(units, unit)
	}
	return units, nil
}

func appendUnit(to, unit []byte) []byte {
	if len(unit) == 0 {
		return to
	}
	return append(binary.LittleEndian.AppendUint32(to, uint32(len(unit))), unit...)
}
