package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// run is one call of the encoder, under way or over.
type run struct {
	units   []*unit
	started time.Time
	took    time.Duration // once it is over
}

// own is a runner: the goroutine that owns an encoder.
func (q *Queue) own(e *encoder) {
	for {
		r, hold := q.take()
		if r != nil {
			q.carryOut(e, r)
			continue
		}
		var later <-chan time.Time // never, unless images are held back
		if hold > 0 {
			later = time.After(hold)
		}
		select {
		case <-q.ctx.Done():
			return
		case <-q.wake:
		case <-later:
		}
	}
}

// take removes the images of the next run from the queue, in their order. It
// returns no run where nothing waits or, with how long that may still be, where
// images are held back for others.
func (q *Queue) take() (*run, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if q.waitingLocked() == 0 {
		return nil, 0
	}
	if hold := q.holdLocked(now); hold > 0 {
		return nil, hold
	}
	r := &run{started: now}
	for size := q.shareLocked(); len(r.units) < size; {
		u := q.liveLocked(now, size)
		if u == nil {
			break
		}
		q.leaveLocked(u)
		u.taken = true
		r.units = append(r.units, u)
		if q.completesLocked(r, size) {
			break
		}
	}
	if len(r.units) == 0 {
		return nil, 0
	}
	q.counts.begin(len(r.units))
	q.signalLocked() // what is left is for the next runner
	return r, 0
}

// completesLocked reports whether a short run has the last image of a call and would
// go on with one that it can't complete: who wants little does not wait for that.
func (q *Queue) completesLocked(r *run, size int) bool {
	next := q.nextLocked()
	if !q.cfg.ShortRuns || len(r.units) < shortLeast || next == nil || next.ticket == nil {
		return false
	}
	last := r.units[len(r.units)-1].ticket
	return last != nil && last != next.ticket && last.room == 0 && next.ticket.room > size-len(r.units)
}

// waitingLocked is how many images wait.
func (q *Queue) waitingLocked() int { return q.order.Len() + len(q.urgent) }

// nextLocked returns the image whose turn it is, which waits on; nil where none does.
func (q *Queue) nextLocked() *unit {
	if len(q.urgent) > 0 {
		return q.urgent[0]
	}
	u, _ := q.order.Peek()
	return u
}

// liveLocked takes the next image for a run of that size. The callers before it that
// are gone or can't be served in time are dropped: they cost no compute.
func (q *Queue) liveLocked(now time.Time, size int) *unit {
	for {
		u := q.nextLocked()
		if u == nil {
			return nil
		}
		for _, w := range slices.Clone(u.wanted) {
			if err := q.deadLocked(w.job, now, size); err != nil {
				q.dropLocked(w.job, err)
			}
		}
		switch {
		case len(u.wanted) == 0: // it has left
		case len(q.urgent) > 0:
			q.urgent = q.urgent[1:]
			return u
		default:
			q.order.Pop()
			return u
		}
	}
}

// holdLocked is how long the oldest image is still to be held back.
func (q *Queue) holdLocked(now time.Time) time.Duration {
	if q.cfg.Wait == 0 || q.waitingLocked() >= q.cfg.MaxBatch || len(q.urgent) > 0 {
		return 0
	}
	oldest := now
	for u := range q.order.All {
		if submitted := u.wanted[0].job.submitted; submitted.Before(oldest) {
			oldest = submitted
		}
	}
	return q.cfg.Wait - now.Sub(oldest)
}

// A short run takes this part of what waits, and a pair where there is one.
const (
	shortPart  = 3
	shortLeast = 2
)

// shareLocked is how many of the images that wait the next run carries: runners
// that are free share them.
func (q *Queue) shareLocked() int {
	waiting, free := q.waitingLocked(), q.cfg.Runners-q.counts.running
	share := (waiting + free - 1) / free
	if q.cfg.ShortRuns {
		share = min(share, max((waiting+shortPart-1)/shortPart, shortLeast))
	}
	return min(share, q.cfg.MaxBatch)
}

// deadLocked returns why a job is not worth encoding by a run of that size; nil if
// it is. Where others would fill the run, a caller that will probably be late makes
// room for them.
func (q *Queue) deadLocked(j *job, now time.Time, size int) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	deadline, ok := j.ctx.Deadline()
	if !ok {
		return nil
	}
	need := max(q.pace.run(now, size), q.pace.work(now, j.untaken(), q.cfg.Runners))
	if q.waitingLocked()-j.untaken() >= size {
		need = max(need, q.pace.usual(now, size), q.pace.wait(now, j.untaken(), q.cfg.Runners))
	}
	if need > deadline.Sub(now) {
		return ErrUnmeetable
	}
	return nil
}

// carryOut carries a run out and gives each job its share.
func (q *Queue) carryOut(e *encoder, r *run) {
	output, err := e.encode(q.ctx, r.units)
	r.took = time.Since(r.started)
	if err != nil && q.ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrClosed, err) // most likely because of it
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.end(r, err)
	if err == nil {
		q.pace.note(r)
	}
	for i, u := range r.units {
		q.forgetLocked(u)
		if err != nil {
			q.failLocked(u, err)
			continue
		}
		// A copy: output is the runner's memory, and a caller that keeps
		// one embedding should not keep a whole run alive.
		length := q.cfg.EmbeddingLength
		q.deliverLocked(u, slices.Clone(output[i*length:(i+1)*length]), r)
	}
}

func (q *Queue) deliverLocked(u *unit, embedding []float32, r *run) {
	for _, w := range u.wanted {
		w.job.store(w.image, embedding, r)
		if w.job.missing == 0 {
			q.finishLocked(w.job, nil)
		}
	}
	u.wanted = nil
}

// failLocked ends all jobs that want the unit. What else they have in the queue
// leaves it: they could not use it.
func (q *Queue) failLocked(u *unit, err error) {
	for _, w := range slices.Clone(u.wanted) {
		q.counts.dropped[DropFailed] += uint64(q.finishLocked(w.job, err))
	}
}

// encoder calls the runner function. It belongs to one runner goroutine alone.
type encoder struct {
	cfg     Config
	run     Runner
	staging []byte // the images of a run side by side; reused by every run
}

// encode runs the units' images and returns float32 [images, EmbeddingLength],
// valid until the next call.
func (e *encoder) encode(ctx context.Context, units []*unit) ([]float32, error) {
	e.staging = e.staging[:0]
	for _, u := range units {
		e.staging = append(e.staging, u.pixels...)
	}
	size := e.cfg.size(len(units))
	e.staging = append(e.staging, make([]byte, (size-len(units))*e.cfg.ImageBytes)...)
	output, err := e.guarded(ctx)
	if err != nil {
		return nil, err
	}
	if expected := size * e.cfg.EmbeddingLength; len(output) != expected {
		return nil, &OutputError{Images: size, Received: len(output), Expected: expected}
	}
	return output[:len(units)*e.cfg.EmbeddingLength], nil
}

// guarded calls the runner and turns its panic into an error: the goroutine is shared by
// all callers and has to outlive a run that fails.
func (e *encoder) guarded(ctx context.Context) (output []float32, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return e.run(ctx, e.staging)
}
