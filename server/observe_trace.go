package server

import (
	"context"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"
)

// callSpans makes the spans of calls, health's excepted, and lets a caller's
// trace go on.
func callSpans(traces trace.TracerProvider) stats.Handler {
	return otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(traces),
		otelgrpc.WithMeterProvider(noop.NewMeterProvider()), // Prometheus has its own
		otelgrpc.WithPropagators(propagation.TraceContext{}),
		otelgrpc.WithFilter(func(call *stats.RPCTagInfo) bool { return !isHealth(call.FullMethodName) }),
	)
}

// messageSpanName is the span of one message of a stream.
const messageSpanName = "siamese.v1.SiameseService/StreamCompare message"

// trace begins the span of a message; the returned context is what its stages
// are noted under. A stream can have any number of messages, so each has a trace
// of its own, which names the stream's.
func (e *entry) trace(ctx context.Context) context.Context {
	call := observedIn(ctx)
	if call == nil || call.observer.tracer == nil {
		return ctx
	}
	spanned, span := call.observer.tracer.Start(ctx, messageSpanName, trace.WithNewRoot(),
		trace.WithLinks(trace.LinkFromContext(ctx)), trace.WithTimestamp(e.clock.started))
	e.span = span
	return spanned
}

// traced returns ctx under the message's span, where it has one.
func (e *entry) traced(ctx context.Context) context.Context {
	if e.span == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, e.span)
}

// endTrace ends the message's span. It may be called for one that has none.
func (e *entry) endTrace() {
	if e.span != nil {
		e.span.End()
	}
}
