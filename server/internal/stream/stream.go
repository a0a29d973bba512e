// Package stream answers StreamCompare: it scores frames against references, or
// pairs, as they come.
//
// A stream is two goroutines. The receiver (receive.go) makes an entry of each
// message and passes it through the window, which bounds what is under way; the
// slow part of an entry, from bytes to embeddings, runs beside it. The sender
// (session.send) takes the entries in order, waits for each and does what depends
// on order: the references are its alone. An entry's
// place in the window is free again when its reply has been handed to gRPC, so
// a client that reads slowly is read slowly, and memory stays bounded.
package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	pb "siamese/proto/siamese/v1"
	"siamese/server/batch"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/telemetry"
	"siamese/server/internal/wire"
	"siamese/server/metrics"
)

// Config is what streams need of the server. All fields are required, but for
// Metrics.
type Config struct {
	Registry      *infer.Registry
	Caller        func(context.Context) string                // names who makes a call
	Enter         func(caller string) (leave func(), ok bool) // takes a place among MaxStreams
	MaxStreams    int                                         // open at a time
	MaxReferences int                                         // of one stream
	MaxWindow     int                                         // messages under way on one stream
	MaxViews      int                                         // of a picture, that a stream may ask for
	Draining      <-chan struct{}                             // closed when streams are to be told that the server stops
	GraceOver     <-chan struct{}                             // closed when streams are to end
	Grace         time.Duration                               // how long a stream is answered on after it was told that its model is to go
	CutOff        time.Duration                               // how long after it was told it is cut off, where its client takes no answers
	Explainer     fault.Explainer
	Metrics       *metrics.Metrics // nil: none
}

// Service answers StreamCompare. It is safe for concurrent use.
type Service struct {
	cfg   Config
	parts sync.WaitGroup // goroutines that may outlive their stream's handler by a moment
}

// New returns a service. The caller waits for it (Wait) when the last handler has
// returned.
func New(cfg Config) *Service {
	return &Service{cfg: cfg}
}

// Wait returns when no goroutine of a stream is left.
func (s *Service) Wait() { s.parts.Wait() }

// Stream is the wire's end of a stream. One goroutine may receive while another
// one sends.
type Stream = grpc.BidiStreamingServer[pb.StreamCompareRequest, pb.StreamCompareResponse]

// Compare answers one stream, by the model that it opened with until it ends. When
// that model is to go, the stream is told (Draining), answered for Config.Grace
// more and then ended with UNAVAILABLE, DRAINING.
func (s *Service) Compare(stream Stream) error {
	if err := s.cfg.Registry.Ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	opening, err := s.opening(ctx, stream)
	if err != nil {
		return err
	}
	leave, ok := s.cfg.Enter(s.cfg.Caller(ctx))
	if !ok {
		return fault.TooManyStreams(s.cfg.MaxStreams)
	}
	model, err := s.cfg.Registry.Acquire(opening.GetOptions().GetModel())
	if err != nil {
		leave()
		return err
	}
	ended := make(chan error, 1)
	s.parts.Go(func() {
		err := fault.Guard(func() error { return s.converse(ctx, cancel, model, stream, opening) })
		model.Release()
		leave()
		ended <- err
	})
	return s.await(ended, model.Retiring(), cancel)
}

// await returns how the stream ends. A sender may block for as long as its client
// takes no answers; nothing but the handler's return interrupts it. So the handler
// does not wait for it beyond Config.CutOff when the model is to go.
func (s *Service) await(ended <-chan error, retiring <-chan struct{}, cancel context.CancelCauseFunc) error {
	var cut <-chan time.Time
	for {
		select {
		case err := <-ended:
			return err
		case <-retiring:
			retiring, cut = nil, time.After(s.cfg.CutOff)
		case <-cut:
			cancel(fault.ModelRetired())
			return fault.ModelRetired()
		}
	}
}

