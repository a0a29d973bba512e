package gallery

import (
	"fmt"
	"math"
	"slices"
)

// Vector is an embedding without its zeros. The zero Vector has length 0. It must not
// be changed, and is safe for concurrent use.
type Vector struct {
	length  int
	indexes []uint32 // ascending, below length; nil where values has all
	values  []float32
}

// NewVector returns the embedding as a vector. It keeps nothing of the argument.
func NewVector(embedding []float32) Vector {
	nonZero := 0
	for _, v := range embedding {
		if v != 0 {
			nonZero++
		}
	}
	if nonZero*2 >= len(embedding) { // an index costs as much as a value
		return Vector{length: len(embedding), values: slices.Clone(embedding)}
	}
	v := Vector{length: len(embedding), indexes: make([]uint32, 0, nonZero), values: make([]float32, 0, nonZero)}
	for i, value := range embedding {
		if value != 0 {
			v.indexes = append(v.indexes, uint32(i))
			v.values = append(v.values, value)
		}
	}
	return v
}

// SparseVector returns the vector of this length whose values are at these indexes,
// ascending. It keeps its arguments.
func SparseVector(length int, indexes []uint32, values []float32) (Vector, error) {
	if len(indexes) != len(values) || len(indexes) > length {
		return Vector{}, fmt.Errorf("received %d indexes and %d values, expected as many of each, at most %d", len(indexes), len(values), length)
	}
	last := -1
	for _, index := range indexes {
		if int(index) <= last || int(index) >= length {
			return Vector{}, fmt.Errorf("received index %d after %d, expected ascending ones below %d", index, last, length)
		}
		last = int(index)
	}
	if indexes == nil {
		indexes = []uint32{} // nil would mean that values has all
	}
	return Vector{length: length, indexes: slices.Clip(indexes), values: slices.Clip(values)}, nil
}

// DenseVector returns the vector of these values. It keeps its argument.
func DenseVector(values []float32) Vector { return Vector{length: len(values), values: values} }

// Clone returns a copy that shares nothing with v.
func (v Vector) Clone() Vector {
	return Vector{length: v.length, indexes: slices.Clone(v.indexes), values: slices.Clone(v.values)}
}

// Length is how many numbers the embedding has.
func (v Vector) Length() int { return v.length }

// IsSparse reports whether most of the numbers are 0.
func (v Vector) IsSparse() bool { return v.indexes != nil }

// Stored is how many numbers the vector holds.
func (v Vector) Stored() int { return len(v.values) }

// All yields the indexes and values that the vector holds, by index.
func (v Vector) All() func(yield func(index int, value float32) bool) {
	return func(yield func(int, float32) bool) {
		for i, value := range v.values {
			index := i
			if v.indexes != nil {
				index = int(v.indexes[i])
			}
			if !yield(index, value) {
				return
			}
		}
	}
}

// AppendTo appends the whole embedding to a slice.
func (v Vector) AppendTo(embedding []float32) []float32 {
	if v.indexes == nil {
		return append(embedding, v.values...)
	}
	from := len(embedding)
	embedding = slices.Grow(embedding, v.length)[:from+v.length]
	clear(embedding[from:])
	for i, index := range v.indexes {
		embedding[from+int(index)] = v.values[i]
	}
	return embedding
}

// Equal reports whether v and other are the same bit for bit.
func (v Vector) Equal(other Vector) bool {
	return v.length == other.length && slices.Equal(v.indexes, other.indexes) &&
		slices.EqualFunc(v.values, other.values, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
}
