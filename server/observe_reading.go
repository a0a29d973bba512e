package server

import (
	"context"
	"slices"
	"sync"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"siamese/server/metrics"
)

// ledger knows all engines that count, and what those counted that are gone. The
// zero value is empty. It is safe for concurrent use.
type ledger struct {
	mu      sync.Mutex
	engines []*engine
	past    metrics.Reading
}

func (l *ledger) open(e *engine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engines = append(l.engines, e)
}

// close takes an engine out, whose queue must be closed, and keeps its counts.
func (l *ledger) close(e *engine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.engines, e); i >= 0 {
		l.engines = slices.Delete(l.engines, i, i+1)
		l.past.AddPast(e.queue.Stats(), e.cache.Stats())
	}
}

// reading is the sum over all engines that there are and were.
func (l *ledger) reading() metrics.Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.past
	for _, e := range l.engines {
		sum.Add(e.queue.Stats(), e.cache.Stats())
	}
	return sum
}

// reading is what a scrape tells beside what is counted as it happens.
func (s *Server) reading() metrics.Reading {
	r := s.ledger.reading()
	r.MaxQueued, r.MaxCacheBytes = s.cfg.MaxQueuedImages, s.cfg.CacheBytes
	r.Serving = s.serving()
	r.ResidentBytes = residentBytes()
	r.Models = s.roster.models()
	r.Build = metrics.Build{
		Version: s.cfg.Build.Version, Revision: s.cfg.Build.Revision,
		GoVersion: s.cfg.Build.GoVersion, TensorFlowVersion: s.cfg.Build.TensorFlowVersion,
	}
	return r
}

// serving is what health says of the server as a whole.
func (s *Server) serving() bool {
	health, err := s.health.Check(context.Background(), &healthpb.HealthCheckRequest{})
	return err == nil && health.GetStatus() == healthpb.HealthCheckResponse_SERVING
}

// models describes the models that have a name.
func (r *roster) models() []metrics.Model {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []metrics.Model
	for version, t := range r.byVersion {
		info := t.engine.info
		all = append(all, metrics.Model{
			Name: info.Name, Version: version, Digest: info.Digest, Precision: info.Precision, Default: t == r.standard,
		})
	}
	return all
}
