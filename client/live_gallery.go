package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	siamesev1 "siamese/proto/siamese/v1"
)

// mostTopK is how many things a server tells of at most.
const mostTopK = 100

// LiveGallery has the newest frame identified in a gallery: [Client.Identify] of one
// frame after the other, whatever becomes of the server.
//
// Frames go through a slot of one, as with [Live]: a frame that waits there while
// another is identified is replaced by a newer one.
//
// Where the server or the gallery can't be used it is tried again, for ever, with a
// pause that grows, each time on a new connection. Each time that it can, Update.Gallery
// tells what the gallery holds, and State what its model is.
//
// All methods are safe for concurrent use, and but for Close none waits.
type LiveGallery struct {
	feed
	config LiveGalleryConfig // defaults filled in
	dial   func() (*grpc.ClientConn, error)
}

// LiveGalleryConfig says how a LiveGallery is run. A zero field means its default.
type LiveGalleryConfig struct {
	// Gallery is its name. Required.
	Gallery string
	// Options are those of each Identify.
	Options IdentifyOptions
	// MinBackoff, MaxBackoff, AnswerTimeout and Logger are as in LiveConfig.
	MinBackoff, MaxBackoff time.Duration
	AnswerTimeout          time.Duration
	Logger                 *slog.Logger
}

// Validate tells which field is out of range, if any is. Zero fields stand for
// their defaults.
func (c LiveGalleryConfig) Validate() error {
	options := c.Options
	switch {
	case c.Gallery == "":
		return errors.New("client: LiveGalleryConfig.Gallery is empty, expected the name of a gallery")
	case options.TopK < 0 || options.TopK > mostTopK:
		return fmt.Errorf("client: LiveGalleryConfig.Options.TopK is %d, expected 0 (the default) to %d", options.TopK, mostTopK)
	case !(options.MinSimilarity >= 0 && options.MinSimilarity <= 1): // so that NaN is refused
		return fmt.Errorf("client: LiveGalleryConfig.Options.MinSimilarity is %v, expected 0 to 1", options.MinSimilarity)
	case options.Threshold != nil && !(*options.Threshold >= 0 && *options.Threshold <= 1):
		return fmt.Errorf("client: LiveGalleryConfig.Options.Threshold is %v, expected 0 to 1", *options.Threshold)
	}
	return c.live().Validate()
}

// live is what the two configurations have in common.
func (c LiveGalleryConfig) live() LiveConfig {
	return LiveConfig{MinBackoff: c.MinBackoff, MaxBackoff: c.MaxBackoff, AnswerTimeout: c.AnswerTimeout, Logger: c.Logger}
}

// withDefaults fills in the zero fields, and takes copies of what may change.
func (c LiveGalleryConfig) withDefaults() LiveGalleryConfig {
	live := c.live().withDefaults()
	c.MinBackoff, c.MaxBackoff, c.AnswerTimeout, c.Logger = live.MinBackoff, live.MaxBackoff, live.AnswerTimeout, live.Logger
	c.Options.Filter = maps.Clone(c.Options.Filter)
	if c.Options.Threshold != nil {
		threshold := *c.Options.Threshold
		c.Options.Threshold = &threshold
	}
	return c
}

// LiveGallery starts to identify frames and returns at once; whether there is a server,
// and such a gallery, shows in the updates. It ends with ctx or by LiveGallery.Close,
// which must be called in any case. It has connections of its own, so that Client.Close
// does not end it. The error is config's.
func (c *Client) LiveGallery(ctx context.Context, config LiveGalleryConfig) (*LiveGallery, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	ctx, cancel := context.WithCancel(ctx)
	l := &LiveGallery{feed: newFeed(config.Logger, cancel), config: config, dial: c.dial}
	go l.run(ctx, newBackoff(config.MinBackoff, config.MaxBackoff), l.stream)
	return l, nil
}

// stream identifies frames until the server or the gallery can't be used. served
// reports whether a frame was answered; err is why it ended, never nil.
func (l *LiveGallery) stream(ctx context.Context) (served bool, err *Error) {
	connection, failure := l.dial()
	if failure != nil {
		return false, errorOf(failure)
	}
	defer connection.Close()
	server := &Client{galleries: siamesev1.NewGalleryServiceClient(connection)}
	if err := l.open(ctx, server); err != nil {
		return false, err
	}
	for {
		frame := l.next(ctx)
		if frame == nil {
			return served, errorOf(ctx.Err())
		}
		failure := l.identify(ctx, server, *frame)
		switch {
		case failure == nil:
			served = true
		case !failure.ofFrame():
			return served, failure
		case !pauseFor(ctx, l.restAfter(failure)):
			return served, errorOf(ctx.Err())
		}
	}
}

// open asks for the gallery and tells of it.
func (l *LiveGallery) open(ctx context.Context, server *Client) *Error {
	ctx, cancel := context.WithTimeout(ctx, l.config.AnswerTimeout)
	defer cancel()
	gallery, err := server.Gallery(ctx, l.config.Gallery)
	if err != nil {
		return errorOf(err)
	}
	l.mu.Lock()
	l.openedLocked()
	l.mu.Unlock()
	l.emit(Update{Gallery: &gallery})
	state := State{Phase: Streaming, Model: gallery.ModelName, Window: 1}
	if threshold := l.config.Options.Threshold; threshold != nil {
		state.Threshold = *threshold
	}
	l.enter(state)
	return nil
}

// next takes the newest frame, and waits for one; nil: ctx is done.
func (l *LiveGallery) next(ctx context.Context) *Frame {
	for {
		l.mu.Lock()
		frame := l.slot
		if l.slot = nil; frame != nil {
			l.stats.Sent++
		}
		l.mu.Unlock()
		if frame != nil {
			return frame
		}
		select {
		case <-l.moved:
		case <-ctx.Done():
			return nil
		}
	}
}

// identify tells what becomes of a frame, and returns what failed.
func (l *LiveGallery) identify(ctx context.Context, server *Client, frame Frame) *Error {
	ctx, cancel := context.WithTimeout(ctx, l.config.AnswerTimeout)
	defer cancel()
	sent := time.Now()
	found, err := server.Identify(ctx, l.config.Gallery, encodedImage(frame.Image), l.config.Options)
	result := &Result{FrameID: frame.ID, Captured: frame.Captured, Sent: sent, Received: time.Now()}
	l.mu.Lock()
	if err != nil {
		result.Err = errorOf(err)
		l.stats.Failed++
	} else {
		result.Found = &found
		result.Familiarity, result.Warning, result.Threshold = found.Familiarity, found.Warning, found.Threshold
		l.stats.Scored++
	}
	l.mu.Unlock()
	l.emit(Update{Result: result})
	return result.Err
}

// ofFrame reports whether an error is of one frame, or of the server's moment, so that
// the next frame may do better.
func (e *Error) ofFrame() bool {
	switch e.Code {
	case codes.InvalidArgument:
		return e.Reason == "" || strings.HasPrefix(e.Field, "image")
	case codes.ResourceExhausted, codes.Internal:
		return true
	}
	return false
}

// restAfter is how long the server is left alone after a frame that failed. Another
// picture may come at once; a server that is short of room is given time.
func (l *LiveGallery) restAfter(err *Error) time.Duration {
	if err.Code == codes.InvalidArgument {
		return 0
	}
	return min(cmp.Or(max(err.RetryIn, 0), l.config.MinBackoff), l.config.MaxBackoff)
}

// pauseFor waits, and reports whether ctx goes on.
func pauseFor(ctx context.Context, pause time.Duration) bool {
	if pause <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}
