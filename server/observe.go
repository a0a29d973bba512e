package server

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"

	"siamese/server/internal/fault"
	"siamese/server/metrics"
)

// observer makes metrics, spans and request ids of calls. It is gRPC's handler
// of events (stats.Handler), since those alone tell when a call's header came
// and when its answer went, and of calls that no handler sees. It is safe for
// concurrent use.
type observer struct {
	metrics *metrics.Metrics // nil: none
	tracer  trace.Tracer     // nil: no spans
	spans   stats.Handler    // makes the spans of calls; nil: none
}

// tracerName is whose spans the stages are.
const tracerName = "siamese/server"

func newObserver(s *Server) (*observer, error) {
	counts, err := metrics.New(s.cfg.Metrics, s.reading)
	if err != nil {
		return nil, err
	}
	o := &observer{metrics: counts}
	if s.cfg.Traces != nil {
		o.tracer, o.spans = s.cfg.Traces.Tracer(tracerName), callSpans(s.cfg.Traces)
	}
	return o, nil
}

// observed is a call as it is observed. What is not said to be otherwise does
// not change.
type observed struct {
	observer *observer
	id       string // the request's
	call     metrics.Call
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
func (o *observer) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if o.spans != nil {
		ctx = o.spans.TagRPC(ctx, info) // first: the stages begin after their call
	}
	return context.WithValue(ctx, observedKey{}, &observed{
		observer: o,
		id:       requestID(ctx),
		call:     metrics.Call{Method: strings.TrimPrefix(info.FullMethodName, "/")},
		began:    time.Now(),
	})
}

// HandleRPC implements stats.Handler. Calls of methods that there are not have
// neither Begin nor End, so that a label's values are known.
func (o *observer) HandleRPC(ctx context.Context, event stats.RPCStats) {
	switch event := event.(type) {
	case *stats.Begin:
		if call := observedIn(ctx); call != nil {
			call.call.Stream = event.IsClientStream || event.IsServerStream
			o.metrics.Begin(call.call)
		}
	case *stats.End:
		if call := observedIn(ctx); call != nil {
			call.end(ctx, event)
		}
	}
	if o.spans != nil {
		o.spans.HandleRPC(ctx, event) // last: the stages end before their call
	}
}

// TagConn implements stats.Handler.
func (o *observer) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (o *observer) HandleConn(context.Context, stats.ConnStats) {}

// end counts the call and, for a unary one, its last stage.
func (c *observed) end(ctx context.Context, event *stats.End) {
	if !c.handled.IsZero() {
		c.stage(ctx, metrics.Send, c.handled, event.EndTime)
	}
	code := codeOf(event.Error)
	c.observer.metrics.End(c.call, code.String(), event.EndTime.Sub(c.began))
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

// observeStage notes that the call of ctx, if it is of one, was in a stage from
// then until now.
func observeStage(ctx context.Context, stage metrics.Stage, from time.Time) {
	if c := observedIn(ctx); c != nil {
		c.stage(ctx, stage, from, time.Now())
	}
}

// observeEncode notes the wait for the encoder and what came after it. The queue
// tells how long the wait was.
func observeEncode(ctx context.Context, from time.Time, wait time.Duration) {
	if c := observedIn(ctx); c != nil {
		c.stage(ctx, metrics.Queue, from, from.Add(wait))
		c.stage(ctx, metrics.Encode, from.Add(wait), time.Now())
	}
}
