package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"siamese/gallery"
)

// pgvector's types. An HNSW index takes a vector of up to 2,000 numbers, and a sparse
// one of which up to 1,000 are not 0; what has more is compared with each query.
const (
	typeDense  = "vector"
	typeSparse = "sparsevec"

	maxDense       = 2000
	maxIndexed     = 1000
	maxSparseTaken = 16000 // that pgvector takes at all
	// maxNumber is large enough for any number, and small enough that no sum of
	// distances is beyond float32.
	maxNumber = 1e30
)

// typeOf is what pgvector takes embeddings of that length as.
func typeOf(length int) string {
	if length <= maxDense {
		return typeDense
	}
	return typeSparse
}

// nearVector is an embedding as pgvector takes it, in its binary form.
type nearVector struct {
	data []byte
	wide bool // an index does not take it
}

// weighted is a number of an embedding with its weight.
type weighted struct {
	index int
	value float32
}

// near is an embedding of which each number is multiplied by its weight.
func near(v gallery.Vector, m *gallery.Metric) nearVector {
	weights := m.Weights()
	numbers := make([]weighted, 0, v.Stored())
	for i, value := range v.All() {
		if value = max(-maxNumber, min(maxNumber, value*weights[i])); value != 0 {
			numbers = append(numbers, weighted{i, value})
		}
	}
	if typeOf(v.Length()) == typeDense {
		return nearVector{data: denseForm(numbers, v.Length())}
	}
	wide := len(numbers) > maxIndexed
	if len(numbers) > maxSparseTaken { // the largest are nearly all of a distance
		slices.SortFunc(numbers, func(a, b weighted) int { return cmp.Compare(abs(b.value), abs(a.value)) })
		numbers = numbers[:maxSparseTaken]
		slices.SortFunc(numbers, func(a, b weighted) int { return cmp.Compare(a.index, b.index) })
	}
	return nearVector{data: sparseForm(numbers, v.Length()), wide: wide}
}

func abs(value float32) float32 { return max(value, -value) }

func denseForm(numbers []weighted, length int) []byte {
	data := make([]byte, 4+4*length)
	binary.BigEndian.PutUint16(data, uint16(length))
	for _, n := range numbers {
		binary.BigEndian.PutUint32(data[4+4*n.index:], math.Float32bits(n.value))
	}
	return data
}

func sparseForm(numbers []weighted, length int) []byte {
	data := make([]byte, 0, 12+8*len(numbers))
	data = binary.BigEndian.AppendUint32(data, uint32(length))
	data = binary.BigEndian.AppendUint32(data, uint32(len(numbers)))
	data = binary.BigEndian.AppendUint32(data, 0)
	for _, n := range numbers {
		data = binary.BigEndian.AppendUint32(data, uint32(n.index))
	}
	for _, n := range numbers {
		data = binary.BigEndian.AppendUint32(data, math.Float32bits(n.value))
	}
	return data
}

// metricDigest tells metrics apart: the SHA-256 of a metric's model and weights.
type metricDigest [sha256.Size]byte

func digestOf(m *gallery.Metric) metricDigest {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q\n", m.ModelDigest())
	hash.Write(weightBytes(m))
	return metricDigest(hash.Sum(nil))
}

// weightBytes are float32s, little endian.
func weightBytes(m *gallery.Metric) []byte {
	data := make([]byte, 0, 4*len(m.Weights()))
	for _, w := range m.Weights() {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(w))
	}
	return data
}

// metrics are those that indexes were built with. It is safe for concurrent use.
type metrics struct {
	mu    sync.Mutex
	known map[metricDigest]*gallery.Metric
}

// maxMetrics are held: a model has one or two.
const maxMetrics = 64

// of returns a metric, from the database where it is not known.
func (m *metrics) of(ctx context.Context, tx pgx.Tx, n names, digest metricDigest) (*gallery.Metric, error) {
	m.mu.Lock()
	metric := m.known[digest]
	m.mu.Unlock()
	if metric != nil {
		return metric, nil
	}
	var model string
	var data []byte
	err := tx.QueryRow(ctx, "SELECT model_digest, weights FROM "+n.table("indexes")+" WHERE metric = $1 LIMIT 1", digest[:]).Scan(&model, &data)
	if err != nil {
		return nil, err
	}
	r := reader{data: data}
	metric, err = gallery.NewMetric(model, r.floats(len(data)/4))
	if err != nil || digestOf(metric) != digest {
		return nil, fmt.Errorf("%w: the weights of metric %x are not those it was made of", gallery.ErrDamaged, digest[:4])
	}
	m.keep(digest, metric)
	return metric, nil
}

func (m *metrics) keep(digest metricDigest, metric *gallery.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= maxMetrics {
		m.known = make(map[metricDigest]*gallery.Metric)
	}
	m.known[digest] = metric
}
