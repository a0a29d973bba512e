package batch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"siamese/server/internal/fair"
)

// party is a caller with images in the queue or on their way there.
type party struct {
	name  string
	calls map[*ticket]bool
	room  int // images of its calls
}

// ticket is a call's room in the queue: for images that wait, or for which a place
// was taken. The queue's mutex guards it.
type ticket struct {
	party *party
	room  int
}

// flow tells the order whose images the ticket is for.
func (t *ticket) flow() fair.Flow { return fair.Flow{Caller: t.party.name, Call: t} }

// ticketLocked returns a ticket of a caller without room; it is forgotten as long as
// it has none.
func (q *Queue) ticketLocked(caller string) *ticket {
	p, ok := q.parties[caller]
	if !ok {
		p = &party{name: caller, calls: make(map[*ticket]bool)}
	}
	return &ticket{party: p}
}

// occupyLocked gives a ticket room for n images more, or takes it away where n is
// negative. Who waits for room is told.
func (q *Queue) occupyLocked(t *ticket, n int) {
	if n == 0 {
		return
	}
	p := t.party
	if known, ok := q.parties[p.name]; ok {
		p = known // of the same name, begun since the ticket was made
		t.party = p
	}
	t.room += n
	p.room += n
	q.room += n
	q.parties[p.name], p.calls[t] = p, true
	if t.room == 0 {
		delete(p.calls, t)
	}
	if p.room == 0 {
		delete(q.parties, p.name)
	}
	if n < 0 {
		q.admitWaitingLocked()
	}
}

// fitsLocked reports whether a call of a caller may have n images more. A call in an
// empty queue may have MaxQueued. What others of the same caller have leaves it less,
// but always something until together they have half as many again; and what other
// callers have leaves a caller less, but always something until all together have
// three times as many. So nobody who wants little is kept out by one who has much.
func (q *Queue) fitsLocked(t *ticket, n int) bool {
	of, most := t.party.room, q.cfg.MaxQueued
	return 3*n <= 3*most-2*of && 2*(of+n) <= 3*most-(q.room-of)
}

// enter puts a job into the queue, into a place or, where there is none, with what
// room it finds.
func (q *Queue) enter(j *job, caller string, images []Image, place *Place) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	t, held := place.takeLocked()
	if t == nil {
		t = q.ticketLocked(caller)
		if err := q.admitLocked(j.ctx, t, q.freshLocked(images)); err != nil {
			return err
		}
	}
	created := q.attachLocked(j, t, images)
	q.occupyLocked(t, created-held)
	q.signalLocked()
	return nil
}

// admitLocked refuses n images that find no room now, or come too late.
func (q *Queue) admitLocked(ctx context.Context, t *ticket, n int) error {
	if n == 0 {
		return nil
	}
	if err := q.timelyLocked(ctx, t, n); err != nil {
		return err
	}
	if !q.fitsLocked(t, n) {
		return &FullError{Wanted: n, Queued: q.room, Capacity: q.cfg.MaxQueued}
	}
	return nil
}

// timelyShare is the part of a caller's time that its wait may usually take. The
// rest is for runs that take longer, and for what a call does besides.
const timelyShare = 0.8

// timelyLocked refuses n images that would be encoded after their caller's
// deadline, by their own number or by those before them.
func (q *Queue) timelyLocked(ctx context.Context, t *ticket, n int) error {
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
	ahead := q.aheadLocked(t, n)
	wait := q.pace.wait(now, ahead+n, q.cfg.Runners)
	if ahead > 0 && float64(wait) > timelyShare*float64(left) {
		return &FullError{Wanted: n, Queued: q.room, Capacity: q.cfg.MaxQueued, Wait: wait}
	}
	return nil
}

