package telemetry

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"
)

// IsHealth reports whether an RPC is one of health's. They have no spans, need no
// token and are not counted against limits, since probes have no secrets; they
// tell nothing else.
func IsHealth(rpc string) bool {
	return strings.HasPrefix(rpc, "/"+healthpb.Health_ServiceDesc.ServiceName+"/")
}

// rpcSpans makes the spans of calls, health's excepted, and lets a caller's trace
// go on.
func rpcSpans(traces trace.TracerProvider) stats.Handler {
	return otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(traces),
		otelgrpc.WithMeterProvider(noop.NewMeterProvider()), // Prometheus has its own
		otelgrpc.WithPropagators(propagation.TraceContext{}),
		otelgrpc.WithFilter(func(rpc *stats.RPCTagInfo) bool { return !IsHealth(rpc.FullMethodName) }),
	)
}

// messageSpanName is the span of one message of a stream.
const messageSpanName = "siamese.v1.SiameseService/StreamCompare message"

// StartMessage begins the span of a stream's message that came at started; the
// returned context is what its stages are noted under. A stream can have any
// number of messages, so each has a trace of its own, which names the stream's.
// The span is nil without traces.
func StartMessage(ctx context.Context, started time.Time) (context.Context, trace.Span) {
	c := observedIn(ctx)
	if c == nil || c.observer.tracer == nil {
		return ctx, nil
	}
	return c.observer.tracer.Start(ctx, messageSpanName, trace.WithNewRoot(),
		trace.WithLinks(trace.LinkFromContext(ctx)), trace.WithTimestamp(started))
}
