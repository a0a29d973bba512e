package galleries

import (
	"context"
	"slices"
	"sync"
	"time"

	"siamese/gallery"
	"siamese/server/internal/infer"
)

// searcher returns what finds things by a gallery's model.
func (s *Service) searcher(model *infer.Handle) (*gallery.Searcher, *timedHead, error) {
	metric, err := s.metrics.of(model.Info())
	if err != nil {
		return nil, nil, err
	}
	head := &timedHead{model: model}
	return &gallery.Searcher{Store: s.cfg.Store, Head: head, Metric: metric}, head, nil
}

// timedHead is a model's head that tells how long it took.
type timedHead struct {
	model *infer.Handle

	mu   sync.Mutex
	took time.Duration
}

// Compare implements gallery.Head.
func (h *timedHead) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	started := time.Now()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.took += time.Since(started)
	}()
	return h.model.CompareEmbeddings(ctx, a, b)
}

// time is how long all runs took until now.
func (h *timedHead) time() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.took
}

// metricCache makes the metric of a model once: of one that tells no weights all numbers
// of an embedding weigh alike. It is safe for concurrent use.
type metricCache struct {
	mu   sync.Mutex
	made map[string]*gallery.Metric // by the model's digest
}

// maxMetrics is more than there are models at a time: those that went are forgotten.
const maxMetrics = 16

func (c *metricCache) of(model infer.ModelInfo) (*gallery.Metric, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if metric, ok := c.made[model.Digest]; ok {
		return metric, nil
	}
	weights := model.MetricWeights
	if weights == nil {
		weights = slices.Repeat([]float32{1}, model.EmbeddingLength)
	}
	metric, err := gallery.NewMetric(model.Digest, weights)
	if err != nil {
		return nil, err
	}
	if c.made == nil || len(c.made) == maxMetrics {
		c.made = make(map[string]*gallery.Metric)
	}
	c.made[model.Digest] = metric
	return metric, nil
}
