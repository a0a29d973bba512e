package index

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"siamese/gallery"
)

// space is what the metric makes of embeddings. Within it numbers are weighted, by
// weights of which the largest is 1, so that distances are plain sums.
type space struct {
	metric   *gallery.Metric
	weights  []float32
	unit     float32 // what a distance of 1 is by the metric
	columns  []int   // dimensions that weigh something
	columnOf []int32 // of each dimension; -1 where it weighs nothing
	stride   int     // of rows of bytes, one a column
	scratch  sync.Pool
}

// vectorBytes are a multiple of what one step of the scan of rows takes.
const vectorBytes = 64

func newSpace(metric *gallery.Metric) *space {
	s := &space{metric: metric, unit: slices.Max(metric.Weights())}
	for i, w := range metric.Weights() {
		s.weights = append(s.weights, float32(float64(w)/float64(s.unit)))
		column := int32(-1)
		if w > 0 {
			column = int32(len(s.columns))
			s.columns = append(s.columns, i)
		}
		s.columnOf = append(s.columnOf, column)
	}
	s.stride = (len(s.columns) + vectorBytes - 1) / vectorBytes * vectorBytes
	s.scratch.New = func() any { return new(scratch) }
	return s
}

// scratch is what a scan needs for a moment.
type scratch struct {
	distances [segmentSize]float32
	lists     []list
	row       []byte
	sums      [blockRows]uint32
}

// check returns an error where a vector is none of the space.
func (s *space) check(v gallery.Vector) error {
	if v.Length() != len(s.weights) {
		return fmt.Errorf("index: received an embedding of %d numbers, expected %d", v.Length(), len(s.weights))
	}
	for i, value := range v.All() {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return fmt.Errorf("index: number %d of the embedding is %v, expected a finite one", i, value)
		}
	}
	return nil
}

// query is a vector to be searched for.
type query struct {
	vector   gallery.Vector
	weighted []float32 // by column
	terms    []term
	norm     float32 // of the terms
}

// query prepares a vector that was checked.
func (s *space) query(v gallery.Vector) *query {
	terms, norm := s.terms(nil, v)
	return &query{vector: v, weighted: s.weighted(nil, v), terms: terms, norm: norm}
}

// weighted appends a vector's weighted numbers, one a column.
func (s *space) weighted(to []float32, v gallery.Vector) []float32 {
	from := len(to)
	to = slices.Grow(to, len(s.columns))[:from+len(s.columns)]
	clear(to[from:])
	for i, value := range v.All() {
		if c := s.columnOf[i]; c >= 0 {
			to[from+int(c)] = s.weights[i] * value
		}
	}
	return to
}
