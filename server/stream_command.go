package server

import (
	"context"
	"time"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
)

// command is what a message asks for.
type command interface {
	// answer does the part that depends on order, on the sender's goroutine,
	// once the entry's embeddings are there.
	answer(ctx context.Context, s *session, e *entry) (*pb.StreamCompareResponse, error)

	// name tells in the report of a failure which message it was.
	name(failed *pb.ItemFailed)
}

// streamOperand is an image of a message: a member of the entry's images or the
// name of a reference, which only the sender can look up.
type streamOperand struct {
	operand
	reference string
	byName    bool
}

// operand takes an image into the entry.
func (e *entry) operand(field string, image *pb.Image) streamOperand {
	if source, ok := image.GetSource().(*pb.Image_Reference); ok {
		return streamOperand{operand: operand{field: field}, reference: source.Reference, byName: true}
	}
	m := e.images.add(image)
	e.members = append(e.members, m)
	return streamOperand{operand: operand{member: m, field: field}}
}

// resolve returns the operand's member, or what is wrong with it.
func (o streamOperand) resolve(r *references) (*member, error) {
	if o.byName {
		return r.get(o.reference, o.field+".reference")
	}
	return o.member, firstFault(o.operand)
}

// score scores the couples and notes the time.
func (e *entry) score(ctx context.Context, engine *engine, couples []couple) ([]float32, error) {
	started := time.Now()
	similarities, err := engine.compare(ctx, couples)
	e.clock.compare = time.Since(started)
	return similarities, err
}

// refusal is a message that asks for nothing that can be done: its entry has
// failed on arrival.
type refusal struct{}

func (refusal) answer(context.Context, *session, *entry) (*pb.StreamCompareResponse, error) {
	return nil, fault.MessageUnset()
}

func (refusal) name(*pb.ItemFailed) {}
