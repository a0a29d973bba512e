package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	siamesev1 "siamese/proto/siamese/v1"
)

// session is one stream of a Live. Live.mu guards its fields from flights on.
type session struct {
	live      *Live
	stream    compareStream
	overdue   *time.Timer // gives the stream up; runs while an answer is owed
	window    int
	threshold float32
	model     string // that answers
	opened    time.Time

	flights  []flight          // frames that are owed an answer, oldest first; at most window
	changes  []referenceChange // references that are, oldest first; at most window
	draining bool
	answered bool // a frame was, be it by an error of its own
}

// flight is a frame that was sent and not yet answered.
type flight struct {
	id             int64
	captured, sent time.Time
	imageBytes     int
}

// stream opens a stream and serves it until it ends. served reports whether it was
// of use, so that the next one may follow soon; err is why it ended, never nil.
//
// Two goroutines share a session: this one receives, the other sends. So a send
// that blocks, since the server reads no further, never keeps an answer waiting.
func (l *Live) stream(ctx context.Context) (served bool, err *Error) {
	connection, failure := l.dial()
	if failure != nil {
		return false, errorOf(failure)
	}
	defer connection.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := l.config.AnswerTimeout
	overdue := time.AfterFunc(timeout, func() {
		cancel(&Error{Code: codes.DeadlineExceeded, Message: fmt.Sprintf("received no answer within %v", timeout)})
	})
	defer overdue.Stop()
	s, failure := l.open(ctx, connection)
	if failure != nil {
		return false, endOf(ctx, failure)
	}
	s.overdue = overdue
	s.begin()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if err := s.send(ctx); err != nil {
			cancel(errorOf(err))
		}
	}()
	err = endOf(ctx, s.receive())
	cancel(nil)
	<-sent
	s.end(err)
	return s.answered || time.Since(s.opened) >= l.config.MaxBackoff, err
}

// open opens a stream and takes the answer to its opening.
func (l *Live) open(ctx context.Context, connection *grpc.ClientConn) (*session, error) {
	stream, err := siamesev1.NewSiameseServiceClient(connection).StreamCompare(ctx)
	if err != nil {
		return nil, err
	}
	// References are sent one by one: all in one could be more than a message.
	err = stream.Send(&siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Opening{
		Opening: &siamesev1.StreamOpening{
			Window:     uint32(l.config.Window),
			DropPolicy: siamesev1.DropPolicy_DROP_POLICY_LATEST,
			Options:    Options{Threshold: l.config.Threshold, Model: l.config.Model, TestTimeViews: l.config.TestTimeViews}.proto(),
		},
	}})
	if err != nil && !errors.Is(err, io.EOF) { // of EOF Recv knows the cause
		return nil, err
	}
	response, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil, streamEnded()
	}
	if err != nil {
		return nil, err
	}
	opened := response.GetOpened()
	if opened == nil {
		return nil, unexpected("%T as the first message, expected opened", response.GetMessage())
	}
	l.enter(State{
		Phase: Streaming, Model: opened.GetModel().GetName(),
		Threshold: opened.GetThreshold(), Window: int(opened.GetWindow()),
	})
	return &session{
		live: l, stream: stream, opened: time.Now(),
		window: min(max(int(opened.GetWindow()), 1), l.config.Window), threshold: opened.GetThreshold(),
		model: opened.GetModel().GetName(),
	}, nil
}

// begin readies what the session shares with its Live.
func (s *session) begin() {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	s.overdue.Stop()
	s.live.references.restart()
	s.live.openedLocked()
}

// send sends what there is until ctx is done or, while the server drains, all is
// answered.
func (s *session) send(ctx context.Context) error {
	for {
		request, finished := s.next()
		switch {
		case finished:
			return s.stream.CloseSend()
		case request == nil:
			select {
			case <-s.live.moved:
			case <-ctx.Done():
				return nil
			}
		default:
			if err := s.stream.Send(request); errors.Is(err, io.EOF) {
				return nil // the stream has ended; receive learns why
			} else if err != nil {
				return err
			}
		}
	}
}

