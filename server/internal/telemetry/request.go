package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
)

// RequestIDHeader carries a request's id, in both directions.
const RequestIDHeader = "X-Request-Id"

// maxRequestID is the longest id that is taken from a caller, in bytes.
const maxRequestID = 128

// requestID is the id that the caller gave its call, where it gave one that logs
// can carry, else one of 16 random bytes in hexadecimal.
func requestID(ctx context.Context) string {
	if id, ok := givenRequestID(ctx); ok {
		return id
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: it would end the program
	return hex.EncodeToString(id[:])
}

// givenRequestID takes one id of letters, digits and a few marks. Anything else
// could pretend to be something else in a log.
func givenRequestID(ctx context.Context) (string, bool) {
	given := metadata.ValueFromIncomingContext(ctx, RequestIDHeader)
	if len(given) != 1 || given[0] == "" || len(given[0]) > maxRequestID {
		return "", false
	}
	return given[0], strings.IndexFunc(given[0], foreignToID) < 0
}

func foreignToID(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_.:/+=", r)
}

// RequestID returns the id of the request that ctx belongs to, empty where it
// belongs to none.
func RequestID(ctx context.Context) string {
	if call := observedIn(ctx); call != nil {
		return call.id
	}
	return ""
}

// Logger returns a logger that writes by handler and adds to each line of a call
// its request's and its trace's id.
func Logger(handler slog.Handler) *slog.Logger { return slog.New(requestLog{handler}) }

// requestLog adds the ids.
type requestLog struct{ slog.Handler }

// Handle implements slog.Handler.
func (h requestLog) Handle(ctx context.Context, record slog.Record) error {
	if call := observedIn(ctx); call != nil {
		record.AddAttrs(slog.String("request_id", call.id))
	} else if id, ok := givenRequestID(ctx); ok {
		record.AddAttrs(slog.String("request_id", id)) // a call that was refused before it began
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h requestLog) WithGroup(name string) slog.Handler { return requestLog{h.Handler.WithGroup(name)} }