// aheadLocked is how many images are to be encoded before the last of n that a call
// brings. While it has its turns, each other call of its caller has as many, and each
// other caller as many as its own. Where no runner is free, those under way count.
// Once runs are full an image ends with the last of its own run, whose others count
// too: without them a queue under overload fills with callers whose turn comes a
// moment too late.
func (q *Queue) aheadLocked(t *ticket, n int) int {
	own := 0
	for other := range t.party.calls {
		own += min(other.room, n)
	}
	ahead := own
	for _, other := range q.parties {
		if other.name != t.party.name {
			ahead += min(other.room, own+n)
		}
	}
	isFull := ahead >= q.cfg.MaxBatch
	if q.counts.running == q.cfg.Runners {
		ahead += q.counts.inFlight
	}
	if isFull {
		ahead += q.cfg.MaxBatch - 1
	}
	return ahead
}

// newcomer is a caller that waits for room.
type newcomer struct {
	caller string
	images int
	place  *Place        // once it fits
	isIn   chan struct{} // closed then
}

// awaitRoom blocks until n images of a caller fit, ctx is done or the queue is
// closed, and returns their place.
func (q *Queue) awaitRoom(ctx context.Context, caller string, n int) (*Place, error) {
	q.mu.Lock()
	w := &newcomer{caller: caller, images: n, isIn: make(chan struct{})}
	q.newcomers = append(q.newcomers, w)
	q.admitWaitingLocked()
	q.mu.Unlock()
	var err error
	select {
	case <-w.isIn:
		return w.place, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-q.ctx.Done():
		err = ErrClosed
	}
	q.mu.Lock()
	q.newcomers = slices.DeleteFunc(q.newcomers, func(other *newcomer) bool { return other == w })
	q.mu.Unlock()
	w.place.Release() // it may have been let in meanwhile
	return nil, err
}

// admitWaitingLocked gives room to those who wait for it and fit, in the order in
// which they came.
func (q *Queue) admitWaitingLocked() {
	waiting := q.newcomers
	q.newcomers = nil
	for _, w := range waiting {
		t := q.ticketLocked(w.caller)
		if !q.fitsLocked(t, w.images) {
			q.newcomers = append(q.newcomers, w)
			continue
		}
		w.place = q.placeLocked(t, w.images)
		close(w.isIn)
	}
}

// Place is what a call has said that it brings, before its images are prepared, so
// that nothing is prepared that will be refused. It takes of its own caller's room in
// the queue and counts for those who come later; nothing waits for it. It belongs to
// one goroutine at a time, which either submits the images or gives the place back.
type Place struct {
	queue  *Queue
	ticket *ticket
	images int // zero once given back
}

// Reserve takes a place for at most n images, as Submit would: it is refused with
// [ErrFull] or [ErrUnmeetable] where they would be. Release must be called in the
// end; it may be called after Submit.
func (c Caller) Reserve(ctx context.Context, n int) (*Place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	t := q.ticketLocked(c.name)
	if err := q.admitLocked(ctx, t, n); err != nil {
		q.refuseLocked(err, n)
		return nil, err
	}
	return q.placeLocked(t, n), nil
}

func (q *Queue) placeLocked(t *ticket, n int) *Place {
	q.occupyLocked(t, n)
	q.reserved += n
	return &Place{queue: q, ticket: t, images: n}
}

// Submit is [Caller.Submit] for at most as many images as the place is for; it
// gives back what is too much.
func (p *Place) Submit(ctx context.Context, images []Image) ([][]float32, Report, error) {
	defer p.Release()
	if len(images) > p.images {
		return nil, Report{}, fmt.Errorf("place in the queue is for %d images, received %d", p.images, len(images))
	}
	return p.queue.submit(ctx, images, func(j *job) error {
		return p.queue.enter(j, "", images, p)
	})
}

// Release gives the place back. It may be called more than once, and of nil.
func (p *Place) Release() {
	if p == nil {
		return
	}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	t, n := p.takeLocked()
	p.queue.occupyLocked(t, -n)
}

// takeLocked ends the place and returns the room that it held; no ticket without a
// place.
func (p *Place) takeLocked() (*ticket, int) {
	if p == nil {
		return nil, 0
	}
	n := p.images
	p.images = 0
	p.queue.reserved -= n
	return p.ticket, n
}
