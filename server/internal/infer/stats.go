package infer

import (
	"slices"
	"sync"

	"siamese/server/metrics"
)

// stats knows all engines that count, and what those counted that are gone. The
// zero value is empty. It is safe for concurrent use.
type stats struct {
	mu      sync.Mutex
	engines []*engine
	past    metrics.Reading
}

func (s *stats) open(e *engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engines = append(s.engines, e)
}

// close takes an engine out, whose queue must be closed, and keeps its counts.
func (s *stats) close(e *engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.engines, e); i >= 0 {
		s.engines = slices.Delete(s.engines, i, i+1)
		s.past.AddPast(e.queue.Stats(), e.cache.Stats())
	}
}

// sum adds up all engines that there are and were.
func (s *stats) sum() metrics.Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := s.past
	for _, e := range s.engines {
		sum.Add(e.queue.Stats(), e.cache.Stats())
	}
	return sum
}

// Reading returns what all models together have counted, those included that are
// gone, and which of them are loaded.
func (r *Registry) Reading() metrics.Reading {
	reading := r.stats.sum()
	reading.MaxQueued, reading.MaxCacheBytes = r.cfg.MaxQueuedImages, r.cfg.CacheBytes
	r.mu.Lock()
	defer r.mu.Unlock()
	for version, m := range r.byVersion {
		info := m.engine.info
		reading.Models = append(reading.Models, metrics.Model{
			Name: info.Name, Version: version, Digest: info.Digest, Precision: info.Precision, Default: m == r.defaultModel,
		})
	}
	return reading
}
