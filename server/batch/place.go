package batch

import (
	"context"
	"fmt"
)

// Place is room in a queue for images that are still to be prepared, so that
// nobody prepares what will be refused. It belongs to one goroutine at a time,
// which either submits the images or gives the place back.
type Place struct {
	queue  *Queue
	images int // zero once given back
}

// Reserve takes a place for at most n images, as [Queue.Submit] would: it is
// refused with [ErrFull] or [ErrHopeless] where they would be. Images that come
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
