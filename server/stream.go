package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
)

// compareStream is the wire's end of a stream. One goroutine may receive while
// another one sends.
type compareStream = grpc.BidiStreamingServer[pb.StreamCompareRequest, pb.StreamCompareResponse]

// StreamCompare scores frames against references, or pairs, as they come.
//
// A stream is two goroutines. The receiver (receive) makes an entry of each
// message and passes it through the window, which bounds what is under way; the
// slow part of an entry, from bytes to embeddings, runs beside it. The sender
// (send, on the handler's goroutine) takes the entries in order, waits for each
// and does what depends on order: the references are its alone. An entry's
// place in the window is free again when its reply has been handed to gRPC, so
// a client that reads slowly is read slowly, and memory stays bounded.
//
// The receiver is not joined before the handler returns: it may block in Recv,
// which nothing but the end of the RPC interrupts. It ends right after, and
// Serve waits for it.
func (s *service) StreamCompare(stream compareStream) error {
	if err := s.roster.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	opening, err := s.opening(ctx, stream)
	if err != nil {
		return err
	}
	if !s.streams.TryAcquire(1) {
		return fault.TooManyStreams(s.cfg.MaxStreams)
	}
	defer s.streams.Release(1)
	e, err := s.use(opening.GetOptions().GetModel())
	if err != nil {
		return err
	}
	session, err := newSession(s.Server, e, stream, opening)
	if err != nil {
		return err
	}
	session.start(ctx)
	defer func() {
		cancel(nil) // before the wait: the workers go by it
		session.end()
	}()
	s.receivers.Go(func() {
		if err := fault.Guard(func() error { return session.receive(ctx) }); err != nil {
			cancel(err)
		}
	})
	return session.send(ctx)
}

// openingTimeout is how long a stream may take to say what it is for.
const openingTimeout = 20 * time.Second

// opening receives the first message. The server's drain ends the wait for it:
// nothing has begun that would have to be finished.
func (s *Server) opening(ctx context.Context, stream compareStream) (*pb.StreamOpening, error) {
	var (
		first    *pb.StreamCompareRequest
		err      error
		received = make(chan struct{})
	)
	s.receivers.Go(func() {
		defer close(received)
		first, err = stream.Recv()
	})
	late := time.NewTimer(openingTimeout)
	defer late.Stop()
	select {
	case <-received:
	case <-late.C:
		return nil, fault.StreamNotOpened(fmt.Sprintf("nothing for %v", openingTimeout))
	case <-s.draining:
		return nil, fault.Draining()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, fault.StreamNotOpened("the end of the stream")
	case err != nil:
		return nil, err
	case first.GetOpening() == nil:
		return nil, fault.StreamNotOpened(messageName(first))
	}
	return first.GetOpening(), nil
}

// session is a stream that has been opened.
type session struct {
	server    *Server
	engine    *engine
	stream    compareStream
	opening   *pb.StreamOpening
	threshold float32
	size      int  // entries under way at the most
	latest    bool // a frame that waits is replaced by a newer one

	window     *window
	references *references // the sender's alone
	workers    sync.WaitGroup
}

// newSession checks the opening.
func newSession(s *Server, e *engine, stream compareStream, opening *pb.StreamOpening) (*session, error) {
	threshold, err := e.threshold(opening.GetOptions(), "opening.options.threshold")
	if err != nil {
		return nil, err
	}
	policy := opening.GetDropPolicy()
	if _, known := pb.DropPolicy_name[int32(policy)]; !known {
		return nil, fault.DropPolicyUnknown(int32(policy))
	}
	size := s.cfg.MaxStreamWindow
	if asked := opening.GetWindow(); asked > 0 && uint64(asked) < uint64(size) {
		size = int(asked)
	}
	return &session{
		server:     s,
		engine:     e,
		stream:     stream,
		opening:    opening,
		threshold:  threshold,
		size:       size,
		latest:     policy == pb.DropPolicy_DROP_POLICY_LATEST,
		references: newReferences(s.cfg.MaxStreamReferences),
	}, nil
}

// start makes the window; ctx is the workers'.
func (s *session) start(ctx context.Context) {
	s.window = newWindow(s.size, func(e *entry) {
		if e.err != nil {
			close(e.ready) // refused on arrival
			return
		}
		s.workers.Go(func() {
			defer close(e.ready)
			var spanned context.Context
			spanned, e.span = telemetry.StartMessage(ctx, e.clock.started)
			e.err = fault.Guard(func() error { return e.encode(spanned, s.engine) })
		})
	})
}

// end waits for the workers. The window is shut first, so that the receiver,
// which may live a moment longer, starts no more of them.
func (s *session) end() {
	s.window.shut()
	s.workers.Wait()
}

// render tells whether prepared pictures are asked for.
func (s *session) render() bool { return s.opening.GetOptions().GetIncludePrepared() }
