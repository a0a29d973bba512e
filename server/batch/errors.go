package batch

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of a submission.
var (
	// ErrFull says that the images do not fit the queue now, or would wait there
	// for longer than their caller does. The error's type is [*FullError].
	ErrFull = errors.New("queue is full")

	// ErrHopeless says that the images were dropped since their caller's
	// deadline could not be kept any more. It is a [context.DeadlineExceeded].
	ErrHopeless = fmt.Errorf("the deadline would pass before the images are encoded: %w", context.DeadlineExceeded)

	// ErrClosed says that the queue was closed before the images were encoded.
	ErrClosed = errors.New("queue is closed")
)

// FullError is an [ErrFull] with its numbers, in images.
type FullError struct {
	Wanted   int           // images of the refused submission
	Queued   int           // images that waited at that moment
	Capacity int           // images that may wait
	Wait     time.Duration // how long they would have waited, where that is why; else zero
}

// Error tells the numbers.
func (e *FullError) Error() string {
	text := fmt.Sprintf("queue is full: %d images wait of %d at most, %d more were submitted",
		e.Queued, e.Capacity, e.Wanted)
	if e.Wait > 0 {
		text += fmt.Sprintf(" and would take %v, longer than their deadline allows", e.Wait.Round(time.Millisecond))
	}
	return text
}

// Unwrap returns [ErrFull].
func (e *FullError) Unwrap() error { return ErrFull }

// OutputError says that the runner returned a wrong number of floats.
type OutputError struct {
	Images int // images of the run
	Got    int // floats returned
	Want   int // floats expected
}

// Error tells what was returned and what was expected.
func (e *OutputError) Error() string {
	return fmt.Sprintf("encoder returned %d floats for %d images, expected %d", e.Got, e.Images, e.Want)
}

// PanicError is a panic that was caught and became an error.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // the stack of the goroutine that panicked
}

// Error tells the value, not the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
