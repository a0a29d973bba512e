package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"siamese/server/internal/fair"
)

// Queue is a bounded queue of images before an encoder. It is safe for concurrent
// use.
type Queue struct {
	cfg Config

	mu        sync.Mutex         // guards all below and the jobs' and units' state
	order     *fair.Queue[*unit] // those that wait; none is taken
	urgent    []*unit            // those of probes, which wait for nobody
	parties   map[string]*party  // the callers that have room, by name
	room      int                // images of all callers that have room
	reserved  int                // those of them that are not here yet
	newcomers []*newcomer        // those who wait for room, oldest first
	byKey     map[Key]*unit      // those that wait or are under way and have a key
	pace      pace
	counts    counts
	closed    bool

	wake    chan struct{} // capacity 1: the runner that hears it looks for itself, and passes it on
	ctx     context.Context
	stop    context.CancelFunc
	runners sync.WaitGroup
}

// turnImages is how many images a call has in turn: the two of a pair go together.
const turnImages = 2

// New returns a queue before run and starts its runners. cfg is copied. The
// caller must Close the queue.
func New(cfg Config, run Runner) (*Queue, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Sizes = slices.Clone(cfg.Sizes)
	cfg.Runners = max(cfg.Runners, 1)
	// The context is the queue's lifetime, not a call's: it is what runs are
	// given, since a run belongs to several callers.
	ctx, stop := context.WithCancel(context.Background())
	q := &Queue{
		cfg:     cfg,
		order:   fair.New[*unit](turnImages),
		parties: make(map[string]*party),
		byKey:   make(map[Key]*unit),
		counts:  newCounts(cfg.MaxBatch),
		wake:    make(chan struct{}, 1),
		ctx:     ctx,
		stop:    stop,
	}
	for range cfg.Runners {
		q.runners.Go(func() { q.own(&encoder{cfg: cfg, run: run}) })
	}
	return q, nil
}

// Caller submits images in the name of a caller of the service. It is safe for
// concurrent use.
type Caller struct {
	queue *Queue
	name  string
}

// For returns the way into the queue for the caller with this name. Each of its
// submissions is a call: images of callers are encoded in turn, and so are those of
// calls of one caller.
func (q *Queue) For(caller string) Caller { return Caller{q, caller} }

// Submit is [Caller.Submit] for a caller without a name.
func (q *Queue) Submit(ctx context.Context, images []Image) ([][]float32, Report, error) {
	return q.For("").Submit(ctx, images)
}

// SubmitWait is [Caller.SubmitWait] for a caller without a name.
func (q *Queue) SubmitWait(ctx context.Context, images []Image) ([][]float32, Report, error) {
	return q.For("").SubmitWait(ctx, images)
}

// Reserve is [Caller.Reserve] for a caller without a name.
func (q *Queue) Reserve(ctx context.Context, n int) (*Place, error) { return q.For("").Reserve(ctx, n) }

// Probe encodes an image before all that wait, whatever the queue's bounds are. It is
// for probes of whether the encoder answers.
func (q *Queue) Probe(ctx context.Context, image Image) ([]float32, error) {
	image.Key = Key{}
	embeddings, _, err := q.submit(ctx, []Image{image}, func(j *job) error {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.closed {
			return ErrClosed
		}
		u := &unit{pixels: image.Pixels, wanted: []want{{job: j}}}
		j.units = []*unit{u}
		q.urgent = append(q.urgent, u)
		q.signalLocked()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return embeddings[0], nil
}

// Submit encodes images and returns one embedding, float32 [EmbeddingLength],
// for each in the same order. Callers of the same image get the same memory:
// embeddings must not be changed. Pixels must stay unchanged for good, since a
// run may still read them after Submit has returned early.
//
// All images are queued or none: [ErrFull] when there is no room for all now,
// or when they would be encoded after ctx's deadline. When ctx is done Submit
// returns its error at once; images that no run has taken and nobody else wants
// leave the queue and are not encoded. [ErrUnmeetable] says that the deadline
// could not be kept however short the queue, [ErrClosed] that the queue was
// closed; any other error is the runner's, a [*OutputError] or a [*PanicError],
// and concerns exactly the callers with images in that run.
func (c Caller) Submit(ctx context.Context, images []Image) ([][]float32, Report, error) {
	q := c.queue
	return q.submit(ctx, images, func(j *job) error {
		err := q.enter(j, c.name, images, nil)
		q.countRefused(err, len(images))
		return err
	})
}

// SubmitWait is [Caller.Submit] for a caller that would rather wait for room
// than be refused; the wait counts as time in the queue. More images than the
// queue can ever hold are refused with [ErrFull].
func (c Caller) SubmitWait(ctx context.Context, images []Image) ([][]float32, Report, error) {
	q := c.queue
	return q.submit(ctx, images, func(j *job) error {
		err := q.enter(j, c.name, images, nil)
		if !errors.Is(err, ErrFull) {
			return err
		}
		if len(images) > q.cfg.MaxQueued {
			q.countRefused(err, len(images))
			return err
		}
		place, err := q.awaitRoom(ctx, c.name, len(images))
		if err != nil {
			return err
		}
		defer place.Release()
		return q.enter(j, c.name, images, place)
	})
}

// Close fails the callers that wait with [ErrClosed], lets the runs under way
// end and returns when they have. It may be called more than once.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	for u := q.nextLocked(); u != nil; u = q.nextLocked() {
		q.dropLocked(u.wanted[0].job, ErrClosed)
	}
	q.mu.Unlock()
	q.stop()
	q.runners.Wait()
}

func (q *Queue) submit(ctx context.Context, images []Image, enter func(*job) error) ([][]float32, Report, error) {
	if err := q.checkImages(images); err != nil {
		return nil, Report{}, err
	}
	if err := ctx.Err(); err != nil || len(images) == 0 {
		return nil, Report{}, err
	}
	j := newJob(ctx, len(images))
	if err := enter(j); err != nil {
		return nil, Report{}, err
	}
	select {
	case <-j.done:
		return j.result()
	case <-ctx.Done():
		q.withdraw(j, ctx.Err())
		return nil, Report{}, ctx.Err()
	}
}

func (q *Queue) checkImages(images []Image) error {
	for i, image := range images {
		if len(image.Pixels) != q.cfg.ImageBytes {
			return fmt.Errorf("image %d has %d bytes, expected %d", i, len(image.Pixels), q.cfg.ImageBytes)
		}
	}
	return nil
}

// withdraw takes a job out whose caller has left: its room is free at once.
func (q *Queue) withdraw(j *job, cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropLocked(j, cause)
}

// signalLocked wakes a runner if anything waits.
func (q *Queue) signalLocked() {
	if q.waitingLocked() == 0 {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default: // a signal is there already
	}
}
