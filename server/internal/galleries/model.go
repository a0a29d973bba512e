package galleries

import (
	"context"
	"sync"
	"time"

	"siamese/gallery"
	"siamese/server/internal/infer"
)

// searcher returns what finds things of a gallery by its model. It waits for a while where
// the gallery's metric is being learnt.
func (s *Service) searcher(ctx context.Context, info gallery.Info, model *infer.Handle) (*gallery.Searcher, *timedHead, error) {
	late := time.NewTimer(learnWait)
	defer late.Stop()
	searcher, head, release, err := s.searcherUntil(ctx, info, model, late.C)
	if err == nil {
		release()
	}
	return searcher, head, err
}

// longSearcher is searcher for what goes on for long: the gallery's metric stays until it
// is released.
func (s *Service) longSearcher(ctx context.Context, info gallery.Info, model *infer.Handle) (*gallery.Searcher, func(), error) {
	searcher, _, release, err := s.searcherUntil(ctx, info, model, nil)
	return searcher, release, err
}

func (s *Service) searcherUntil(ctx context.Context, info gallery.Info, model *infer.Handle, late <-chan time.Time) (*gallery.Searcher, *timedHead, func(), error) {
	head := &timedHead{model: model}
	searcher := &gallery.Searcher{Store: s.cfg.Store, Head: head}
	release := func() {}
	var err error
	if model.Info().MetricWeights != nil {
		searcher.Metric, err = s.metrics.of(model.Info())
	} else {
		searcher.Metric, release, err = s.learner.keep(ctx, info, late)
	}
	return searcher, head, release, err
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

// metricCache makes the metric of a model that tells its weights once. It is safe for
// concurrent use.
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
	metric, err := gallery.NewMetric(model.Digest, model.MetricWeights)
	if err != nil {
		return nil, err
	}
	if c.made == nil || len(c.made) == maxMetrics {
		c.made = make(map[string]*gallery.Metric)
	}
	c.made[model.Digest] = metric
	return metric, nil
}
