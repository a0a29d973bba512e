package fault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/server/batch"
)

// Explainer turns any error into a fault. One of the server's own is logged with
// its details under a random incident, and only that goes out. It is safe for
// concurrent use.
type Explainer struct {
	// Log takes the details. Required.
	Log *slog.Logger

	// RequestID returns the id of the request that ctx belongs to; empty where it
	// belongs to none. Required.
	RequestID func(ctx context.Context) string
}

// Explain returns the fault of an error that rpc ended with.
func (e Explainer) Explain(ctx context.Context, rpc string, err error) *Fault {
	if f := Of(err); f != nil {
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
	e.Log.LogAttrs(ctx, slog.LevelError, "internal error", attrs...)
	metadata := map[string]string{"incident": incident}
	if id := e.RequestID(ctx); id != "" {
		metadata["request_id"] = id
	}
	return &Fault{
		code: codes.Internal, reason: ReasonInternal,
		message:  fmt.Sprintf("internal error, incident %s", incident),
		metadata: metadata,
	}
}

// Status returns the error that rpc's caller gets. What is a status already, such
// as what a stream's Recv returns, stays as it is.
func (e Explainer) Status(ctx context.Context, rpc string, err error) error {
	if already, ok := status.FromError(err); ok {
		return already.Err()
	}
	return e.Explain(ctx, rpc, err).GRPCStatus().Err()
}

// newIncident returns eight random bytes in hexadecimal.
func newIncident() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: it would end the program
	return hex.EncodeToString(id[:])
}

// Guard calls f and turns a panic into a [*batch.PanicError], so that it costs one
// call and not the process. The error is the queue's, whose runners turn panics
// into the same.
func Guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &batch.PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return f()
}
