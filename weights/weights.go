// Package weights reads and writes the network's weight files: safetensors, and the HDF5
// files of Keras 1, Keras 2 (Siamese-keras), tf.keras and Keras 3. All of them become one
// Set with the same names, so that a file from any of them loads alike.
//
// The package is pure Go. Files are not trusted: sizes are checked against the file's
// own before memory is taken, and what lies outside the supported part of a format is
// refused by name with ErrUnsupported.
package weights

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"iter"
	"math"
	"slices"

	"siamese/weights/internal/hdf5"
)

// Tensor is a named float32 array, row-major, in Keras' shapes: convolution kernels
// [height, width, in, out], dense kernels [in, out], biases [out].
type Tensor struct {
	Name  string    // "<layer>/kernel" or "<layer>/bias" in files of the network
	Shape []int     // each dimension at least 1; empty for a scalar
	Data  []float32 // as many values as Shape says
}

// Set is an ordered list of tensors with lookup by name. It never changes once made and
// is safe for concurrent use as long as nobody writes to the tensors' slices, which the
// Set shares with its maker and its readers.
type Set struct {
	tensors []Tensor
	index   map[string]int
}

// New returns the Set of the tensors in the order given; it keeps their slices. It
// returns ErrInvalid for an empty name, a name that comes twice, a dimension below 1, and
// a shape that does not match the number of values.
func New(tensors ...Tensor) (*Set, error) {
	s := &Set{tensors: slices.Clone(tensors), index: make(map[string]int, len(tensors))}
	for i, t := range tensors {
		if t.Name == "" {
			return nil, fmt.Errorf("%w: tensor %d has no name", ErrInvalid, i)
		}
		if _, ok := s.index[t.Name]; ok {
			return nil, fmt.Errorf("%w: tensor %q twice, want it once", ErrInvalid, t.Name)
		}
		// No tensor has more elements than values, so that bounds the product too.
		if n, ok := elements(t.Shape, len(t.Data)); !ok || n != len(t.Data) {
			return nil, fmt.Errorf("%w: tensor %q has %d values, want as many as shape %d says", ErrInvalid, t.Name, len(t.Data), t.Shape)
		}
		s.index[t.Name] = i
	}
	return s, nil
}

// elements returns the number of elements of a shape, or false where a dimension is
// below 1 or there are more than limit.
func elements(shape []int, limit int) (int, bool) {
	n := 1
	for _, dim := range shape {
		if dim < 1 || n > limit/dim {
			return 0, false
		}
		n *= dim
	}
	return n, n <= limit
}

// Len returns the number of tensors.
func (s *Set) Len() int { return len(s.tensors) }

// Names returns the tensors' names in order. The slice is the caller's.
func (s *Set) Names() []string {
	names := make([]string, len(s.tensors))
	for i, t := range s.tensors {
		names[i] = t.Name
	}
	return names
}

// Get returns the tensor of that name. Its slices are the Set's: not to be written to.
func (s *Set) Get(name string) (Tensor, bool) {
	i, ok := s.index[name]
	if !ok {
		return Tensor{}, false
	}
	return s.tensors[i], true
}

// All yields the tensors in order. Their slices are the Set's: not to be written to.
func (s *Set) All() iter.Seq[Tensor] { return slices.Values(s.tensors) }

// Digest returns the SHA-256 of the tensors in the order of their names' bytes, as 64 hex
// digits: the same weights have the same digest in whatever file and order they came.
//
// Hashed are, for each tensor, all numbers little-endian: the name's length as uint32,
// the name, the number of dimensions as uint32, each dimension as uint64, the values as
// float32.
func (s *Set) Digest() string {
	names := s.Names()
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		s.tensors[s.index[name]].hash(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashChunkValues is how many values are hashed at a time: enough to make the call cheap.
const hashChunkValues = 1 << 14

// hash adds t to h as Digest describes.
func (t Tensor) hash(h hash.Hash) {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(t.Name)))
	b = append(b, t.Name...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Shape)))
	for _, dim := range t.Shape {
		b = binary.LittleEndian.AppendUint64(b, uint64(dim))
	}
	h.Write(b)
	for chunk := range slices.Chunk(t.Data, hashChunkValues) {
		b = b[:0]
		for _, v := range chunk {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		h.Write(b)
	}
}

// Errors of reading a file. The text around them says what was found and what is wanted.
// ErrCorrupt and ErrUnsupported are the same for both formats.
var (
	// ErrUnknownFormat marks a file that is neither safetensors nor HDF5.
	ErrUnknownFormat = errors.New("neither safetensors nor HDF5")

	// ErrCorrupt marks a file that contradicts its own format, such as one cut short.
	ErrCorrupt = hdf5.ErrCorrupt

	// ErrUnsupported marks a file that may be sound but holds something that this package
	// does not read: another number type, a compressed dataset, another network.
	ErrUnsupported = hdf5.ErrUnsupported
)

// ErrInvalid marks tensors that do not make a Set, or a Set that a format cannot hold.
var ErrInvalid = errors.New("invalid weights")
