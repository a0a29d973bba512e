package server_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc/metadata"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// serveTraced starts a server whose spans are kept. They are complete once it
// has stopped.
func serveTraced(t *testing.T) (*running, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	return serve(t, server.Config{Traces: provider}, &fakeModel{}), spans
}

// childrenOf are the names of the spans right below the one with this name, in
// the order of their start.
func childrenOf(t *testing.T, spans *tracetest.SpanRecorder, name string) (parent trace.ReadOnlySpan, children []string) {
	t.Helper()
	for _, span := range spans.Ended() {
		if span.Name() == name {
			parent = span
		}
	}
	if parent == nil {
		t.Fatalf("there is no span %q", name)
	}
	for _, span := range spans.Ended() {
		if span.Parent().SpanID() != parent.SpanContext().SpanID() {
			continue
		}
		children = append(children, span.Name())
		if span.StartTime().Before(parent.StartTime()) || span.EndTime().Before(span.StartTime()) || span.EndTime().After(parent.EndTime()) {
			t.Errorf("span %q is from %v to %v, want it within its parent, from %v to %v",
				span.Name(), span.StartTime(), span.EndTime(), parent.StartTime(), parent.EndTime())
		}
	}
	return parent, children
}

const (
	callerTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	callerParent = "00-" + callerTrace + "-00f067aa0ba902b7-01"
)

func TestStagesAreSpansOfTheCallersTrace(t *testing.T) {
	r, spans := serveTraced(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", callerParent)
	if _, err := r.Compare(ctx, &pb.CompareRequest{ImageA: grayImage(10), ImageB: grayImage(200)}); err != nil {
		t.Fatal(err)
	}
	if _, err := healthpb.NewHealthClient(r.conn).Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	_ = r.stop()
	parent, children := childrenOf(t, spans, "siamese.v1.SiameseService/Compare")
	if got := parent.SpanContext().TraceID().String(); got != callerTrace {
		t.Errorf("trace = %s, want the caller's, %s", got, callerTrace)
	}
	want := []string{"receive", "decode", "queue", "encode", "compare", "send"}
	if diff := cmp.Diff(want, children); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	if got := len(spans.Ended()); got != len(want)+1 {
		t.Errorf("%d spans, want %d: health has none", got, len(want)+1)
	}
	checkLine(t, r.log, "msg=call rpc=/siamese.v1.SiameseService/Compare", "trace_id="+callerTrace)
}

func TestMessagesOfAStreamHaveTracesOfTheirOwn(t *testing.T) {
	r, spans := serveTraced(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", callerParent)
	client, _ := r.openStream(ctx, t, &pb.StreamOpening{})
	client.ask(pair(1, grayImage(10), grayImage(200)))
	if _, err := client.end(); err != nil {
		t.Fatal(err)
	}
	_ = r.stop()
	message, children := childrenOf(t, spans, "siamese.v1.SiameseService/StreamCompare message")
	if diff := cmp.Diff([]string{"decode", "queue", "encode", "compare"}, children); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	if got := message.SpanContext().TraceID().String(); got == callerTrace {
		t.Errorf("the message is in the stream's trace, want one of its own")
	}
	if len(message.Links()) != 1 || message.Links()[0].SpanContext.TraceID().String() != callerTrace {
		t.Errorf("links = %v, want one to the stream's trace", message.Links())
	}
	_, below := childrenOf(t, spans, "siamese.v1.SiameseService/StreamCompare")
	if len(below) != 0 {
		t.Errorf("spans below the stream's = %v, want none", below)
	}
}

func TestWhatIsNotSampledHasNoSpans(t *testing.T) {
	r, spans := serveTraced(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", callerParent[:len(callerParent)-1]+"0")
	if _, err := r.Compare(ctx, &pb.CompareRequest{ImageA: grayImage(10), ImageB: grayImage(200)}); err != nil {
		t.Fatal(err)
	}
	_ = r.stop()
	if got := spans.Ended(); len(got) != 0 {
		t.Errorf("%d spans of a trace that is not sampled, want none", len(got))
	}
}
