package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/bench/load"
	siamesev1 "siamese/proto/siamese/v1"
)

// referenceName is the reference of a stream.
const referenceName = "reference"

// stream is a StreamCompare with one reference. It is safe for concurrent use:
// as many frames are under way as there are callers, and the server's window
// holds back those over it.
type stream struct {
	messages grpc.BidiStreamingClient[siamesev1.StreamCompareRequest, siamesev1.StreamCompareResponse]
	cancel   context.CancelFunc
	received chan struct{} // closed once nothing more is received

	sending chan struct{} // of room for one: gRPC takes one message at a time
	frames  uint64        // ids given, by who is sending

	mu      sync.Mutex
	waiting map[uint64]chan frameAnswer // each of room for one
	ended   error                       // why nothing more is received
}

// frameAnswer is what became of a frame.
type frameAnswer struct {
	similarity float32
	err        error
}

// openStream opens a stream on which frames are scored against the reference, so
// many at a time. The caller closes it.
func (t target) openStream(ctx context.Context, reference []byte, window int) (*stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	messages, err := t.service.StreamCompare(ctx)
	if err == nil {
		err = messages.Send(&siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Opening{
			Opening: &siamesev1.StreamOpening{
				Window:     uint32(window), //nolint:gosec // a few
				DropPolicy: siamesev1.DropPolicy_DROP_POLICY_NONE,
				References: []*siamesev1.SetReference{{Name: referenceName, Image: encodedImage(reference)}},
			},
		}})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		cancel()
		return nil, err
	}
	s := &stream{messages: messages, cancel: cancel, received: make(chan struct{}), sending: make(chan struct{}, 1), waiting: make(map[uint64]chan frameAnswer)}
	go s.receive()
	return s, nil
}

// close ends the stream. Frames under way fail.
func (s *stream) close() {
	s.cancel()
	<-s.received
}

// score sends a frame and waits for its score.
func (s *stream) score(ctx context.Context, frame []byte) (float32, error) {
	answered, err := s.send(ctx, frame)
	if err != nil {
		return 0, err
	}
	select {
	case answer := <-answered:
		if err := ctx.Err(); err != nil {
			return 0, status.FromContextError(err).Err() // too late
		}
		return answer.similarity, answer.err
	case <-ctx.Done():
		return 0, status.FromContextError(ctx.Err()).Err()
	}
}

// send sends a frame, once those before it are sent, unless its caller has given
// up meanwhile.
func (s *stream) send(ctx context.Context, frame []byte) (<-chan frameAnswer, error) {
	select {
	case s.sending <- struct{}{}:
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	defer func() { <-s.sending }()
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	s.frames++
	id, answered := s.frames, make(chan frameAnswer, 1)
	s.mu.Lock()
	ended := s.ended
	s.waiting[id] = answered
	s.mu.Unlock()
	if ended != nil {
		return nil, ended
	}
	err := s.messages.Send(&siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Frame{
		Frame: &siamesev1.Frame{Id: id, Image: encodedImage(frame)},
	}})
	if err != nil && !errors.Is(err, io.EOF) { // at EOF receive tells why
		return nil, err
	}
	return answered, nil
}

// receive hands answers to those who wait for them, until the stream ends.
func (s *stream) receive() {
	defer close(s.received)
	for {
		message, err := s.messages.Recv()
		if err != nil {
			s.end(err)
			return
		}
		if failed := message.GetItemFailed(); failed != nil {
			err := status.Error(codes.Code(failed.GetError().GetCode()), failed.GetError().GetMessage())
			s.answer(failed.GetId(), frameAnswer{err: err})
		}
		for _, score := range message.GetFrameScored().GetScores() { // of the one reference
			s.answer(message.GetFrameScored().GetId(), frameAnswer{similarity: score.GetSimilarity()})
		}
	}
}

func (s *stream) answer(id uint64, answer frameAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answered, ok := s.waiting[id]; ok {
		answered <- answer
		delete(s.waiting, id)
	}
}

// end fails all who wait and all who come.
func (s *stream) end(err error) {
	if errors.Is(err, io.EOF) {
		err = status.Error(codes.Unavailable, "the server has ended the stream")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = err
	for id, answered := range s.waiting {
		answered <- frameAnswer{err: err}
		delete(s.waiting, id)
	}
}

// streaming scores the next of the frames each time.
func (s *stream) streaming(frames [][]byte) load.Call {
	return func(ctx context.Context, number int) error {
		if _, err := s.score(ctx, frames[number%len(frames)]); err != nil {
			return fmt.Errorf("frame %d: %w", number, err)
		}
		return nil
	}
}
