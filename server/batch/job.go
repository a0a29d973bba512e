package batch

import (
	"context"
	"slices"
	"time"
)

// job is one submission. Its state is guarded by the queue's mutex until done
// is closed; after that it does not change.
type job struct {
	// The context of the call that waits: a queued request is the one place
	// where a context is kept, so that a caller who left can be skipped.
	ctx       context.Context
	images    [][]byte
	submitted time.Time
	done      chan struct{} // closed when the job has ended

	taken      int // images that a run has taken
	settled    int // images that have their embedding
	finished   bool
	embeddings [][]float32
	timing     Timing
	err        error
}

// span is the part of a job that one run carries: images [from, to).
type span struct {
	job      *job
	from, to int
}

func newJob(ctx context.Context, images [][]byte) *job {
	return &job{
		ctx:        ctx,
		images:     images,
		submitted:  time.Now(),
		done:       make(chan struct{}),
		embeddings: make([][]float32, len(images)),
	}
}

func (j *job) untaken() int { return len(j.images) - j.taken }

// settle stores the embeddings of a span. Each is a copy of its own: output is
// the runner's memory, and a caller that keeps one embedding should not keep a
// whole run alive.
func (j *job) settle(s span, output []float32, started time.Time, took time.Duration) {
	if j.finished {
		return
	}
	length := len(output) / (s.to - s.from)
	for i := s.from; i < s.to; i++ {
		j.embeddings[i] = slices.Clone(output[:length])
		output = output[length:]
	}
	j.settled += s.to - s.from
	j.timing.Queue = max(j.timing.Queue, started.Sub(j.submitted))
	j.timing.Encode += took
}

func (j *job) finish(err error) {
	if j.finished {
		return
	}
	j.finished = true
	j.err = err
	close(j.done)
}

// result returns what became of the job; only once done is closed.
func (j *job) result() ([][]float32, Timing, error) {
	if j.err != nil {
		return nil, Timing{}, j.err
	}
	return j.embeddings, j.timing, nil
}
