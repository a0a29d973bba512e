// Package batch gathers the images of many callers into runs of an encoder.
//
// A [Queue] holds the images that wait and a few runners, goroutines that own the
// encoder: whichever is free takes what is there, at most [Config].MaxBatch images,
// by default without waiting for more. Callers have their turns, and within a caller
// its submissions: no caller has more than its share while others wait, and a few
// images do not wait behind many.
// A run may mix callers and a caller's images may be spread over runs; each
// caller gets exactly its own embeddings back, in its own order. An image that
// is in the queue or under way already is not encoded a second time: a caller that
// brings it again waits for the first one's run.
//
// The queue is bounded, counted in images. [Queue.Submit] refuses what does not
// fit, for callers that can come back later; [Queue.SubmitWait] waits for room,
// for callers that are slowed down by waiting, such as streams. Callers that
// have left, and those whose deadline can't be kept any more, are dropped before
// they cost a run; [Queue.Stats] counts them.
//
// Images are bytes and embeddings are floats here: the package knows neither
// the wire nor the network.
package batch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Runner encodes a run of images: pixels is uint8 [n, ImageBytes], n from 1 to
// MaxBatch; the result is float32 [n, EmbeddingLength]. It is called by as many
// goroutines at a time as the queue has runners. It must keep neither pixels,
// whose memory the next run reuses, nor the result. ctx ends when the queue is
// closed. A panic is turned into a [*PanicError].
type Runner func(ctx context.Context, pixels []byte) ([]float32, error)

// Key tells images apart: a digest of the pixels.
type Key [sha256.Size]byte

// Image is an image to encode.
type Image struct {
	// Pixels is uint8 [ImageBytes].
	Pixels []byte

	// Key is the same for images of the same pixels alone: such images are
	// encoded once while one of them waits or is under way. The zero key shares
	// with no other image.
	Key Key
}

// MaxWait is the longest that an image may be held back for others.
const MaxWait = 5 * time.Millisecond

// Config sizes a queue. Fields are required where no default is told.
type Config struct {
	// MaxQueued is how many images of one submission may wait, those of runs under
	// way not counted. A caller may have half as many again by several, and all
	// callers together three times as many: a few images always find room.
	MaxQueued int

	// MaxBatch is the most images of one run.
	MaxBatch int

	// Sizes are the sizes that a run may have, ascending, the last of them
	// MaxBatch: a run of another size is filled up with black images, whose
	// embeddings are thrown away. Devices that tune themselves to each new size
	// want few of them. Default: every size from 1 to MaxBatch.
	Sizes []int

	// Runners is how many runs may be under way at a time. Default 1.
	Runners int

	// ShortRuns has a run take no more than a third of the images that wait, or
	// two. It is for devices on which a run takes about as long as its images one
	// by one: who comes first is answered first, and who comes next waits less,
	// while under load runs are as large as ever. Default: a run takes all it may.
	ShortRuns bool

	// Wait is how long an image may be held back for others that would fill its
	// run, at most MaxWait. Default 0: not at all.
	Wait time.Duration

	// ImageBytes is the length of one image.
	ImageBytes int

	// EmbeddingLength is the number of floats of one embedding.
	EmbeddingLength int
}

// Validate returns an error that names the field which is out of range, if any.
func (c Config) Validate() error {
	fields := []struct {
		name  string
		value int
		least int
	}{
		{"MaxQueued", c.MaxQueued, 1},
		{"MaxBatch", c.MaxBatch, 1},
		{"Runners", c.Runners, 0},
		{"ImageBytes", c.ImageBytes, 1},
		{"EmbeddingLength", c.EmbeddingLength, 1},
	}
	for _, field := range fields {
		if field.value < field.least {
			return fmt.Errorf("batch: %s is %d, expected at least %d", field.name, field.value, field.least)
		}
	}
	if c.Wait < 0 || c.Wait > MaxWait {
		return fmt.Errorf("batch: Wait is %v, expected 0 to %v", c.Wait, MaxWait)
	}
	return c.validateSizes()
}

func (c Config) validateSizes() error {
	last := 0
	for _, size := range c.Sizes {
		if size <= last {
			return fmt.Errorf("batch: Sizes is %v, expected ascending sizes from 1", c.Sizes)
		}
		last = size
	}
	if len(c.Sizes) > 0 && last != c.MaxBatch {
		return fmt.Errorf("batch: Sizes is %v, expected MaxBatch, %d, as the last", c.Sizes, c.MaxBatch)
	}
	return nil
}

// size returns the size of the run that carries n images.
func (c Config) size(n int) int {
	for _, size := range c.Sizes {
		if size >= n {
			return size
		}
	}
	return n
}

// Report tells what became of a submission.
type Report struct {
	// Queue is the longest wait among the caller's images, from Submit to the
	// start of the run that took it.
	Queue time.Duration

	// Encode is the time of the runs that carried the caller's images, other
	// callers' images in the same runs included; runs side by side count once.
	Encode time.Duration

	// Shared is how many of the images another one was encoded for: they were
	// in the queue or under way when the caller brought them.
	Shared int
}

// Errors of a submission.
var (
	// ErrFull says that the images do not fit the queue now, or would wait there
	// for longer than their caller does. The error's type is [*FullError].
	ErrFull = errors.New("queue is full")

	// ErrUnmeetable says that the images were dropped since their caller's
	// deadline could not be kept any more. It is a [context.DeadlineExceeded].
	ErrUnmeetable = fmt.Errorf("the deadline would pass before the images are encoded, at the pace of late: %w", context.DeadlineExceeded)

	// ErrClosed says that the queue was closed before the images were encoded.
	ErrClosed = errors.New("queue is closed")
)

// FullError is an [ErrFull] with its numbers, in images.
type FullError struct {
	Wanted   int           // images of the refused submission
	Queued   int           // images that waited at that moment, of all callers, and those for which there are places
	Capacity int           // images of one submission that may wait
	Wait     time.Duration // how long they would have waited, where that is why; else zero
}

// Error tells the numbers.
func (e *FullError) Error() string {
	if e.Wait > 0 {
		return fmt.Sprintf("queue is too long: %d images wait, %d more would take %v, longer than their deadline allows",
			e.Queued, e.Wanted, e.Wait.Round(time.Millisecond))
	}
	return fmt.Sprintf("queue is full: %d images wait of at most %d, %d more were submitted",
		e.Queued, e.Capacity, e.Wanted)
}

// Unwrap returns [ErrFull].
func (e *FullError) Unwrap() error { return ErrFull }

// OutputError says that the runner returned a wrong number of floats.
type OutputError struct {
	Images   int // images of the run
	Received int // floats
	Expected int // floats
}

// Error tells what was returned and what was expected.
func (e *OutputError) Error() string {
	return fmt.Sprintf("encoder returned %d floats for %d images, expected %d", e.Received, e.Images, e.Expected)
}

// PanicError is a panic that was caught and became an error.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // the stack of the goroutine that panicked
}

// Error tells the value, not the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
