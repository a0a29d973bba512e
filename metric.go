package siamese

import (
	"context"
	"errors"

	"siamese/gallery"
)

// ErrNoMetric says that a model's head does not measure a distance, or is not known: its
// metric has to be learnt by gallery.LearnMetric.
var ErrNoMetric = errors.New("siamese: the model tells no metric")

// Metric is the distance that orders pairs nearly as the model's similarity does, for
// finding what is alike in galleries. [ErrNoMetric] where the model tells none.
func (m *Model) Metric() (*gallery.Metric, error) {
	weights := m.network.MetricWeights()
	if weights == nil {
		return nil, ErrNoMetric
	}
	return gallery.NewMetric(m.Digest(), weights)
}

// Head scores pairs of embeddings, for galleries, as Compare scores those of images. It
// can be used until the model is closed.
func (m *Model) Head() gallery.Head { return head{m} }

type head struct{ model *Model }

// Compare is as gallery.Head has it. ctx is treated as by Model.Compare.
func (h head) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	return h.model.network.Compare(ctx, a, b)
}
