package infer

import (
	"context"
	"time"

	"siamese/server/batch"
	"siamese/server/internal/fault"
)

// Watch probes the default model every period until ctx is done: unless a call has
// had it encode within the period, it has to encode one image within timeout, the
// wait in the queue included. Health follows. Where period is 0 Watch returns at
// once.
func (r *Registry) Watch(ctx context.Context, period, timeout time.Duration) {
	if period == 0 {
		return
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.probe(ctx, period, timeout)
		}
	}
}

func (r *Registry) probe(ctx context.Context, period, timeout time.Duration) {
	h, err := r.Acquire("")
	if err != nil {
		return // no model yet: health says so
	}
	defer h.Release()
	if h.model.engine.sinceSuccess() >= period {
		patience, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err = fault.Guard(func() error { return h.model.engine.probe(patience) })
	}
	if ctx.Err() == nil {
		r.setHealth(h.model, err)
	}
}

// probe encodes one gray image by the way that calls go, so that a runner which
// hangs is found too.
func (e *engine) probe(ctx context.Context) error {
	image := make([]byte, e.info.Height*e.info.Width*3)
	for i := range image {
		image[i] = 127
	}
	embeddings, _, err := e.queue.Submit(ctx, []batch.Image{{Pixels: image}})
	if err != nil {
		return err
	}
	if err := checkEmbeddings(embeddings); err != nil {
		return err
	}
	e.markHealthy()
	return nil
}

// setHealth notes whether a model answers. One that is not the default any more
// has no say in health.
func (r *Registry) setHealth(m *loadedModel, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.defaultModel != m || m.failing == (err != nil) {
		return
	}
	m.failing = err != nil
	r.tellHealthLocked()
	if err != nil {
		r.cfg.Log.Error("the model does not answer: health says NOT_SERVING", "version", m.engine.info.Version, "err", err)
		return
	}
	r.cfg.Log.Info("the model answers again", "version", m.engine.info.Version)
}
