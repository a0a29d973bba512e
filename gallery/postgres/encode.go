package postgres

import (
	"encoding/binary"
	"fmt"
	"math"

	"siamese/gallery"
)

// An embedding is kept as the byte 1, how many numbers it has, and float32s, of which
// all are there; or as the byte 2, how many numbers it has, how many are there, how far
// each is behind the one before, and float32s. Integers are varints, float32s little
// endian.
const (
	formDense  = 1
	formSparse = 2
)

// maxEmbeddingLength is more numbers than any embedding has.
const maxEmbeddingLength = 1 << 24

func encodeEmbedding(v gallery.Vector) []byte {
	data := make([]byte, 0, 16+6*v.Stored())
	if v.IsSparse() {
		data = append(data, formSparse)
		data = binary.AppendUvarint(data, uint64(v.Length()))
		data = binary.AppendUvarint(data, uint64(v.Stored()))
		last := -1
		for index := range v.All() {
			data = binary.AppendUvarint(data, uint64(index-last-1))
			last = index
		}
	} else {
		data = append(data, formDense)
		data = binary.AppendUvarint(data, uint64(v.Length()))
	}
	for _, value := range v.All() {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return data
}

// decodeEmbedding is the inverse. Errors are [gallery.ErrDamaged].
func decodeEmbedding(data []byte) (gallery.Vector, error) {
	if len(data) == 0 {
		return gallery.Vector{}, fmt.Errorf("%w: an embedding has no bytes", gallery.ErrDamaged)
	}
	r := reader{data: data[1:]}
	var v gallery.Vector
	var err error
	switch data[0] {
	case formDense:
		// Those that NewVector made a dense vector of it makes one of again.
		v = gallery.NewVector(r.floats(r.count(maxEmbeddingLength)))
	case formSparse:
		length := r.count(maxEmbeddingLength)
		stored := r.count(min(length, len(data)))
		indexes := make([]uint32, stored)
		next := uint64(0)
		for i := range indexes {
			next += uint64(r.count(length))
			indexes[i] = uint32(next)
			next++
		}
		if values := r.floats(stored); !r.failed {
			v, err = gallery.SparseVector(length, indexes, values)
		}
	default:
		return v, fmt.Errorf("%w: an embedding begins with %d, expected %d or %d", gallery.ErrDamaged, data[0], formDense, formSparse)
	}
	if r.failed || len(r.data) > 0 {
		return v, fmt.Errorf("%w: an embedding of %d bytes ends at another place", gallery.ErrDamaged, len(data))
	}
	if err != nil {
		return v, fmt.Errorf("%w: %w", gallery.ErrDamaged, err)
	}
	return v, nil
}

// reader takes data apart. Once it failed it returns zeros.
type reader struct {
	data   []byte
	failed bool
}

// count is an integer of at most most.
func (r *reader) count(most int) int {
	value, n := binary.Uvarint(r.data)
	if n <= 0 || value > uint64(most) {
		r.failed = true
		r.data = nil
		return 0
	}
	r.data = r.data[n:]
	return int(value)
}

// floats are n of them.
func (r *reader) floats(n int) []float32 {
	if r.failed || len(r.data) < 4*n {
		r.failed = true
		return nil
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(r.data[4*i:]))
	}
	r.data = r.data[4*n:]
	return values
}
