package hdf5

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// valueChunkBytes is the piece in which values are read and converted: large enough that
// the call does not matter, small beside the values.
const valueChunkBytes = 1 << 18

// source reads a file of known size and keeps account of what may still be read.
type source struct {
	r             io.ReaderAt
	size          uint64
	structureLeft uint64
	valuesLeft    uint64
}

// structure reads n bytes of structure at addr.
func (s *source) structure(addr, n uint64) ([]byte, error) {
	if err := s.inside(addr, n); err != nil {
		return nil, err
	}
	if n > s.structureLeft {
		return nil, fmt.Errorf("%w: more than %d bytes of structure", ErrUnsupported, MaxStructureBytes)
	}
	s.structureLeft -= n
	block := make([]byte, n)
	return block, s.read(block, addr)
}

// float32s reads count little-endian float32 at addr.
func (s *source) float32s(addr, count uint64) ([]float32, error) {
	if count > s.size/4 {
		return nil, fmt.Errorf("%w: %d float32 in a file of %d bytes", ErrCorrupt, count, s.size)
	}
	if err := s.inside(addr, 4*count); err != nil {
		return nil, err
	}
	if 4*count > s.valuesLeft {
		return nil, fmt.Errorf("%w: datasets share storage: they hold more than the file's %d bytes", ErrUnsupported, s.size)
	}
	s.valuesLeft -= 4 * count

	values := make([]float32, 0, count)
	chunk := make([]byte, min(4*count, valueChunkBytes))
	for end := addr + 4*count; addr < end; addr += uint64(len(chunk)) {
		chunk = chunk[:min(uint64(len(chunk)), end-addr)]
		if err := s.read(chunk, addr); err != nil {
			return nil, err
		}
		for i := 0; i < len(chunk); i += 4 {
			values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(chunk[i:])))
		}
	}
	return values, nil
}

// read fills block from addr.
func (s *source) read(block []byte, addr uint64) error {
	// A reader may say EOF together with the last byte.
	if n, err := s.r.ReadAt(block, int64(addr)); n < len(block) {
		return fmt.Errorf("read %d bytes at %d: %w", len(block), addr, err)
	}
	return nil
}

// inside checks that n bytes at addr lie in the file.
func (s *source) inside(addr, n uint64) error {
	if addr > s.size || n > s.size-addr {
		return fmt.Errorf("%w: %d bytes at %d, want them inside the file's %d", ErrCorrupt, n, addr, s.size)
	}
	return nil
}
