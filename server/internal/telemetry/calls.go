package telemetry

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pb "siamese/proto/siamese/v1"
	"siamese/server/metrics"
)

// Unary is an interceptor. It notes when a call's message was there and when its
// answer was, and tells the request's id.
func (o *Observer) Unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	call := observedIn(ctx)
	if call == nil {
		return handler(ctx, req)
	}
	call.stage(ctx, metrics.Receive, call.began, time.Now())
	// It fails where the header has gone already, which it can't have here.
	_ = grpc.SetHeader(ctx, metadata.Pairs(RequestIDHeader, call.id))
	resp, err := handler(ctx, req)
	call.handled = time.Now()
	if err == nil {
		for _, item := range itemErrors(resp) {
			call.observer.metrics.ItemError(item.GetReason())
		}
	}
	return resp, err
}

// itemErrors are the errors in an answer.
func itemErrors(resp any) []*pb.ItemError {
	var failed []*pb.ItemError
	switch r := resp.(type) {
	case *pb.BatchCompareResponse:
		for _, result := range r.GetResults() {
			failed = appendError(failed, result.GetError())
		}
	case *pb.RankResponse:
		for _, candidate := range r.GetErrors() {
			failed = appendError(failed, candidate.GetError())
		}
	case *pb.BatchEnrollResponse:
		for _, result := range r.GetResults() {
			failed = appendError(failed, result.GetError())
		}
	case *pb.EmbedResponse:
		for _, result := range r.GetResults() {
			failed = appendError(failed, result.GetError())
		}
	}
	return failed
}

func appendError(failed []*pb.ItemError, item *pb.ItemError) []*pb.ItemError {
	if item == nil {
		return failed
	}
	return append(failed, item)
}

// Stream is an interceptor. It tells the request's id and observes the sending.
func (o *Observer) Stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	call := observedIn(stream.Context())
	if call == nil {
		return handler(srv, stream)
	}
	_ = stream.SetHeader(metadata.Pairs(RequestIDHeader, call.id)) // as above
	return handler(srv, &observedStream{ServerStream: stream, call: call})
}

// observedStream notes how long its messages take to be sent.
type observedStream struct {
	grpc.ServerStream
	call *observed
}

// SendMsg implements grpc.ServerStream.
func (s *observedStream) SendMsg(message any) error {
	started := time.Now()
	err := s.ServerStream.SendMsg(message)
	// No span: the stream's own could have no end of them.
	s.call.observer.metrics.Stage(metrics.Send, time.Since(started))
	return err
}
