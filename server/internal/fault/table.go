package fault

import (
	"context"
	"errors"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/gallery"
	"siamese/imaging"
	"siamese/server/access"
	"siamese/server/batch"
)

// retryDelay is what QUEUE_FULL advises. Two CPU cores encode a batch of 8 in a
// third of a second, so that a few have left the queue by then.
const retryDelay = time.Second

// Of is the table from errors to codes. It returns nil for an error that is not
// in it: that one is the server's own.
func Of(err error) *Fault {
	var (
		own   *Fault
		image *imaging.Error
		full  *batch.FullError
		rate  *access.RateError
		calls *access.CallsError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &image):
		return Image(image)
	case errors.As(err, &full):
		return queueFull(full)
	case errors.As(err, &rate):
		return rateLimited(rate)
	case errors.As(err, &calls):
		return tooManyCalls(calls)
	case errors.Is(err, access.ErrTooManyCallers):
		return tooManyCallers()
	case errors.Is(err, batch.ErrClosed), errors.Is(err, gallery.ErrClosed):
		return Draining()
	case errors.Is(err, gallery.ErrNotFound):
		return galleryGone()
	case errors.Is(err, gallery.ErrInUse), errors.Is(err, gallery.ErrUnavailable):
		return galleryUnavailable(err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return galleryStoreFull()
	case errors.Is(err, batch.ErrUnmeetable):
		return unmeetable()
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded()
	case errors.Is(err, context.Canceled):
		return ofContext(context.Canceled, ReasonCancelled)
	}
	return nil
}

// Image returns the fault of an image that can't be used.
func Image(err *imaging.Error) *Fault {
	return &Fault{code: codes.InvalidArgument, reason: string(err.Reason), message: err.Message}
}

// DeadlineExceeded says that the call's time ran out.
func DeadlineExceeded() *Fault { return ofContext(context.DeadlineExceeded, ReasonDeadlineExceeded) }

// unmeetable says that the call was given up before its time ran out, and why.
func unmeetable() *Fault {
	return &Fault{code: codes.DeadlineExceeded, reason: ReasonDeadlineExceeded, message: batch.ErrUnmeetable.Error()}
}

func ofContext(err error, reason string) *Fault {
	s := status.FromContextError(err)
	return &Fault{code: s.Code(), reason: reason, message: s.Message()}
}

func queueFull(err *batch.FullError) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonQueueFull, message: err.Error(),
		metadata: map[string]string{
			"images":            strconv.Itoa(err.Wanted),
			"queued_images":     strconv.Itoa(err.Queued),
			"max_queued_images": strconv.Itoa(err.Capacity),
		},
		retry: retryDelay,
	}
}

func rateLimited(err *access.RateError) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonRateLimited, message: err.Error(),
		metadata: map[string]string{"calls_per_second": strconv.FormatFloat(err.CallsPerSecond, 'g', -1, 64)},
		retry:    err.Retry,
	}
}

func tooManyCalls(err *access.CallsError) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyCalls, message: err.Error(),
		metadata: map[string]string{"concurrent_calls": strconv.Itoa(err.Calls)},
		retry:    retryDelay,
	}
}

func tooManyCallers() *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyCalls, message: "calls of too many callers are under way",
		retry: retryDelay,
	}
}
