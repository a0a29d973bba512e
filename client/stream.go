package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	siamesev1 "siamese/proto/siamese/v1"
)

// compareStream is the wire's end of a stream. One goroutine may receive while
// another one sends.
type compareStream = grpc.BidiStreamingClient[siamesev1.StreamCompareRequest, siamesev1.StreamCompareResponse]

// StreamConfig says how a Stream is run. A zero field means its default.
type StreamConfig struct {
	// References to begin with, in the order in which scores are to come. May be
	// empty; Stream.SetReference adds more.
	References []Reference
	// Window is how many frames may be in flight at once; the server may grant
	// fewer. 0: as many as the server allows.
	Window int
	// Options hold for every frame.
	Options Options
}

// FrameScores is how a frame compares with the references.
type FrameScores struct {
	// Scores has one score a reference, in the order in which their names were
	// first set.
	Scores []Score
	// Familiarity is how familiar the frame is to the model, with "auto" to the one
	// that knows it best; nil where it does not tell. Score.Foreign tells the same of a
	// reference.
	Familiarity *Familiarity
	// Warning is a sentence for people where the frame is foreign to the model, so
	// that no score means much; empty otherwise.
	Warning string
	// Threshold is what the verdicts were made with, 0 to 1.
	Threshold float32
	// Timings is where the time went, as the server saw it.
	Timings Timings
	// Prepared is the frame as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	Prepared []byte
}

// Stream scores frames against named references, each frame exactly once, where a
// [Live] drops those that newer ones replace. It does not outlive its connection:
// after an error that ended it, open another one.
//
// All methods are safe for concurrent use. As many frames are in flight as there
// are callers of Score; those over the server's window wait in Score. Once the
// server reads no further, a call that is being sent waits for it beyond its
// context; Close ends that.
type Stream struct {
	messages compareStream
	cancel   context.CancelFunc
	received chan struct{} // closed once nothing more is received

	sending chan struct{} // of room for one: gRPC takes one message at a time
	frames  uint64        // ids given, by the goroutine that is sending

	// Set before the first caller:
	model     string
	window    int
	threshold float32

	mu    sync.Mutex
	owed  []chan streamAnswer // by the server, which keeps the order; each of room for one
	ended *Error              // why nothing more is received; nil: more is
}

// streamAnswer is the server's answer to one message.
type streamAnswer struct {
	response *siamesev1.StreamCompareResponse // nil where the stream ended
	err      *Error
}

// Stream opens a stream and returns once the server has taken the references. It
// ends with ctx or by Stream.Close, which must be called in any case. Errors are
// *Error where they came from the server or the way to it, such as that of a
// reference that can't be used.
func (c *Client) Stream(ctx context.Context, config StreamConfig) (*Stream, error) {
	streamCtx, cancel := context.WithCancel(ctx)
	messages, err := c.service.StreamCompare(streamCtx)
	if err != nil {
		cancel()
		return nil, newError(err)
	}
	s := &Stream{messages: messages, cancel: cancel, received: make(chan struct{}), sending: make(chan struct{}, 1)}
	go s.receive()
	if err := s.open(ctx, config); err != nil {
		_ = s.Close() // returns nil
		return nil, err
	}
	return s, nil
}

// open takes the answer to the opening, then those to the references. They are
// sent one by one: all in one could be more than a message.
func (s *Stream) open(ctx context.Context, config StreamConfig) error {
	response, err := s.ask(ctx, &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Opening{
		Opening: &siamesev1.StreamOpening{
			Window:     uint32(max(0, config.Window)), //nolint:gosec // the server cuts it to its own
			DropPolicy: siamesev1.DropPolicy_DROP_POLICY_NONE,
			Options:    config.Options.proto(),
		},
	}})
	if err != nil {
		return err
	}
	opened := response.GetOpened()
	if opened == nil {
		return unexpected("%T as the first message, expected opened", response.GetMessage())
	}
	s.model, s.window, s.threshold = opened.GetModel().GetName(), int(opened.GetWindow()), opened.GetThreshold()
	for _, reference := range config.References {
		if err := s.SetReference(ctx, reference); err != nil {
			return err
		}
	}
	return nil
}

// Model returns the name of the model that answers; of "auto" the first that is
// tried.
func (s *Stream) Model() string { return s.model }

// Window returns how many frames may be in flight at once.
func (s *Stream) Window() int { return s.window }

// SetReference stores an image under a name, new or in use, and returns once the
// server has taken it. One that the server refuses, an *Error, leaves the name as
// it was.
func (s *Stream) SetReference(ctx context.Context, reference Reference) error {
	if err := reference.validate(); err != nil {
		return fmt.Errorf("client: set reference: %w", err)
	}
	response, err := s.ask(ctx, &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_SetReference{
		SetReference: &siamesev1.SetReference{Name: reference.Name, Image: encoded(reference.Image)},
	}})
	if err != nil {
		return err
	}
	if response.GetReferenceSet().GetName() != reference.Name {
		return unexpected("%v, expected that reference %q is set", response, reference.Name)
	}
	return nil
}

