package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/otel/trace"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// receive passes the opening's references and then every message through the
// window. It returns nil when the client has ended its side or the window is
// shut; an error ends the stream.
func (s *session) receive(ctx context.Context) error {
	err := s.receiveAll(ctx)
	if errors.Is(err, errWindowShut) {
		return nil
	}
	return err
}

func (s *session) receiveAll(ctx context.Context) error {
	for i, reference := range s.opening.GetReferences() {
		if err := s.window.reserve(ctx); err != nil {
			return err
		}
		e := s.setReference(reference, fmt.Sprintf("opening.references[%d]", i))
		if err := s.window.start(e); err != nil {
			return err
		}
	}
	for {
		err := s.receiveOne(ctx)
		if errors.Is(err, io.EOF) {
			s.window.finish()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// receiveOne takes one message from the wire into the window. Without dropping
// a place is reserved before the message is read: what can't be worked on stays
// with the client.
func (s *session) receiveOne(ctx context.Context) error {
	if !s.latest {
		if err := s.window.reserve(ctx); err != nil {
			return err
		}
	}
	message, err := s.stream.Recv()
	if err != nil {
		return err
	}
	e := s.entry(message)
	if s.latest {
		if e.droppable {
			return s.window.offer(ctx, e)
		}
		if err := s.window.reserve(ctx); err != nil {
			return err
		}
	}
	return s.window.start(e)
}

// entry is one message of the client between its arrival and its answer. The
// receiver makes it; then it is the worker's until ready is closed, then the
// sender's.
type entry struct {
	command   command
	id        uint64 // of a frame or pair
	droppable bool   // a newer frame may take its place
	clock     wire.Clock
	images    *infer.Images
	needed    []*infer.Image // those that the answer needs

	// dropped are the ids of the frames whose place the entry took, oldest
	// first. They are reported before it is answered.
	dropped []uint64

	ready chan struct{} // closed when the embeddings are there, or err is
	err   error
	span  trace.Span // nil without traces and before it is worked on
}

// load is the slow part: from bytes to embeddings. It waits for room in the
// queue, so that the stream is slowed down, not refused. When an image has a
// fault, the others are not encoded either: there will be no score.
func (e *entry) load(ctx context.Context) error {
	if f := e.images.CheckRoom(); f != nil {
		return f.At(viewsField)
	}
	if err := e.images.Prepare(ctx); err != nil {
		return err
	}
	for _, m := range e.needed {
		if m.Fault() != nil {
			return nil
		}
	}
	return e.images.Encode(ctx, e.needed)
}

// imagesConfig is the same for all entries.
func (s *session) imagesConfig() infer.ImagesConfig {
	options := s.opening.GetOptions()
	return infer.ImagesConfig{
		Caller: s.caller, KeepPrepared: options.GetIncludePrepared(), WaitForRoom: true,
		Views: int(options.GetTestTimeViews()),
	}
}

// newEntry returns an entry without a command.
func (s *session) newEntry() *entry {
	return &entry{
		clock:  wire.Clock{Started: time.Now()},
		images: s.model.NewImages(s.imagesConfig()),
		ready:  make(chan struct{}),
	}
}

// entry makes an entry of a message. What is wrong with the message becomes the
// entry's error or that of an image.
func (s *session) entry(message *pb.StreamCompareRequest) *entry {
	switch m := message.GetMessage().(type) {
	case *pb.StreamCompareRequest_SetReference:
		return s.setReference(m.SetReference, "set_reference")
	case *pb.StreamCompareRequest_DropReference:
		return s.dropReference(m.DropReference)
	case *pb.StreamCompareRequest_Frame:
		return s.frame(m.Frame)
	case *pb.StreamCompareRequest_Pair:
		return s.pair(m.Pair)
	case *pb.StreamCompareRequest_Opening:
		return s.refuse(fault.StreamAlreadyOpen())
	default:
		return s.refuse(fault.MessageUnset())
	}
}

// refuse makes an entry that has failed already.
func (s *session) refuse(f *fault.Fault) *entry {
	e := s.newEntry()
	e.command, e.err = refusal{}, f
	return e
}

// messageName is a message's kind as the contract names it.
func messageName(message *pb.StreamCompareRequest) string {
	reflected := message.ProtoReflect()
	field := reflected.WhichOneof(reflected.Descriptor().Oneofs().ByName("message"))
	if field == nil {
		return "an unset message"
	}
	return string(field.Name())
}
