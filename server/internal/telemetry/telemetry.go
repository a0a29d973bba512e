// Package telemetry makes metrics, spans and request ids of calls.
package telemetry

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"siamese/server/internal/fault"
	"siamese/server/metrics"
)

// Observer observes calls. It is gRPC's handler of events (stats.Handler), since
// those alone tell when a call's header came and when its answer went, and of
// calls that no handler sees. It is safe for concurrent use.
type Observer struct {
	metrics *metrics.Metrics // nil: none
	tracer  trace.Tracer     // nil: no spans
	spans   stats.Handler    // makes the spans of calls; nil: none
}

// tracerName is whose spans the stages are.
const tracerName = "siamese/server"

// New returns an observer that keeps metrics at registerer (nil: none) and makes
// spans by traces (nil: none). read is as for [metrics.New], whose error it
// returns.
func New(registerer prometheus.Registerer, traces trace.TracerProvider, read func() metrics.Reading) (*Observer, error) {
	counts, err := metrics.New(registerer, read)
	if err != nil {
		return nil, err
	}
	o := &Observer{metrics: counts}
	if traces != nil {
		o.tracer, o.spans = traces.Tracer(tracerName), rpcSpans(traces)
	}
	return o, nil
}

// Metrics returns what calls are counted by; nil where none are kept.
func (o *Observer) Metrics() *metrics.Metrics { return o.metrics }

// observed is a call as it is observed. What is not said to be otherwise does
// not change.
type observed struct {
	observer *Observer
	id       string // the request's
	rpc      metrics.RPC
	began    time.Time

	// handled is when the handler of a unary call had its answer; zero before.
	// It belongs to the call's goroutine.
	handled time.Time
}

type observedKey struct{}

// observedIn returns the call that ctx belongs to, nil where it is none.
func observedIn(ctx context.Context) *observed {
	o, _ := ctx.Value(observedKey{}).(*observed)
	return o
}

// TagRPC implements stats.Handler: it begins a call.
func (o *Observer) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if o.spans != nil {
		ctx = o.spans.TagRPC(ctx, info) // first: the stages begin after their call
	}
	return context.WithValue(ctx, observedKey{}, &observed{
		observer: o,
		id:       requestID(ctx),
		rpc:      metrics.RPC{Method: strings.TrimPrefix(info.FullMethodName, "/")},
		began:    time.Now(),
	})
}

// HandleRPC implements stats.Handler. Calls of methods that there are not have
// neither Begin nor End, so that a label's values are known.
func (o *Observer) HandleRPC(ctx context.Context, event stats.RPCStats) {
	switch event := event.(type) {
	case *stats.Begin:
		if c := observedIn(ctx); c != nil {
			c.rpc.ClientStream, c.rpc.ServerStream = event.IsClientStream, event.IsServerStream
			o.metrics.Begin(c.rpc)
		}
	case *stats.End:
		event.Error = fault.Blame(event.Error) // for the spans, too
		if c := observedIn(ctx); c != nil {
			c.end(ctx, event)
		}
	}
	if o.spans != nil {
		o.spans.HandleRPC(ctx, event) // last: the stages end before their call
	}
}

// TagConn implements stats.Handler.
func (o *Observer) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (o *Observer) HandleConn(context.Context, stats.ConnStats) {}

// end counts the call and, for a unary one, its last stage.
func (c *observed) end(ctx context.Context, event *stats.End) {
	if !c.handled.IsZero() {
		c.stage(ctx, metrics.Send, c.handled, event.EndTime)
	}
	code := status.Convert(event.Error).Code()
	c.observer.metrics.End(c.rpc, code.String(), event.EndTime.Sub(c.began))
	if event.Error != nil {
		c.observer.metrics.Refuse(fault.ReasonOf(event.Error))
	}
}

// stage notes that the call or message of ctx was in a stage.
func (c *observed) stage(ctx context.Context, stage metrics.Stage, from, to time.Time) {
	c.observer.metrics.Stage(stage, to.Sub(from))
	if c.observer.tracer == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	_, span := c.observer.tracer.Start(ctx, string(stage), trace.WithTimestamp(from))
	span.End(trace.WithTimestamp(to))
}

// Stage notes that the call of ctx, if it is of one, was in a stage from then
// until now.
func Stage(ctx context.Context, stage metrics.Stage, from time.Time) {
	if c := observedIn(ctx); c != nil {
		c.stage(ctx, stage, from, time.Now())
	}
}

// Encode notes the wait for the encoder, from then on, and what came after it.
// The queue tells how long the wait was.
func Encode(ctx context.Context, from time.Time, wait time.Duration) {
	if c := observedIn(ctx); c != nil {
		c.stage(ctx, metrics.Queue, from, from.Add(wait))
		c.stage(ctx, metrics.Encode, from.Add(wait), time.Now())
	}
}

// Familiarity counts an image of ctx's call or message by the model to which it is the
// most familiar, and whether it is foreign to that, too.
func Familiarity(ctx context.Context, model string, isForeign bool) {
	if c := observedIn(ctx); c != nil {
		c.observer.metrics.Familiarity(model, isForeign)
	}
}
