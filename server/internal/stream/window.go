package stream

import (
	"context"
	"errors"
	"sync"
)

// errWindowShut says that the window takes no more entries.
var errWindowShut = errors.New("server: the stream's window is shut")

// maxDroppedIDs bounds the ids of one FramesDropped, as the contract says.
const maxDroppedIDs = 1024

// window bounds what is under way on a stream. Each entry that has begun holds
// a permit until the sender releases it.
//
// Under DROP_POLICY_LATEST one frame may wait for a permit without the receiver
// waiting for it. It has to start as soon as a permit is free, even while the
// receiver blocks in Recv. So release starts the waiting frame, under the mutex;
// starting never blocks.
type window struct {
	entries chan *entry  // begun, in order; capacity = permits, so that sending never blocks
	begin   func(*entry) // starts an entry's slow part; must not block

	// moved tells the receiver, the only one to wait, that something changed.
	// Capacity 1: it looks for itself what did.
	moved chan struct{}

	mu      sync.Mutex // guards all below
	free    int        // permits
	waiting *entry     // a frame that waits for a permit: only while free is 0
	closed  bool       // no entry comes in any more
}

func newWindow(size int, begin func(*entry)) *window {
	return &window{
		entries: make(chan *entry, size),
		begin:   begin,
		moved:   make(chan struct{}, 1),
		free:    size,
	}
}

// reserve waits for a permit and takes it. While a frame waits none is free, so
// what comes after that frame starts after it.
func (w *window) reserve(ctx context.Context) error {
	return w.await(ctx, func() bool {
		if w.free == 0 {
			return false
		}
		w.free--
		return true
	})
}

// start begins an entry under a permit that was reserved for it.
func (w *window) start(e *entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errWindowShut
	}
	w.startLocked(e)
	return nil
}

// offer begins a frame, or lets it wait, or lets it take the place of the one
// that waits. It blocks only while it would have to drop more frames than one
// report can hold.
func (w *window) offer(ctx context.Context, e *entry) error {
	return w.await(ctx, func() bool {
		switch {
		case w.free > 0:
			w.free--
			w.startLocked(e)
		case w.waiting == nil:
			w.waiting = e
		case len(w.waiting.dropped) < maxDroppedIDs:
			w.waiting.dropped = append(w.waiting.dropped, w.waiting.id)
			e.dropped, w.waiting = w.waiting.dropped, e
		default:
			return false
		}
		return true
	})
}

// release gives a permit back, to the waiting frame first.
func (w *window) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.free++
	} else {
		w.startLocked(w.waiting)
		w.waiting = nil
		w.closeLocked()
	}
	w.signalLocked()
}

// finish lets no entry in any more; entries ends after those that are in. It
// reports whether this call was the one that shut the window.
func (w *window) finish() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.closed = true
	w.closeLocked()
	w.signalLocked()
	return true
}

// shut lets no entry in any more, nor the waiting one.
func (w *window) shut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed, w.waiting = true, nil
	w.signalLocked()
}

// await blocks until try, called with the mutex held, succeeds.
func (w *window) await(ctx context.Context, try func() bool) error {
	for {
		if done, err := w.attempt(try); done || err != nil {
			return err
		}
		select {
		case <-w.moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *window) attempt(try func() bool) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, errWindowShut
	}
	return try(), nil
}

func (w *window) startLocked(e *entry) {
	w.begin(e)
	w.entries <- e
}

// closeLocked ends entries once nothing can follow.
func (w *window) closeLocked() {
	if w.closed && w.waiting == nil {
		close(w.entries)
	}
}

func (w *window) signalLocked() {
	select {
	case w.moved <- struct{}{}:
	default: // a signal is there already
	}
}
