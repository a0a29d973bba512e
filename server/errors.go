package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/batch"
)

// retryDelay is what QUEUE_FULL advises. Two CPU cores encode a batch of 8 in a
// third of a second, so that a few have left the queue by then.
const retryDelay = time.Second

// fault is an error as clients are told it. It does not change once made.
type fault struct {
	code     codes.Code
	reason   string
	message  string            // for people: what was received, what was expected
	field    string            // the path of the field at fault; may be empty
	metadata map[string]string // the numbers of the message; may be nil
	retry    time.Duration     // when to try again; zero: not told
}

// Error returns the message, with the field before it.
func (f *fault) Error() string {
	if f.field == "" {
		return f.message
	}
	return f.field + ": " + f.message
}

// at returns the fault with the field that it is found in.
func (f *fault) at(field string) *fault {
	found := *f
	found.field = field
	return &found
}

// item returns the fault as an item of a batch or stream carries it.
func (f *fault) item() *pb.ItemError {
	return &pb.ItemError{Code: int32(f.code), Reason: f.reason, Message: f.message, Field: f.field}
}

// GRPCStatus returns the fault as a call that fails carries it; gRPC asks for
// it by this name.
func (f *fault) GRPCStatus() *status.Status {
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: f.reason, Domain: ErrorDomain, Metadata: f.metadata},
	}
	if f.field != "" {
		details = append(details, &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{
				Field: f.field, Description: f.message, Reason: f.reason,
			}},
		})
	}
	if f.retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(f.retry)})
	}
	plain := status.New(f.code, f.Error())
	detailed, err := plain.WithDetails(details...)
	if err != nil {
		return plain
	}
	return detailed
}

// faultOf is the table from errors to codes. It returns nil for an error that
// is not in it: that one is ours.
func faultOf(err error) *fault {
	var (
		own   *fault
		image *imaging.Error
		full  *batch.FullError
		rate  *access.RateError
		calls *access.CallsError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &image):
		return imageFault(image)
	case errors.As(err, &full):
		return queueFull(full)
	case errors.As(err, &rate):
		return rateLimited(rate)
	case errors.As(err, &calls):
		return tooManyCalls(calls)
	case errors.Is(err, access.ErrTooManyCallers):
		return tooManyCallers()
	case errors.Is(err, batch.ErrClosed):
		return draining()
	case errors.Is(err, context.DeadlineExceeded):
		return contextFault(context.DeadlineExceeded, ReasonDeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return contextFault(context.Canceled, ReasonCancelled)
	}
	return nil
}

func imageFault(err *imaging.Error) *fault {
	return &fault{code: codes.InvalidArgument, reason: string(err.Reason), message: err.Message}
}

func queueFull(err *batch.FullError) *fault {
	return &fault{
		code: codes.ResourceExhausted, reason: ReasonQueueFull, message: err.Error(),
		metadata: map[string]string{
			"images":            strconv.Itoa(err.Wanted),
			"queued_images":     strconv.Itoa(err.Queued),
			"max_queued_images": strconv.Itoa(err.Capacity),
		},
		retry: retryDelay,
	}
}

func serverBusy(limit int) *fault {
	return &fault{
		code: codes.ResourceExhausted, reason: ReasonServerBusy,
		message:  fmt.Sprintf("received another call while %d of all callers are under way, expected at most that many", limit),
		metadata: map[string]string{"max_calls": strconv.Itoa(limit)},
		retry:    retryDelay,
	}
}

func tooManyStreams(limit int) *fault {
	return &fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyStreams,
		message:  fmt.Sprintf("received another stream while %d are open, expected at most that many", limit),
		metadata: map[string]string{"max_streams": strconv.Itoa(limit)},
		retry:    retryDelay,
	}
}

func rateLimited(err *access.RateError) *fault {
	return &fault{
		code: codes.ResourceExhausted, reason: ReasonRateLimited, message: err.Error(),
		metadata: map[string]string{"calls_per_second": strconv.FormatFloat(err.CallsPerSecond, 'g', -1, 64)},
		retry:    err.Retry,
	}
}

func tooManyCalls(err *access.CallsError) *fault {
	return &fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyCalls, message: err.Error(),
		metadata: map[string]string{"concurrent_calls": strconv.Itoa(err.Calls)},
		retry:    retryDelay,
	}
}

func tooManyCallers() *fault {
	return &fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyCalls, message: "calls of too many callers are under way",
		retry: retryDelay,
	}
}

func contextFault(err error, reason string) *fault {
	s := status.FromContextError(err)
	return &fault{code: s.Code(), reason: reason, message: s.Message()}
}

// explain returns the fault of any error. One of ours is logged with its
// details under a random incident, and only that goes out.
func (s *Server) explain(ctx context.Context, rpc string, err error) *fault {
	if f := faultOf(err); f != nil {
		return f
	}
	incident := newIncident()
	attrs := []slog.Attr{
		slog.String("incident", incident), slog.String("rpc", rpc), slog.Any("err", err),
	}
	var panicked *batch.PanicError
	if errors.As(err, &panicked) {
		attrs = append(attrs, slog.String("stack", string(panicked.Stack)))
	}
	s.log.LogAttrs(ctx, slog.LevelError, "internal error", attrs...)
	return &fault{
		code: codes.Internal, reason: ReasonInternal,
		message:  fmt.Sprintf("internal error, incident %s", incident),
		metadata: incidentMetadata(ctx, incident),
	}
}

// newIncident returns eight random bytes in hexadecimal.
func newIncident() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: it would end the program
	return hex.EncodeToString(id[:])
}

// guard calls f and turns a panic into an error, so that it costs one call and
// not the process.
func guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &batch.PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return f()
}
