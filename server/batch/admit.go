package batch

import (
	"context"
	"time"
)

// enter puts a job into the queue, with room that was reserved for it or, where
// none was, with what it finds.
func (q *Queue) enter(j *job, images []Image, reserved int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.room.Release(int64(reserved))
		return ErrClosed
	}
	if reserved == 0 {
		reserved = q.freshLocked(images)
		if err := q.admitLocked(j, reserved); err != nil {
			return err
		}
	}
	created := q.attachLocked(j, images)
	q.room.Release(int64(reserved - created))
	q.signalLocked()
	return nil
}

// admitLocked takes room for n images or refuses them.
func (q *Queue) admitLocked(j *job, n int) error {
	if n == 0 {
		return nil
	}
	if err := q.timelyLocked(j, n); err != nil {
		return err
	}
	if !q.room.TryAcquire(int64(n)) {
		return &FullError{Wanted: n, Queued: len(q.waiting), Capacity: q.cfg.MaxQueued}
	}
	return nil
}

// timelyLocked refuses n images that would be encoded after their caller's
// deadline, by their own number or by those before them.
func (q *Queue) timelyLocked(j *job, n int) error {
	deadline, ok := j.ctx.Deadline()
	if !ok {
		return nil
	}
	now := time.Now()
	left := deadline.Sub(now)
	if q.pace.work(now, n, q.cfg.Runners) > left {
		q.counts.dropped[DropHopeless] += uint64(n)
		return ErrHopeless
	}
	if wait := q.pace.work(now, q.aheadLocked()+n, q.cfg.Runners); wait > left {
		return &FullError{Wanted: n, Queued: len(q.waiting), Capacity: q.cfg.MaxQueued, Wait: wait}
	}
	return nil
}

// aheadLocked is how many images are to be encoded before the next one that
// comes. Once runs are full it ends with the last of its own run, whose other
// images count too: without them, and those under way, a queue under overload
// fills with callers whose turn comes a moment too late.
func (q *Queue) aheadLocked() int {
	ahead := len(q.waiting)
	if ahead >= q.cfg.MaxBatch {
		ahead += q.counts.inFlight + q.cfg.MaxBatch - 1
	}
	return ahead
}

// awaitRoom blocks until n images fit, ctx is done or the queue is closed.
func (q *Queue) awaitRoom(ctx context.Context, n int) error {
	either, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.ctx, cancel)()
	if err := q.room.Acquire(either, int64(n)); err != nil {
		if ctx.Err() == nil {
			return ErrClosed
		}
		return ctx.Err()
	}
	return nil
}
