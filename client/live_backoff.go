package client

import (
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

// backoff is the pause between tries: it doubles from min to max.
type backoff struct {
	min, max time.Duration
	next     time.Duration
}

func newBackoff(least, most time.Duration) *backoff {
	return &backoff{min: least, max: most, next: least}
}

// reset begins again.
func (b *backoff) reset() { b.next = b.min }

// pause returns the next pause, shortened by up to half at random so that
// clients of one server do not come back all at once. After an error that lasts
// it goes to max at once. What the server asks to wait, at most max, comes
// before the pause.
func (b *backoff) pause(err *Error) time.Duration {
	if err.lasting() {
		b.next = b.max
	}
	longest := b.next
	b.next = min(2*longest, b.max)
	return min(max(err.RetryIn, 0), b.max) + longest - rand.N(longest/2+1)
}

// lasting reports whether a retry is not expected to heal an error.
func (e *Error) lasting() bool {
	switch e.Code {
	case codes.InvalidArgument, codes.NotFound, codes.PermissionDenied, codes.FailedPrecondition,
		codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated:
		return true
	}
	return false
}
