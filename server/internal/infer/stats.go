package infer

import (
	"slices"
	"sync"

	"siamese/server/metrics"
)

// stats knows all engines that count, and what those counted that are gone, by the
// serving name of their model. The zero value is empty. It is safe for concurrent use.
type stats struct {
	mu      sync.Mutex
	engines []*engine
	past    map[string]metrics.Counts
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
		counts := s.past[e.info.ServingName]
		counts.AddPast(e.queue.Stats(), e.cache.Stats())
		if s.past == nil {
			s.past = make(map[string]metrics.Counts)
		}
		s.past[e.info.ServingName] = counts
	}
}

// sum adds up all engines of a model that there are and were.
func (s *stats) sum(model string) metrics.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := s.past[model]
	for _, e := range s.engines {
		if e.info.ServingName == model {
			sum.Add(e.queue.Stats(), e.cache.Stats())
		}
	}
	return sum
}

// Reading returns what each model has counted, versions included that are gone, and
// which versions are loaded.
func (r *Registry) Reading() metrics.Reading {
	reading := metrics.Reading{MaxQueued: r.cfg.MaxQueuedImages, MaxCacheBytes: r.cfg.CacheBytes}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.models {
		model := metrics.Model{Name: m.name, Counts: r.stats.sum(m.name)}
		for version, loaded := range m.byVersion {
			info := loaded.engine.info
			model.Versions = append(model.Versions, metrics.Version{
				Card: info.Name, Version: version, Digest: info.Digest, Precision: info.Precision, Default: loaded == m.chosen,
			})
		}
		reading.Models = append(reading.Models, model)
	}
	return reading
}