// next takes what is to be sent next: nil where nothing is or nothing may.
// References go first, so that no frame misses one that was set before it.
func (s *session) next() (request *siamesev1.StreamCompareRequest, finished bool) {
	l := s.live
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case s.draining:
		if len(s.flights)+len(s.changes) > 0 {
			return nil, false
		}
		s.oweLocked() // the stream's end
		return nil, true
	case l.references.pending():
		if len(s.changes) == s.window {
			return nil, false
		}
		s.oweLocked()
		change := l.references.next()
		s.changes = append(s.changes, change)
		return change.request(), false
	case l.slot != nil && len(s.flights) < s.window && l.references.usable():
		s.oweLocked()
		return s.departLocked(), false
	}
	return nil, false
}

// departLocked takes the frame out of the slot.
func (s *session) departLocked() *siamesev1.StreamCompareRequest {
	frame := s.live.slot
	s.live.slot = nil
	s.live.stats.Sent++
	s.flights = append(s.flights, flight{
		id: frame.ID, captured: frame.Captured, sent: time.Now(), imageBytes: len(frame.Image),
	})
	return &siamesev1.StreamCompareRequest{Message: &siamesev1.StreamCompareRequest_Frame{
		Frame: &siamesev1.Frame{
			Id: uint64(frame.ID), CapturedAt: timestamppb.New(frame.Captured), Image: encoded(frame.Image),
		},
	}}
}

// oweLocked notes that the server is about to owe one answer more.
func (s *session) oweLocked() {
	if len(s.flights)+len(s.changes) == 0 {
		s.overdue.Reset(s.live.config.AnswerTimeout)
	}
}

// receive takes the server's messages until the stream ends, and returns how.
func (s *session) receive() error {
	for {
		response, err := s.stream.Recv()
		if errors.Is(err, io.EOF) {
			return s.ended()
		}
		if err != nil {
			return err
		}
		updates, err := s.take(response)
		for _, update := range updates {
			s.live.emit(update)
		}
		if err != nil {
			return err
		}
		if response.GetDraining() != nil {
			s.drain()
		}
		s.live.wake()
	}
}

// drain lets the sender send no more.
func (s *session) drain() {
	s.live.mu.Lock()
	s.draining = true
	state := s.live.state
	s.live.mu.Unlock()
	state.Phase = Draining
	s.live.enter(state)
}

// ended is the error of a stream that the server ended with OK.
func (s *session) ended() *Error {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	if s.draining {
		return &Error{Code: codes.Unavailable, Reason: "DRAINING", Message: "the server, or its version of the model, is about to go"}
	}
	return streamEnded()
}

// endOf returns what a session ended with: the cause for which it was given up,
// or else err.
func endOf(ctx context.Context, err error) *Error {
	if cause, ok := errors.AsType[*Error](context.Cause(ctx)); ok {
		return cause
	}
	return errorOf(err)
}

// backoff is the pause between tries: it doubles from min to max.
type backoff struct {
	min, max time.Duration
	next     time.Duration
}

func newBackoff(least, most time.Duration) *backoff {
	return &backoff{min: least, max: most, next: least}
}

// reset begins again.
func (b *backoff) reset() { b.next = b.min }

// pause returns the next pause, shortened by up to half at random so that
// clients of one server do not come back all at once. After an error that lasts
// it goes to max at once. What the server asks to wait, at most max, comes
// before the pause.
func (b *backoff) pause(err *Error) time.Duration {
	if err.lasting() {
		b.next = b.max
	}
	longest := b.next
	b.next = min(2*longest, b.max)
	return min(max(err.RetryIn, 0), b.max) + longest - rand.N(longest/2+1)
}

// lasting reports whether a retry is not expected to heal an error.
func (e *Error) lasting() bool {
	switch e.Code {
	case codes.InvalidArgument, codes.NotFound, codes.PermissionDenied, codes.FailedPrecondition,
		codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated:
		return true
	}
	return false
}
