package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
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

// metadataKey is the one key of a header that names no tensor.
const metadataKey = "__metadata__"

// safetensorsHeader is the header as the file has it, its entries by offset.
type safetensorsHeader struct {
	tensors  []safetensorsEntry
	metadata map[string]string
}

// safetensorsEntry describes one tensor. Offsets are bytes from the start of the data.
type safetensorsEntry struct {
	name    string
	DType   DType   `json:"dtype"`
	Shape   []int   `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// parseSafetensorsHeader parses the JSON object. Key by key, since a map would hide that
// a name comes twice.
func parseSafetensorsHeader(raw []byte) (safetensorsHeader, error) {
	h := safetensorsHeader{metadata: make(map[string]string)}
	if len(raw) == 0 || raw[0] != '{' {
		return h, fmt.Errorf("%w: starts with %q, want {", ErrCorrupt, raw[:min(len(raw), 1)])
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if _, err := decoder.Token(); err != nil {
		return h, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	for seen := make(map[string]bool); decoder.More(); {
		token, err := decoder.Token()
		if err != nil {
			return h, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		key, _ := token.(string) // the decoder lets nothing else stand for a key
		if seen[key] {
			return h, fmt.Errorf("%w: %q twice", ErrCorrupt, key)
		}
		seen[key] = true
		if err := h.parseValue(decoder, key); err != nil {
			return h, fmt.Errorf("%w: %q: %w", ErrCorrupt, key, err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return h, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return h, fmt.Errorf("%w: something follows the object, want spaces alone", ErrCorrupt)
	}
	slices.SortStableFunc(h.tensors, func(a, b safetensorsEntry) int {
		return cmp.Or(cmp.Compare(a.begin(), b.begin()), cmp.Compare(a.name, b.name))
	})
	return h, nil
}

// parseValue parses the value of one key.
func (h *safetensorsHeader) parseValue(decoder *json.Decoder, key string) error {
	if key == metadataKey {
		return decoder.Decode(&h.metadata)
	}
	entry := safetensorsEntry{name: key}
	if err := decoder.Decode(&entry); err != nil {
		return err
	}
	if len(entry.Offsets) != 2 {
		return fmt.Errorf("data_offsets %d, want two", entry.Offsets)
	}
	if entry.Shape == nil {
		return fmt.Errorf("no shape")
	}
	h.tensors = append(h.tensors, entry)
	return nil
}

// check makes sure that the entries are read types and fill dataBytes without gap or
// overlap. Entries are sorted.
func (h safetensorsHeader) check(dataBytes int64) error {
	var end int64
	for _, e := range h.tensors {
		if e.DType.size() == 0 {
			return fmt.Errorf("%w: tensor %q has type %q, want F32, F16 or BF16", ErrUnsupported, e.name, e.DType)
		}
		switch begin := e.begin(); {
		case begin < end:
			return fmt.Errorf("%w: tensor %q starts at %d, inside another that ends at %d", ErrCorrupt, e.name, begin, end)
		case begin > end:
			return fmt.Errorf("%w: tensor %q starts at %d, want %d: there may be no gap", ErrCorrupt, e.name, begin, end)
		}
		if end = e.Offsets[1]; end > dataBytes {
			return fmt.Errorf("%w: tensor %q ends at %d of %d bytes of data", ErrCorrupt, e.name, end, dataBytes)
		}
		// No tensor has more elements than the file has bytes.
		n, ok := elements(e.Shape, int(dataBytes))
		if want := int64(n) * int64(e.DType.size()); !ok || end-e.begin() != want {
			return fmt.Errorf("%w: tensor %q has %d bytes, want as many as %s and shape %d say", ErrCorrupt, e.name, end-e.begin(), e.DType, e.Shape)
		}
	}
	if end != dataBytes {
		return fmt.Errorf("%w: tensors end at %d of %d bytes of data", ErrCorrupt, end, dataBytes)
	}
	return nil
}

func (e safetensorsEntry) begin() int64 { return e.Offsets[0] }
