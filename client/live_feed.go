package client

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// feed is what a [Live] and a [LiveGallery] have in common: the slot of the newest
// frame, the updates, and the tries to be at a server.
type feed struct {
	log     *slog.Logger
	updates chan Update // sent and closed by run alone
	moved   chan struct{}
	cancel  context.CancelFunc
	ended   chan struct{} // closed when run has returned

	mu      sync.Mutex // guards all below, and what its owner says
	closed  bool
	slot    *Frame // the newest frame; nil: none waits
	stats   Stats
	state   State
	streams int64 // opened so far
}

func newFeed(log *slog.Logger, cancel context.CancelFunc) feed {
	return feed{
		log:     log,
		updates: make(chan Update, updatesKept),
		moved:   make(chan struct{}, 1), // the sender looks for itself what did
		cancel:  cancel,
		ended:   make(chan struct{}),
		state:   State{Phase: Connecting, Since: time.Now()},
	}
}

// Offer hands over the newest frame; one that still waits is replaced. After the
// end it does nothing.
func (f *feed) Offer(frame Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.stats.Offered++
	if f.slot != nil {
		f.stats.Replaced++
	}
	f.slot = &frame
	f.wake()
}

// Updates returns the channel of updates, in order. A slow reader loses
// the oldest beyond 64 (Stats.UpdatesLost) and holds up nothing. It is closed
// at the end.
func (f *feed) Updates() <-chan Update { return f.updates }

// Stats returns the counts so far.
func (f *feed) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// State returns the present state, which updates tell as it changes.
func (f *feed) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Close ends it and waits for its goroutines. Frames in flight fail with
// CANCELLED; the updates that are left can still be read. It may be called more
// than once and returns nil.
func (f *feed) Close() error {
	f.cancel()
	<-f.ended
	return nil
}

// run opens streams until ctx is done; served reports whether one was of use, err,
// never nil, is why it ended.
func (f *feed) run(ctx context.Context, pace *backoff, stream func(context.Context) (served bool, err *Error)) {
	defer close(f.ended)
	defer f.finish()
	for {
		f.enter(State{Phase: Connecting})
		served, err := stream(ctx)
		if ctx.Err() != nil {
			return
		}
		if served {
			pace.reset()
		}
		pause := pace.pause(err)
		f.enter(State{Phase: Waiting, Err: err, RetryIn: pause})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// finish ends f for its callers.
func (f *feed) finish() {
	f.cancel()
	f.mu.Lock()
	f.closed, f.slot = true, nil
	f.mu.Unlock()
	f.enter(State{Phase: Closed})
	close(f.updates)
}

// openedLocked counts a stream that was opened.
func (f *feed) openedLocked() {
	if f.streams++; f.streams > 1 {
		f.stats.Reconnects++
	}
}

// enter changes the state and tells it.
func (f *feed) enter(state State) {
	state.Since = time.Now()
	f.mu.Lock()
	f.state = state
	f.mu.Unlock()
	if state.Err != nil {
		f.log.Warn("live stream", "phase", state.Phase, "err", state.Err, "retry_in", state.RetryIn)
	} else {
		f.log.Info("live stream", "phase", state.Phase, "model", state.Model)
	}
	f.emit(Update{State: &state})
}

// emit hands an update to the reader, or takes the oldest out to make room. Only
// run's goroutine calls it.
func (f *feed) emit(update Update) {
	for {
		select {
		case f.updates <- update:
			return
		default:
		}
		select {
		case <-f.updates:
			f.mu.Lock()
			f.stats.UpdatesLost++
			f.mu.Unlock()
		default: // the reader was faster
		}
	}
}

// wake lets the sender look for work.
func (f *feed) wake() {
	select {
	case f.moved <- struct{}{}:
	default: // it is awake already
	}
}