// DropReference forgets a reference. Errors are *Error: UNKNOWN_REFERENCE where
// there is none of that name.
func (s *Stream) DropReference(ctx context.Context, name string) error {
	response, err := s.ask(ctx, &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_DropReference{
		DropReference: &siamesev1.DropReference{Name: name},
	}})
	if err != nil {
		return err
	}
	if response.GetReferenceDropped().GetName() != name {
		return unexpected("%v, expected that reference %q is dropped", response, name)
	}
	return nil
}

// Score sends a frame, an encoded image, and waits for its scores. Errors are
// *Error: the frame's own, after which the stream goes on, or that which ended the
// stream. When ctx is done first the frame is still scored, for nobody.
func (s *Stream) Score(ctx context.Context, frame []byte) (FrameScores, error) {
	request := &siamesev1.Frame{Image: encoded(frame)}
	response, err := s.ask(ctx, &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Frame{Frame: request}})
	if err != nil {
		return FrameScores{}, err
	}
	scored := response.GetFrameScored()
	if scored == nil || scored.GetId() != request.GetId() {
		return FrameScores{}, unexpected("%v, expected the scores of frame %d", response, request.GetId())
	}
	return FrameScores{
		Scores:    newScores(scored.GetScores(), s.model),
		Threshold: s.threshold,
		Timings:   newTimings(scored.GetTimings()),
		Prepared:  scored.GetPreparedPng(),

		Familiarity: newFamiliarity(scored.GetFamiliarity()),
		Warning:     scored.GetWarning(),
	}, nil
}

// Close ends the stream; frames in flight fail with CANCELLED. It may be called
// more than once and returns nil.
func (s *Stream) Close() error {
	s.cancel()
	<-s.received
	return nil
}

// ask sends a message and waits for its answer. The error of an item is an error
// here, too.
func (s *Stream) ask(ctx context.Context, request *siamesev1.StreamCompareRequest) (*siamesev1.StreamCompareResponse, error) {
	answered, err := s.send(ctx, request)
	if err != nil {
		return nil, err
	}
	select {
	case answer := <-answered:
		switch {
		case ctx.Err() != nil && answer.response != nil: // too late
			return nil, newError(status.FromContextError(ctx.Err()).Err())
		case answer.err != nil:
			return nil, answer.err
		}
		return answer.response, nil
	case <-ctx.Done():
		return nil, newError(status.FromContextError(ctx.Err()).Err())
	}
}

// send sends a message, once those before it are sent, unless its caller has
// given up meanwhile. A frame is given its id here, so that ids rise.
func (s *Stream) send(ctx context.Context, request *siamesev1.StreamCompareRequest) (<-chan streamAnswer, error) {
	select {
	case s.sending <- struct{}{}:
	case <-ctx.Done():
		return nil, newError(status.FromContextError(ctx.Err()).Err())
	}
	defer func() { <-s.sending }()
	if err := ctx.Err(); err != nil {
		return nil, newError(status.FromContextError(err).Err())
	}
	if frame := request.GetFrame(); frame != nil {
		s.frames++
		frame.Id = s.frames
	}
	answered, ended := s.owe()
	if ended != nil {
		return nil, ended
	}
	if err := s.messages.Send(request); err != nil && !errors.Is(err, io.EOF) { // at EOF receive learns why
		return nil, newError(err)
	}
	return answered, nil
}

// owe notes that the server owes one answer more, unless the stream has ended.
func (s *Stream) owe() (<-chan streamAnswer, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return nil, s.ended
	}
	answered := make(chan streamAnswer, 1)
	s.owed = append(s.owed, answered)
	return answered, nil
}

// receive hands answers to their callers until the stream ends.
func (s *Stream) receive() {
	defer close(s.received)
	defer s.cancel()
	for {
		response, err := s.messages.Recv()
		switch {
		case errors.Is(err, io.EOF):
			s.end(streamEnded())
			return
		case err != nil:
			s.end(newError(err))
			return
		case response.GetDraining() != nil: // answers nothing
		case !s.answer(response):
			s.end(unexpected("%T, expected nothing: all is answered", response.GetMessage()))
			return
		}
	}
}

// answer hands a response to the caller that has waited longest, and reports
// whether there is one.
func (s *Stream) answer(response *siamesev1.StreamCompareResponse) bool {
	answer := streamAnswer{response: response}
	if failed := response.GetItemFailed(); failed != nil {
		answer.err = newItemError(failed.GetError())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.owed) == 0 {
		return false
	}
	s.owed[0] <- answer
	s.owed = s.owed[1:]
	return true
}

// end fails all callers that wait and all that come.
func (s *Stream) end(err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = err
	for _, answered := range s.owed {
		answered <- streamAnswer{err: err}
	}
	s.owed = nil
}
