package oip

import (
	"context"
	"slices"
	"sync"
	"time"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
)

// statistics count the requests of this protocol, by model and version. The zero value
// is empty. It is safe for concurrent use.
type statistics struct {
	mu    sync.Mutex
	byKey map[key]*counts
}

// key names a version of a model of the protocol.
type key struct{ name, version string }

// counts are what there was of a version.
type counts struct {
	succeeded, failed uint64
	items             uint64
	sum               durations // of those that succeeded
	failing           time.Duration
	last              time.Time // when one succeeded
}

// durations are where the time of a request went, and how many items it had.
type durations struct {
	total, queue, input, infer, output time.Duration
	items                              int
}

// count counts a request.
func (s *statistics) count(k key, took durations, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byKey[k]
	if c == nil {
		if s.byKey == nil {
			s.byKey = make(map[key]*counts)
		}
		c = &counts{}
		s.byKey[k] = c
	}
	if !ok {
		c.failed++
		c.failing += took.total
		return
	}
	c.succeeded++
	c.items += uint64(took.items)
	c.last = time.Now()
	c.sum.total += took.total
	c.sum.queue += took.queue
	c.sum.input += took.input
	c.sum.infer += took.infer
	c.sum.output += took.output
}

// of tells what there was of a version.
func (s *statistics) of(k key) *inference.ModelStatistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byKey[k]
	if c == nil {
		c = &counts{}
	}
	told := &inference.ModelStatistics{
		Name: k.name, Version: k.version,
		InferenceCount: c.items,
		ExecutionCount: c.succeeded,
		InferenceStats: &inference.InferStatistics{
			Success:       duration(c.succeeded, c.sum.total),
			Fail:          duration(c.failed, c.failing),
			Queue:         duration(c.succeeded, c.sum.queue),
			ComputeInput:  duration(c.succeeded, c.sum.input),
			ComputeInfer:  duration(c.succeeded, c.sum.infer),
			ComputeOutput: duration(c.succeeded, c.sum.output),
		},
	}
	if !c.last.IsZero() {
		told.LastInference = uint64(c.last.UnixMilli())
	}
	return told
}

func duration(count uint64, sum time.Duration) *inference.StatisticDuration {
	return &inference.StatisticDuration{Count: count, Ns: uint64(sum)}
}

// ModelStatistics tells what there was of a model's versions, of those of all models
// where none is named.
func (s *Service) ModelStatistics(_ context.Context, request *inference.ModelStatisticsRequest) (*inference.ModelStatisticsResponse, error) {
	asked := s.models()
	if request.GetName() != "" {
		t, err := s.acquire(request.GetName(), request.GetVersion())
		if err != nil {
			return nil, err
		}
		defer t.release()
		asked = slices.DeleteFunc(asked, func(m served) bool { return m.name != t.name })
		if request.GetVersion() != "" {
			asked = []served{{name: t.name, versions: []string{t.handle.Info().Version}}}
		}
	} else if request.GetVersion() != "" {
		return nil, fault.TensorInvalid("received version %s without a model, expected its name", fault.Quote(request.GetVersion())).At("name")
	}
	response := &inference.ModelStatisticsResponse{}
	for _, model := range asked {
		for _, version := range model.versions {
			response.ModelStats = append(response.ModelStats, s.statistics.of(key{model.name, version}))
		}
	}
	return response, nil
}
