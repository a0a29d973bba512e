package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
)

// MaxSafetensorsHeaderBytes is the longest header that ReadSafetensors takes and
// WriteSafetensors makes, in bytes. The network's takes under 3 KiB; the format itself
// allows 100 MB.
const MaxSafetensorsHeaderBytes = 1 << 20

const (
	safetensorsPrefixBytes = 8 // the header's length, uint64 little-endian

	// valueChunkBytes is the piece in which values are read, written and converted.
	valueChunkBytes = 1 << 18
)

// ReadSafetensors reads a safetensors file of size bytes: its tensors in the order of
// their data, widened to float32 from float16, bfloat16 or float32, and its metadata
// (empty if it has none), which is the caller's. Names are as in the file.
//
// The header is limited to MaxSafetensorsHeaderBytes. Data must fill the file without
// gap or overlap, as the format demands, and be finite. Errors are ErrCorrupt, ErrUnsupported (the
// message names tensor and type) or r's own.
func ReadSafetensors(r io.ReaderAt, size int64) (*Set, map[string]string, error) {
	header, dataAt, err := readSafetensorsHeader(r, size)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors header: %w", err)
	}
	tensors := make([]Tensor, len(header.tensors))
	for i, entry := range header.tensors {
		if tensors[i], err = entry.read(r, dataAt); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", entry.name, err)
		}
	}
	set, err := New(tensors...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err := set.CheckFinite(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return set, maps.Clone(header.metadata), nil
}

// readSafetensorsHeader reads and checks the header. dataAt is where the data starts.
func readSafetensorsHeader(r io.ReaderAt, size int64) (h safetensorsHeader, dataAt int64, err error) {
	if size < safetensorsPrefixBytes {
		return h, 0, fmt.Errorf("%w: file has %d bytes, want at least %d", ErrCorrupt, size, safetensorsPrefixBytes)
	}
	prefix := make([]byte, safetensorsPrefixBytes)
	if err := readAt(r, prefix, 0); err != nil {
		return h, 0, err
	}
	length := binary.LittleEndian.Uint64(prefix)
	if length > MaxSafetensorsHeaderBytes {
		return h, 0, fmt.Errorf("%w: %d bytes, want at most %d", ErrUnsupported, length, MaxSafetensorsHeaderBytes)
	}
	dataAt = safetensorsPrefixBytes + int64(length)
	if dataAt > size {
		return h, 0, fmt.Errorf("%w: %d bytes in a file of %d", ErrCorrupt, length, size)
	}
	raw := make([]byte, length)
	if err := readAt(r, raw, safetensorsPrefixBytes); err != nil {
		return h, 0, err
	}
	if h, err = parseSafetensorsHeader(raw); err != nil {
		return h, 0, err
	}
	return h, dataAt, h.check(size - dataAt)
}

// read reads the tensor's values; the entry has been checked.
func (e safetensorsEntry) read(r io.ReaderAt, dataAt int64) (Tensor, error) {
	begin, end := dataAt+e.Offsets[0], dataAt+e.Offsets[1]
	values := make([]float32, 0, (end-begin)/int64(e.DType.size()))
	chunk := make([]byte, min(end-begin, valueChunkBytes))
	for at := begin; at < end; at += int64(len(chunk)) {
		chunk = chunk[:min(int64(len(chunk)), end-at)]
		if err := readAt(r, chunk, at); err != nil {
			return Tensor{}, err
		}
		values = e.DType.decode(values, chunk)
	}
	return Tensor{Name: e.name, Shape: e.Shape, Data: values}, nil
}

// readAt fills block from offset at.
func readAt(r io.ReaderAt, block []byte, at int64) error {
	// A reader may say EOF together with the last byte.
	if n, err := r.ReadAt(block, at); n < len(block) {
		return fmt.Errorf("read %d bytes at %d: %w", len(block), at, err)
	}
	return nil
}