// converse opens a session and answers it to its end.
//
// The receiver is not joined before the handler returns: it may block in Recv,
// which nothing but the end of the RPC interrupts. It ends right after, and
// Wait waits for it.
func (s *Service) converse(ctx context.Context, cancel context.CancelCauseFunc, model *infer.Handle, stream Stream, opening *pb.StreamOpening) error {
	session, err := newSession(&s.cfg, model, stream, opening)
	if err != nil {
		return err
	}
	session.caller = s.cfg.Caller(ctx)
	session.start(ctx)
	defer func() {
		cancel(nil) // before the wait: the workers go by it
		session.end()
	}()
	s.parts.Go(func() {
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
func (s *Service) opening(ctx context.Context, stream Stream) (*pb.StreamOpening, error) {
	var (
		first    *pb.StreamCompareRequest
		err      error
		received = make(chan struct{})
	)
	s.parts.Go(func() {
		defer close(received)
		first, err = stream.Recv()
	})
	late := time.NewTimer(openingTimeout)
	defer late.Stop()
	select {
	case <-received:
	case <-late.C:
		return nil, fault.StreamNotOpened(fmt.Sprintf("nothing for %v", openingTimeout))
	case <-s.cfg.Draining:
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
	cfg       *Config
	model     *infer.Handle
	stream    Stream
	opening   *pb.StreamOpening
	caller    string
	threshold wire.Threshold
	size      int  // the most entries under way
	latest    bool // a frame that waits is replaced by a newer one

	window     *window
	known      knownReferences // the receiver's alone
	references *references     // the sender's alone
	told       bool            // that the stream is about to end; the sender's alone
	workers    sync.WaitGroup
}

// viewsField is the option that says how many views are scored.
const viewsField = "opening.options.test_time_views"

// viewsWindow is how many messages may be under way however many views their pictures
// have: one that is encoded and one that is prepared meanwhile.
const viewsWindow = 2

// windowOf is the window of streams whose pictures have several views: as many views are
// held as there would be pictures without, but never so few that the encoder waits.
func windowOf(most, views int) int { return max(most/max(views, 1), min(most, viewsWindow)) }

// newSession checks the opening.
func newSession(cfg *Config, model *infer.Handle, stream Stream, opening *pb.StreamOpening) (*session, error) {
	threshold, err := wire.NewThreshold(opening.GetOptions(), "opening.options.threshold")
	if err != nil {
		return nil, err
	}
	if err := fault.CheckViews(viewsField, opening.GetOptions().GetTestTimeViews(), cfg.MaxViews); err != nil {
		return nil, err
	}
	policy := opening.GetDropPolicy()
	if _, known := pb.DropPolicy_name[int32(policy)]; !known {
		return nil, fault.DropPolicyUnknown(int32(policy))
	}
	size := windowOf(cfg.MaxWindow, int(opening.GetOptions().GetTestTimeViews()))
	if asked := opening.GetWindow(); asked > 0 && uint64(asked) < uint64(size) {
		size = int(asked)
	}
	return &session{
		cfg:        cfg,
		model:      model,
		stream:     stream,
		opening:    opening,
		threshold:  threshold,
		size:       size,
		latest:     policy == pb.DropPolicy_DROP_POLICY_LATEST,
		known:      knownReferences{embeddings: make(map[string]*infer.Image)},
		references: newReferences(cfg.MaxReferences),
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
			spanned, e.span = telemetry.StartMessage(ctx, e.clock.Started)
			e.err = fault.Guard(func() error { return e.load(spanned) })
		})
	})
}

// send answers the entries in order until the window ends or ctx is done, and
// returns how the stream ends.
func (s *session) send(ctx context.Context) error {
	if err := s.stream.Send(s.opened()); err != nil {
		return err
	}
	var (
		current   *entry // the entry whose turn it is
		atEnd     error  // what the stream ends with when the window does
		draining  = s.cfg.Draining
		graceOver = s.cfg.GraceOver
		retiring  = s.model.Retiring()
		retired   <-chan time.Time
	)
	for {
		var err error
		entries, ready := s.awaited(current)
		select {
		case e, ok := <-entries:
			if !ok {
				return atEnd
			}
			current = e
		case <-ready:
			err, current = s.reply(ctx, current), nil
		case <-draining:
			err, draining = s.tell(), nil
		case <-retiring:
			retired, retiring = time.After(s.cfg.Grace), nil
			err = s.tell()
		case <-graceOver:
			atEnd, graceOver = cmp.Or(atEnd, s.stopReading(fault.Draining())), nil
		case <-retired:
			atEnd = cmp.Or(atEnd, s.stopReading(fault.ModelRetired()))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// tell tells the client, once, that the stream is about to end.
func (s *session) tell() error {
	if s.told {
		return nil
	}
	s.told = true
	return s.stream.Send(drainingMessage())
}

// awaited is what send waits for beside the server's stop: the next entry or the
// current one. The other is nil, a channel that is never ready.
func (s *session) awaited(current *entry) (entries <-chan *entry, ready <-chan struct{}) {
	if current == nil {
		return s.window.entries, nil
	}
	return nil, current.ready
}

// stopReading ends the window and returns what the stream ends with: reason, or nil
// where the client had ended its side before.
func (s *session) stopReading(reason error) error {
	if !s.window.finish() {
		return nil
	}
	return reason
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
	s.cfg.Metrics.FramesDropped(len(e.dropped))
	s.cfg.Metrics.Message(response.GetItemFailed().GetError().GetReason())
	if err := s.stream.Send(response); err != nil {
		return err
	}
	s.window.release()
	return nil
}

// answer returns the entry's reply, which may be an ItemFailed; an error ends the
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
	failed := &pb.ItemFailed{Error: s.cfg.Explainer.Explain(ctx, pb.SiameseService_StreamCompare_FullMethodName, err).Item()}
	e.command.name(failed)
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_ItemFailed{ItemFailed: failed}}, nil
}

// end waits for the workers. The window is shut first, so that the receiver,
// which may live a moment longer, starts no more of them.
func (s *session) end() {
	s.window.shut()
	s.workers.Wait()
}

func (s *session) opened() *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_Opened{Opened: &pb.StreamOpened{
		Window:        uint32(s.size),
		MaxReferences: uint32(s.cfg.MaxReferences),
		Threshold:     s.threshold.Of(s.model.Info()),
		Model:         wire.ModelReference(s.model.Info()),
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
