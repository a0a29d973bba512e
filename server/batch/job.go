package batch

import (
	"context"
	"time"
)

// job is one submission. Its state is guarded by the queue's mutex until done
// is closed; after that it does not change.
type job struct {
	// The context of the call that waits: a queued request is the one place
	// where a context is kept, so that a caller who left can be skipped.
	ctx       context.Context
	submitted time.Time
	done      chan struct{} // closed when the job has ended

	units      []*unit // of the images in turn; one may be there twice
	missing    int     // images that have no embedding yet
	embeddings [][]float32
	report     Report
	encoded    time.Time // the end of the runs that are counted in report
	finished   bool
	err        error
}

func newJob(ctx context.Context, images int) *job {
	return &job{
		ctx:        ctx,
		submitted:  time.Now(),
		done:       make(chan struct{}),
		missing:    images,
		embeddings: make([][]float32, images),
	}
}

// settle stores the embedding of image i, which run r has carried.
func (j *job) settle(i int, embedding []float32, r *run) {
	j.embeddings[i] = embedding
	j.missing--
	j.report.Queue = max(j.report.Queue, r.started.Sub(j.submitted))
	// Runs side by side count once: the time in which any was under way.
	if end := r.started.Add(r.took); end.After(j.encoded) {
		begin := r.started
		if j.encoded.After(begin) {
			begin = j.encoded
		}
		j.report.Encode += end.Sub(begin)
		j.encoded = end
	}
}

// untaken counts the job's images that no run has taken.
func (j *job) untaken() int {
	n := 0
	for _, u := range j.units {
		if !u.taken {
			n++
		}
	}
	return n
}

// result returns what became of the job; only once done is closed.
func (j *job) result() ([][]float32, Report, error) {
	if j.err != nil {
		return nil, Report{}, j.err
	}
	return j.embeddings, j.report, nil
}
