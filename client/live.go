package client

import (
	"context"
	"errors"
	"fmt"
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
	feed
	config     LiveConfig // defaults filled in
	dial       func() (*grpc.ClientConn, error)
	references referenceBook // guarded by feed.mu, as the sessions are
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
	l := &Live{feed: newFeed(config.Logger, cancel), config: config, dial: c.dial}
	for _, reference := range config.References {
		if err := l.references.set(reference); err != nil {
			cancel()
			return nil, fmt.Errorf("client: LiveConfig.References: %w", err)
		}
	}
	l.config.References = nil // the book has them, and lets go of those replaced
	go l.run(ctx, newBackoff(config.MinBackoff, config.MaxBackoff), l.stream)
	return l, nil
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
