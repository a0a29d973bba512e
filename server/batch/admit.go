package batch

import (
	"context"
	"fmt"
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
		if err := q.admitLocked(j.ctx, reserved); err != nil {
			return err
		}
	}
	created := q.attachLocked(j, images)
	q.room.Release(int64(reserved - created))
	q.signalLocked()
	return nil
}

// admitLocked takes room for n images or refuses them.
func (q *Queue) admitLocked(ctx context.Context, n int) error {
	if n == 0 {
		return nil
	}
	if err := q.timelyLocked(ctx, n); err != nil {
		return err
	}
	if !q.room.TryAcquire(int64(n)) {
		return &FullError{Wanted: n, Queued: len(q.waiting) + q.reserved, Capacity: q.cfg.MaxQueued}
	}
	return nil
}

// timelyShare is the part of a caller's time that its wait may usually take. The
// rest is for runs that take longer, and for what a call does besides.
const timelyShare = 0.8

// timelyLocked refuses n images that would be encoded after their caller's
// deadline, by their own number or by those before them.
func (q *Queue) timelyLocked(ctx context.Context, n int) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	now := time.Now()
	left := deadline.Sub(now)
	if q.pace.work(now, n, q.cfg.Runners) > left {
		q.counts.dropped[DropUnmeetable] += uint64(n)
		return ErrUnmeetable
	}
	ahead := q.aheadLocked()
	wait := q.pace.wait(now, ahead+n, q.cfg.Runners)
	if ahead > 0 && float64(wait) > timelyShare*float64(left) {
		return &FullError{Wanted: n, Queued: len(q.waiting) + q.reserved, Capacity: q.cfg.MaxQueued, Wait: wait}
	}
	return nil
}

// aheadLocked is how many images are to be encoded before the next one that
// comes. Where no runner is free, those under way count. Once runs are full an
// image ends with the last of its own run, whose others count too: without them a
// queue under overload fills with callers whose turn comes a moment too late.
func (q *Queue) aheadLocked() int {
	ahead := len(q.waiting) + q.reserved
	isFull := ahead >= q.cfg.MaxBatch
	if q.counts.running == q.cfg.Runners {
		ahead += q.counts.inFlight
	}
	if isFull {
		ahead += q.cfg.MaxBatch - 1
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

// Place is room in a queue for images that are still to be prepared, so that
// nothing is prepared that will be refused. It belongs to one goroutine at a time,
// which either submits the images or gives the place back.
type Place struct {
	queue  *Queue
	images int // zero once given back
}

// Reserve takes a place for at most n images, as [Queue.Submit] would: it is
// refused with [ErrFull] or [ErrUnmeetable] where they would be. Images that come
// later wait behind it. Release must be called in the end; it may be called after
// Submit.
func (q *Queue) Reserve(ctx context.Context, n int) (*Place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if err := q.admitLocked(ctx, n); err != nil {
		q.refuseLocked(err, n)
		return nil, err
	}
	q.reserved += n
	return &Place{queue: q, images: n}, nil
}

// Submit is [Queue.Submit] for at most as many images as the place is for; it
// gives back what is too much. The images keep no place in the order: they come
// behind those that are in the queue.
func (p *Place) Submit(ctx context.Context, images []Image) ([][]float32, Report, error) {
	defer p.Release()
	if len(images) > p.images {
		return nil, Report{}, fmt.Errorf("place in the queue is for %d images, received %d", p.images, len(images))
	}
	return p.queue.submit(ctx, images, func(j *job) error {
		return p.queue.enter(j, images, p.take())
	})
}

// Release gives the place back. It may be called more than once.
func (p *Place) Release() {
	if n := p.take(); n > 0 {
		p.queue.room.Release(int64(n))
	}
}

// take ends the place and returns the room that it held.
func (p *Place) take() int {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	n := p.images
	p.images = 0
	p.queue.reserved -= n
	return n
}
