package record

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"siamese/gallery"
)

const (
	digestBytes   = 32
	checksumBytes = 4
)

// ErrChecksum says that bytes are not those that were written.
var ErrChecksum = errors.New("the checksum is not that of the bytes")

// Record is an entry's record, of which only that is decoded which is asked for. It
// stands on the bytes that it was parsed of.
type Record struct {
	// ID and Thing are the entry's.
	ID, Thing []byte

	digest      []byte // raw, or text
	digestIsRaw bool
	picture     []byte // nil: none
	familiarity float32
	enrolled    int64
	pairs       int
	metadata    []byte
	length      int
	sparse      bool
	stored      int
	embedding   []byte
}

// Parse returns the record that b is, all of b. It keeps b. Whether the embedding is
// whole is seen when it is asked for.
func Parse(b []byte) (Record, error) {
	if len(b) < 1+checksumBytes {
		return Record{}, fmt.Errorf("received a record of %d bytes, expected more", len(b))
	}
	body, sum := b[:len(b)-checksumBytes], binary.LittleEndian.Uint32(b[len(b)-checksumBytes:])
	if got := Checksum(body); got != sum {
		return Record{}, fmt.Errorf("%w: %08x, expected %08x", ErrChecksum, got, sum)
	}
	if body[0] != version {
		return Record{}, fmt.Errorf("received a record of version %d, expected %d", body[0], version)
	}
	in := reader{b: body[1:]}
	r := Record{ID: in.text(), Thing: in.text()}
	r.digestIsRaw = in.flag()
	if r.digestIsRaw {
		r.digest = in.take(digestBytes)
	} else {
		r.digest = in.text()
	}
	if in.flag() {
		r.picture = in.take(digestBytes)
	}
	r.familiarity = math.Float32frombits(in.uint32())
	r.enrolled = in.varint()
	in.metadata(&r)
	in.vector(&r)
	if in.short || len(in.b) > 0 {
		return Record{}, errors.New("received a record whose parts don't fill it")
	}
	return r, nil
}

// ModelDigest is the entry's.
func (r *Record) ModelDigest() string {
	if r.digestIsRaw {
		return hex.EncodeToString(r.digest)
	}
	return string(r.digest)
}

// IsOfModel reports whether ModelDigest is digest, without making a string of it.
func (r *Record) IsOfModel(digest string) bool {
	if !r.digestIsRaw {
		return string(r.digest) == digest
	}
	var text [2 * digestBytes]byte
	hex.Encode(text[:], r.digest)
	return string(text[:]) == digest
}

// Metadata yields the entry's metadata, by key.
func (r *Record) Metadata() func(yield func(key, value []byte) bool) {
	return func(yield func(key, value []byte) bool) {
		in := reader{b: r.metadata}
		for range r.pairs {
			if !yield(in.text(), in.text()) {
				return
			}
		}
	}
}

// Embedding returns the entry's. It shares nothing with the record.
func (r *Record) Embedding() (gallery.Vector, error) { return r.EmbeddingIn(new(Buffer)) }

// Buffer is memory for an embedding.
type Buffer struct {
	indexes []uint32
	values  []float32
}

// EmbeddingIn returns the entry's embedding in the buffer's memory: it is whole until the
// next one is put there. It shares nothing with the record.
func (r *Record) EmbeddingIn(buffer *Buffer) (gallery.Vector, error) {
	in := reader{b: r.embedding}
	if r.sparse {
		if err := r.readIndexes(&in, buffer); err != nil {
			return gallery.Vector{}, err
		}
	}
	values := in.take(4 * r.stored)
	if in.short || len(in.b) > 0 {
		return gallery.Vector{}, errors.New("received an embedding whose values don't fill it")
	}
	buffer.values = slices.Grow(buffer.values[:0], r.stored)[:r.stored]
	for i := range buffer.values {
		buffer.values[i] = math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:]))
	}
	if !r.sparse {
		return gallery.DenseVector(buffer.values), nil
	}
	return gallery.SparseVector(r.length, buffer.indexes, buffer.values)
}

// readIndexes reads those of a sparse embedding, each stored as what it is above the one
// before.
func (r *Record) readIndexes(in *reader, buffer *Buffer) error {
	buffer.indexes = slices.Grow(buffer.indexes[:0], r.stored)[:r.stored]
	next := uint64(0)
	for i := range buffer.indexes {
		if len(in.b) > 0 && in.b[0] < 0x80 { // most are small
			next += uint64(in.b[0])
			in.b = in.b[1:]
		} else {
			next += in.uvarint()
		}
		if next >= uint64(r.length) {
			return fmt.Errorf("received index %d of an embedding, expected one below %d", next, r.length)
		}
		buffer.indexes[i] = uint32(next)
		next++
	}
	return nil
}

// Entry returns the entry, without picture and thumbnail, and where not asked for
// without its embedding. It shares nothing with the record.
func (r *Record) Entry(withEmbedding bool) (gallery.Entry, error) {
	entry := gallery.Entry{
		ID: string(r.ID), Thing: string(r.Thing), ModelDigest: r.ModelDigest(),
		Familiarity: r.familiarity, Enrolled: time.UnixMilli(r.enrolled).UTC(),
	}
	copy(entry.PictureDigest[:], r.picture)
	if r.pairs > 0 {
		entry.Metadata = make(map[string]string, r.pairs)
		for key, value := range r.Metadata() {
			entry.Metadata[string(key)] = string(value)
		}
	}
	if !withEmbedding {
		return entry, nil
	}
	var err error
	entry.Embedding, err = r.Embedding()
	return entry, err
}
