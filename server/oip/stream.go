package oip

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"siamese/proto/inference"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
)

type stream = grpc.BidiStreamingServer[inference.ModelInferRequest, inference.ModelStreamInferResponse]

// ModelStreamInfer answers requests one after another. What is wrong with one is told in
// its answer and does not end the stream; the server's stop does, after the answer that
// is under way.
func (s *Service) ModelStreamInfer(stream stream) error {
	ctx := stream.Context()
	received, failed := s.receive(ctx, stream)
	var leave func()
	for {
		select {
		case request := <-received:
			if leave == nil { // the first: until then the call has a place of its own
				enter, ok := s.cfg.Enter(admission.Caller(ctx))
				if !ok {
					return fault.TooManyStreams(s.cfg.MaxStreams)
				}
				leave = enter
				defer leave()
			}
			if err := stream.Send(s.answer(ctx, request)); err != nil {
				return err
			}
		case err := <-failed:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-s.cfg.Draining:
			return fault.Draining()
		}
	}
}

// receive reads requests in a goroutine, which may block in Recv until the call has
// ended. One waits while another is answered.
func (s *Service) receive(ctx context.Context, stream stream) (received <-chan *inference.ModelInferRequest, failed <-chan error) {
	requests, ended := make(chan *inference.ModelInferRequest), make(chan error, 1)
	s.cfg.Go(func() {
		for {
			request, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case requests <- request:
			case <-ctx.Done():
				return
			}
		}
	})
	return requests, ended
}

// answer answers one request of a stream.
func (s *Service) answer(ctx context.Context, request *inference.ModelInferRequest) *inference.ModelStreamInferResponse {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
	defer cancel()
	var response *inference.ModelInferResponse
	err := fault.Guard(func() (err error) {
		response, err = s.ModelInfer(ctx, request)
		return err
	})
	if err == nil {
		return &inference.ModelStreamInferResponse{InferResponse: response}
	}
	return &inference.ModelStreamInferResponse{
		ErrorMessage: s.cfg.Explainer.Explain(ctx, StreamMethod, err).Error(),
		InferResponse: &inference.ModelInferResponse{
			ModelName: request.GetModelName(), ModelVersion: request.GetModelVersion(), Id: request.GetId(),
		},
	}
}
