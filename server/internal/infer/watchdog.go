package infer

import (
	"context"
	"sync"
	"time"

	"siamese/server/batch"
	"siamese/server/internal/fault"
)

// Watch looks at the default version of every model every period until ctx is done.
// Each run of its encoder that ends well is proof that it answers: being busy is no
// fault. Where there was none within the period, it has to encode one image, before all
// that wait, or end any run, within timeout. Health follows. One runner that hangs does
// not fail health while another goes on. Where period is 0 Watch returns at once.
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
			r.probeAll(ctx, period, timeout)
		}
	}
}

// probeAll looks at all models side by side, so that none waits for one that hangs.
func (r *Registry) probeAll(ctx context.Context, period, timeout time.Duration) {
	var probes sync.WaitGroup
	defer probes.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.models {
		if m.chosen != nil {
			h := r.holdLocked(m.chosen)
			probes.Go(func() { r.probe(ctx, m, h, period, timeout) })
		}
	}
}

// probe looks at a model's default version and lets go of the handle on it.
func (r *Registry) probe(ctx context.Context, of *namedModel, h *Handle, period, timeout time.Duration) {
	defer h.Release()
	var err error
	if h.model.engine.sinceSuccess() >= period {
		patience, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err = fault.Guard(func() error { return h.model.engine.probe(patience) })
		if err != nil && h.model.engine.sinceSuccess() < timeout {
			err = nil // it has made progress meanwhile
		}
	}
	if ctx.Err() == nil {
		r.setHealth(of, h.model, err)
	}
}

// probe encodes one gray image by the runners that calls go by, so that an encoder
// which hangs is found too, but does not wait behind calls.
func (e *engine) probe(ctx context.Context) error {
	image := make([]byte, e.info.Height*e.info.Width*3)
	for i := range image {
		image[i] = 127
	}
	embedding, err := e.queue.Probe(ctx, batch.Image{Pixels: image})
	if err != nil {
		return err
	}
	return checkEmbeddings([][]float32{embedding})
}

// setHealth notes whether a version answers. One that is not its model's default any
// more has no say in health.
func (r *Registry) setHealth(of *namedModel, m *loadedModel, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if of.chosen != m || m.failing == (err != nil) {
		return
	}
	m.failing = err != nil
	r.tellHealthLocked(of)
	if err != nil {
		r.cfg.Log.Error("the model does not answer: health says NOT_SERVING", "model", of.name, "version", m.engine.info.Version, "err", err)
		return
	}
	r.cfg.Log.Info("the model answers again", "model", of.name, "version", m.engine.info.Version)
}
