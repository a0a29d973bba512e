package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// updatesKept is how many updates wait for a slow reader: two seconds of a
// camera's frames.
const updatesKept = 64

// errLiveClosed says that a Live has ended.
var errLiveClosed = errors.New("client: the live stream is closed")

// Frame is one picture of a sequence.
type Frame struct {
	// ID is the caller's number for it and comes back with its result. IDs rise.
	ID int64
	// Captured is when it was taken; it comes back with the result.
	Captured time.Time
	// Image is an encoded file (JPEG, PNG, WebP, GIF, BMP or TIFF). It must not
	// be changed once it was handed over.
	Image []byte
}

// Live keeps a stream to the server open and has the newest frame scored against
// named references.
//
// Frames go through a slot of one: a frame that waits there is replaced by a
// newer one. It is sent as soon as fewer than Window frames are in flight, so
// that a slow server sees the newest frames and what is shown lags by no more
// than those in flight. While no reference can be used, frames wait.
//
// A stream that ends is opened again, for ever, with a pause that grows; the
// references are sent again. When the server says that it, or its version of the model, is about to go, what
// is in flight is still answered, and then a stream is opened on a new
// connection.
//
// All methods are safe for concurrent use, and but for Close none waits.
type Live struct {
	config  LiveConfig // defaults filled in
	log     *slog.Logger
	dial    func() (*grpc.ClientConn, error)
	updates chan Update // sent and closed by run alone
	moved   chan struct{}
	cancel  context.CancelFunc
	ended   chan struct{} // closed when run has returned

	mu         sync.Mutex // guards all below, and sessions
	closed     bool
	slot       *Frame // the newest frame; nil: none waits
	references referenceBook
	stats      Stats
	state      State
	streams    int64 // opened so far
}

// Live starts a live stream and returns at once; whether there is a server shows
// in the updates. It ends with ctx or by Live.Close, which must be called in any
// case. It has connections of its own, dialled for each stream, so that
// Client.Close does not end it. The error is config's.
func (c *Client) Live(ctx context.Context, config LiveConfig) (*Live, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	ctx, cancel := context.WithCancel(ctx)
	l := &Live{
		config:  config,
		log:     config.Logger,
		dial:    c.dial,
		updates: make(chan Update, updatesKept),
		moved:   make(chan struct{}, 1), // the sender looks for itself what did
		cancel:  cancel,
		ended:   make(chan struct{}),
		state:   State{Phase: Connecting, Since: time.Now()},
	}
	for _, reference := range config.References {
		if err := l.references.set(reference); err != nil {
			cancel()
			return nil, fmt.Errorf("client: LiveConfig.References: %w", err)
		}
	}
	l.config.References = nil // the book has them, and lets go of those replaced
	go l.run(ctx)
	return l, nil
}

// Offer hands over the newest frame; one that still waits is replaced. After the
// end it does nothing.
func (l *Live) Offer(frame Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.stats.Offered++
	if l.slot != nil {
		l.stats.Replaced++
	}
	l.slot = &frame
	l.wake()
}

// SetReference stores an image under a name, new or in use, here and on every
// stream from now on. What the server finds wrong with it comes as an
// Update.ReferenceError. Errors: a name that is empty, longer than 256 bytes or
// not UTF-8; an image that is empty or larger than a message (16 MiB); more than
// 256 references; the end of l.
func (l *Live) SetReference(reference Reference) error {
	if err := reference.validate(); err != nil {
		return fmt.Errorf("client: set reference: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errLiveClosed
	}
	if err := l.references.set(reference); err != nil {
		return fmt.Errorf("client: set reference: %w", err)
	}
	l.wake()
	return nil
}

// DropReference forgets a reference: frames that are sent from now on are not
// scored against it. An unknown name has no effect.
func (l *Live) DropReference(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.references.drop(name)
	l.wake()
}

// Updates returns the channel of updates, in order. A slow reader loses
// the oldest beyond 64 (Stats.UpdatesLost) and holds up nothing. It is closed
// when l has ended.
func (l *Live) Updates() <-chan Update { return l.updates }

// Stats returns the counts so far.
func (l *Live) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// State returns the present state, which updates tell as it changes.
func (l *Live) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Close ends the stream and waits for its goroutines. Frames in flight fail with
// CANCELLED; the updates that are left can still be read. It may be called more
// than once and returns nil.
func (l *Live) Close() error {
	l.cancel()
	<-l.ended
	return nil
}

// run opens streams until ctx is done.
func (l *Live) run(ctx context.Context) {
	defer close(l.ended)
	defer l.finish()
	pace := newBackoff(l.config.MinBackoff, l.config.MaxBackoff)
	for {
		l.enter(State{Phase: Connecting})
		served, err := l.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		if served {
			pace.reset()
		}
		pause := pace.pause(err)
		l.enter(State{Phase: Waiting, Err: err, RetryIn: pause})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// finish ends l for its callers.
func (l *Live) finish() {
	l.cancel()
	l.mu.Lock()
	l.closed, l.slot = true, nil
	l.mu.Unlock()
	l.enter(State{Phase: Closed})
	close(l.updates)
}

// enter changes the state and tells it.
func (l *Live) enter(state State) {
	state.Since = time.Now()
	l.mu.Lock()
	l.state = state
	l.mu.Unlock()
	if state.Err != nil {
		l.log.Warn("live stream", "phase", state.Phase, "err", state.Err, "retry_in", state.RetryIn)
	} else {
		l.log.Info("live stream", "phase", state.Phase, "model", state.Model)
	}
	l.emit(Update{State: &state})
}

// emit hands an update to the reader, or takes the oldest out to make room. Only
// run's goroutine calls it.
func (l *Live) emit(update Update) {
	for {
		select {
		case l.updates <- update:
			return
		default:
		}
		select {
		case <-l.updates:
			l.mu.Lock()
			l.stats.UpdatesLost++
			l.mu.Unlock()
		default: // the reader was faster
		}
	}
}

// wake lets the sender look for work.
func (l *Live) wake() {
	select {
	case l.moved <- struct{}{}:
	default: // it is awake already
	}
}
