package batch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Queue is a bounded first-come-first-served queue of images before an encoder.
// It is safe for concurrent use.
type Queue struct {
	cfg     Config
	encoder encoder
	room    *semaphore.Weighted // one unit for each image that waits

	mu      sync.Mutex // guards waiting, queued, closed and the jobs' own state
	waiting []*job     // oldest first
	queued  int        // images in waiting that no run has taken
	closed  bool

	wake  chan struct{} // capacity 1: one signal says all there is to say
	ctx   context.Context
	stop  context.CancelFunc
	ended chan struct{} // closed when the owner goroutine has ended
}

// New returns a queue before run and starts the goroutine that owns it. The
// caller must Close it.
func New(cfg Config, run Runner) (*Queue, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	// The context is the queue's lifetime, not a call's: it is what runs are
	// given, since a run belongs to several callers.
	ctx, stop := context.WithCancel(context.Background())
	q := &Queue{
		cfg:     cfg,
		encoder: encoder{cfg: cfg, run: run},
		room:    semaphore.NewWeighted(int64(cfg.MaxQueued)),
		wake:    make(chan struct{}, 1),
		ctx:     ctx,
		stop:    stop,
		ended:   make(chan struct{}),
	}
	go q.own()
	return q, nil
}

// Submit encodes images, each uint8 [ImageBytes], and returns one embedding,
// float32 [EmbeddingLength], for each in the same order. The embeddings are the
// caller's; the images must stay unchanged for good, since a run may still read
// them after Submit has returned early.
//
// All images are queued or none: [ErrFull] when there is no room for all now.
// When ctx is done Submit returns its error at once; images that no run has
// taken leave the queue and are not encoded. [ErrClosed] says that the queue
// was closed; any other error is the runner's, a [*OutputError] or a
// [*PanicError], and concerns exactly the callers with images in that run.
func (q *Queue) Submit(ctx context.Context, images [][]byte) ([][]float32, Timing, error) {
	return q.submit(ctx, images, func(n int) error {
		if !q.room.TryAcquire(int64(n)) {
			return q.full(n)
		}
		return nil
	})
}

// SubmitWait is [Queue.Submit] for a caller that would rather wait for room
// than be refused; the wait counts as time in the queue. More images than the
// queue can ever hold are refused with [ErrFull].
func (q *Queue) SubmitWait(ctx context.Context, images [][]byte) ([][]float32, Timing, error) {
	return q.submit(ctx, images, func(n int) error { return q.awaitRoom(ctx, n) })
}

// Depth returns how many images wait, those of the run under way not counted.
func (q *Queue) Depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.queued
}

// Close fails the callers that wait with [ErrClosed], lets the run under way
// end and returns when it has. It may be called more than once.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	for len(q.waiting) > 0 {
		q.finishLocked(q.waiting[0], ErrClosed)
	}
	q.mu.Unlock()
	q.stop()
	<-q.ended
}

func (q *Queue) submit(ctx context.Context, images [][]byte, reserve func(n int) error) ([][]float32, Timing, error) {
	if err := q.checkImages(images); err != nil {
		return nil, Timing{}, err
	}
	if err := ctx.Err(); err != nil || len(images) == 0 {
		return nil, Timing{}, err
	}
	j := newJob(ctx, images)
	if err := reserve(len(images)); err != nil {
		return nil, Timing{}, err
	}
	if err := q.push(j); err != nil {
		q.room.Release(int64(len(images)))
		return nil, Timing{}, err
	}
	select {
	case <-j.done:
		return j.result()
	case <-ctx.Done():
		q.withdraw(j, ctx.Err())
		return nil, Timing{}, ctx.Err()
	}
}

func (q *Queue) checkImages(images [][]byte) error {
	for i, image := range images {
		if len(image) != q.cfg.ImageBytes {
			return fmt.Errorf("image %d has %d bytes, expected %d", i, len(image), q.cfg.ImageBytes)
		}
	}
	return nil
}

func (q *Queue) full(wanted int) error {
	return &FullError{Wanted: wanted, Queued: q.Depth(), Capacity: q.cfg.MaxQueued}
}

// awaitRoom blocks until n images fit, ctx is done or the queue is closed.
func (q *Queue) awaitRoom(ctx context.Context, n int) error {
	if n > q.cfg.MaxQueued {
		return q.full(n)
	}
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

func (q *Queue) push(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.waiting = append(q.waiting, j)
	q.queued += len(j.images)
	select {
	case q.wake <- struct{}{}:
	default: // a signal is there already
	}
	return nil
}

// withdraw takes a job out whose caller has left, so that it frees its room at
// once.
func (q *Queue) withdraw(j *job, cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finishLocked(j, cause)
}

// own is the goroutine that owns the encoder.
func (q *Queue) own() {
	defer close(q.ended)
	for {
		select {
		case <-q.ctx.Done():
			return
		case <-q.wake:
		}
		for spans := q.take(); len(spans) > 0; spans = q.take() {
			q.encode(spans)
		}
	}
}

// take removes the images of the next run from the front of the queue. Callers
// that are gone are dropped here and cost no compute.
func (q *Queue) take() []span {
	q.mu.Lock()
	defer q.mu.Unlock()
	var spans []span
	for free := q.cfg.MaxBatch; free > 0 && len(q.waiting) > 0; {
		j := q.waiting[0]
		if err := j.ctx.Err(); err != nil {
			q.finishLocked(j, err)
			continue
		}
		n := min(j.untaken(), free)
		spans = append(spans, span{job: j, from: j.taken, to: j.taken + n})
		j.taken += n
		q.leaveLocked(n)
		if j.untaken() == 0 {
			q.waiting = slices.Delete(q.waiting, 0, 1)
		}
		free -= n
	}
	return spans
}

// encode runs the encoder over spans and gives each job its share.
func (q *Queue) encode(spans []span) {
	started := time.Now()
	output, err := q.encoder.encode(q.ctx, spans)
	took := time.Since(started)
	if err != nil && q.ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrClosed, err) // most likely because of it
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range spans {
		if err != nil {
			q.finishLocked(s.job, err)
			continue
		}
		n := (s.to - s.from) * q.cfg.EmbeddingLength
		s.job.settle(s, output[:n:n], started, took)
		output = output[n:]
		if s.job.settled == len(s.job.images) {
			q.finishLocked(s.job, nil)
		}
	}
}

// finishLocked ends a job, with an error or without, unless it has ended, and
// takes what is left of it out of the queue.
func (q *Queue) finishLocked(j *job, err error) {
	if i := slices.Index(q.waiting, j); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.leaveLocked(j.untaken())
	}
	j.finish(err)
}

// leaveLocked counts n images out of the queue.
func (q *Queue) leaveLocked(n int) {
	q.queued -= n
	q.room.Release(int64(n))
}
