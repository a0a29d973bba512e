package server

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"siamese/server/batch"
)

// pulse is a model of which is known when it last did what it should.
type pulse struct {
	Model
	beat atomic.Int64 // nanoseconds since 1970
}

// newPulse begins with a beat: a model that is served has just been proven.
func newPulse(model Model) *pulse {
	p := &pulse{Model: model}
	p.beat.Store(time.Now().UnixNano())
	return p
}

// Encode is the model's, and a beat where it returned numbers.
func (p *pulse) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	embeddings, err := p.Model.Encode(ctx, pixels)
	broken := func(v float32) bool { return !isFinite(v) }
	if err == nil && len(embeddings) > 0 && !slices.ContainsFunc(embeddings, broken) {
		p.beat.Store(time.Now().UnixNano())
	}
	return embeddings, err
}

// age is the time since the last beat.
func (p *pulse) age() time.Duration { return time.Since(time.Unix(0, p.beat.Load())) }

// watch looks at the default model every Config.WatchdogPeriod until ctx is
// done.
func (s *Server) watch(ctx context.Context) {
	if s.cfg.WatchdogPeriod == 0 {
		return
	}
	ticker := time.NewTicker(s.cfg.WatchdogPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.examine(ctx)
		}
	}
}

// examine has the default model encode an image, unless a call has had it do so
// within the period, and sets health by the outcome.
func (s *Server) examine(ctx context.Context) {
	t, err := s.roster.enter("")
	if err != nil {
		return // no model yet: health says so
	}
	defer s.roster.leave(t)
	if t.pulse.age() >= s.cfg.WatchdogPeriod {
		patience, cancel := context.WithTimeout(ctx, s.cfg.WatchdogTimeout)
		defer cancel()
		err = guard(func() error { return t.engine.probe(patience) })
	}
	if ctx.Err() == nil {
		s.judge(t, err)
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
	return checkEmbeddings(embeddings)
}

// judge turns health to NOT_SERVING for an error and back where there is none.
// A model that is not the default any more is not judged.
func (s *Server) judge(t *tenant, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched != t || s.stalled == (err != nil) {
		return
	}
	s.stalled = err != nil
	s.setHealth(s.healthLocked())
	if err != nil {
		s.log.Error("the model does not answer: health says NOT_SERVING", "version", t.engine.info.Version, "err", err)
		return
	}
	s.log.Info("the model answers again", "version", t.engine.info.Version)
}
