package server

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/trace"

	pb "siamese/proto/siamese/v1"
	"siamese/server/batch"
	"siamese/server/internal/fault"
)

// send answers the entries in order until the window ends or ctx is done, and
// returns how the stream ends.
func (s *session) send(ctx context.Context) error {
	if err := s.stream.Send(s.opened()); err != nil {
		return err
	}
	var (
		current   *entry // the entry whose turn it is
		atEnd     error  // what the stream ends with when the window does
		draining  = s.server.draining
		graceOver = s.server.graceOver
	)
	for {
		// A nil channel is never ready: the loop waits for the next entry or
		// for the current one, and for the server's stop in either case.
		entries, ready := s.window.entries, chan struct{}(nil)
		if current != nil {
			entries, ready = nil, current.ready
		}
		select {
		case e, ok := <-entries:
			if !ok {
				return atEnd
			}
			current = e
		case <-ready:
			if err := s.reply(ctx, current); err != nil {
				return err
			}
			current = nil
		case <-draining:
			draining = nil
			if err := s.stream.Send(drainingMessage()); err != nil {
				return err
			}
		case <-graceOver:
			graceOver = nil
			atEnd = s.stopReading()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stopReading ends the window for the server's stop and returns what the stream
// ends with: nil where the client had ended its side before.
func (s *session) stopReading() error {
	if !s.window.finish() {
		return nil
	}
	return fault.Draining()
}

// reply answers one entry and frees its place in the window.
func (s *session) reply(ctx context.Context, e *entry) error {
	if len(e.dropped) > 0 {
		if err := s.stream.Send(framesDropped(e.dropped)); err != nil {
			return err
		}
	}
	if e.span != nil {
		defer e.span.End()
		ctx = trace.ContextWithSpan(ctx, e.span)
	}
	response, err := s.answer(ctx, e)
	if err != nil {
		return err
	}
	counts := s.server.observer.Metrics()
	counts.FramesDropped(len(e.dropped))
	counts.Message(response.GetItemFailed().GetError().GetReason())
	if err := s.stream.Send(response); err != nil {
		return err
	}
	s.window.release()
	return nil
}

// answer returns the entry's reply, be it an ItemFailed; an error ends the
// stream.
func (s *session) answer(ctx context.Context, e *entry) (*pb.StreamCompareResponse, error) {
	err := e.err
	if err == nil {
		var response *pb.StreamCompareResponse
		if response, err = e.command.answer(ctx, s, e); err == nil {
			return response, nil
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if errors.Is(err, batch.ErrClosed) {
		return nil, err
	}
	failed := &pb.ItemFailed{Error: s.server.explainer.Explain(ctx, pb.SiameseService_StreamCompare_FullMethodName, err).Item()}
	e.command.name(failed)
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_ItemFailed{ItemFailed: failed}}, nil
}

func (s *session) opened() *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_Opened{Opened: &pb.StreamOpened{
		Window:        uint32(s.size),
		MaxReferences: uint32(s.server.cfg.MaxStreamReferences),
		Threshold:     s.threshold,
		Model:         s.engine.reference(),
	}}}
}

func framesDropped(ids []uint64) *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_FramesDropped{
		FramesDropped: &pb.FramesDropped{Ids: ids},
	}}
}

func drainingMessage() *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_Draining{Draining: &pb.Draining{}}}
}
