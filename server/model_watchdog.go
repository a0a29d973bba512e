package server

import (
	"context"
	"time"

	"siamese/server/batch"
	"siamese/server/internal/fault"
)

// prove notes that the encoder has just returned what it should.
func (e *engine) prove() { e.proven.Store(time.Now().UnixNano()) }

// unproven is the time since then.
func (e *engine) unproven() time.Duration { return time.Since(time.Unix(0, e.proven.Load())) }

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
	if t.engine.unproven() >= s.cfg.WatchdogPeriod {
		patience, cancel := context.WithTimeout(ctx, s.cfg.WatchdogTimeout)
		defer cancel()
		err = fault.Guard(func() error { return t.engine.probe(patience) })
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
	if err := checkEmbeddings(embeddings); err != nil {
		return err
	}
	e.prove()
	return nil
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
