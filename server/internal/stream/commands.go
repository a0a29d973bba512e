package stream

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// command is what a message asks for.
type command interface {
	// answer does the part that depends on order, on the sender's goroutine,
	// once the entry's embeddings are there.
	answer(ctx context.Context, s *session, e *entry) (*pb.StreamCompareResponse, error)

	// name tells in the report of a failure which message it was.
	name(failed *pb.ItemFailed)
}

// operand is an image of a message: one of the entry's images or the name of a
// reference, which only the sender can look up.
type operand struct {
	wire.Operand
	reference string
	byName    bool
}

// operand takes an image into the entry.
func (e *entry) operand(field string, image *pb.Image) operand {
	if source, ok := image.GetSource().(*pb.Image_Reference); ok {
		return operand{Operand: wire.Operand{Field: field}, reference: source.Reference, byName: true}
	}
	added := wire.Add(e.images, field, image)
	e.needed = append(e.needed, added.Image)
	return operand{Operand: added}
}

// varied is operand of an image that is scored in as many views as the stream asked for,
// unless it is a reference.
func (e *entry) varied(field string, image *pb.Image) operand {
	o := e.operand(field, image)
	if !o.byName {
		e.images.Vary(o.Image)
	}
	return o
}

// resolve returns the operand's image, or what is wrong with it.
func (o operand) resolve(r *references) (*infer.Image, error) {
	if o.byName {
		return r.get(o.reference, o.Field+".reference")
	}
	return o.Image, wire.Check(o.Operand)
}

// score scores the pairs and notes the time.
func (e *entry) score(ctx context.Context, model *infer.Handle, pairs []infer.Pair) ([]infer.Score, error) {
	started := time.Now()
	scores, err := model.Compare(ctx, pairs)
	e.clock.Compare = time.Since(started)
	return scores, err
}

// item is what frames and pairs have in common.
type item struct {
	id         uint64
	capturedAt *timestamppb.Timestamp
}

// timeOf is what the client gave as a time, without any fields that the contract
// does not know: it goes back with the answer.
func timeOf(given *timestamppb.Timestamp) *timestamppb.Timestamp {
	if given == nil {
		return nil
	}
	return &timestamppb.Timestamp{Seconds: given.GetSeconds(), Nanos: given.GetNanos()}
}

func (i item) name(failed *pb.ItemFailed) {
	failed.Item = &pb.ItemFailed_Id{Id: i.id}
	failed.CapturedAt = i.capturedAt
}

// frameCommand scores a frame against references.
type frameCommand struct {
	item
	image      operand
	references []string
}

func (s *session) frame(m *pb.Frame) *entry {
	e := s.newEntry()
	e.id, e.droppable = m.GetId(), true
	c := &frameCommand{
		item:       item{m.GetId(), timeOf(m.GetCapturedAt())},
		references: m.GetReferences(),
	}
	e.command = c
	if limit := s.cfg.MaxReferences; len(c.references) > limit {
		e.err = fault.TooManyReferences("frame.references", len(c.references), limit)
		return e
	}
	c.image = e.varied("frame.image", m.GetImage())
	s.known.expect(e.images, c.image)
	return e
}

func (c *frameCommand) answer(ctx context.Context, s *session, e *entry) (*pb.StreamCompareResponse, error) {
	image, err := c.image.resolve(s.references)
	if err != nil {
		return nil, err
	}
	names, stored, err := s.references.choose(c.references)
	if err != nil {
		return nil, err
	}
	pairs := make([]infer.Pair, len(stored))
	for i, reference := range stored {
		pairs[i] = infer.Pair{A: image, B: reference, OneSided: true}
		if f := pairs[i].Mismatch(); f != nil {
			return nil, f.At(c.image.Field)
		}
	}
	scores, err := e.score(ctx, s.model, pairs)
	if err != nil {
		return nil, err
	}
	seen := infer.MostFamiliar(scores)
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_FrameScored{FrameScored: &pb.FrameScored{
		Id: c.id, CapturedAt: c.capturedAt, Scores: s.referenceScores(names, scores, seen),
		Timings: e.clock.Timings(e.images), PreparedPng: seen.PNG(),
		Familiarity: wire.Familiarity(seen), Warning: wire.Warning(wire.Frame, seen),
	}}}, nil
}

// referenceScores returns a frame's scores against the references with these names;
// told is the frame as the reply tells it.
func (s *session) referenceScores(names []string, scores []infer.Score, told *infer.View) []*pb.ReferenceScore {
	answers := make([]*pb.ReferenceScore, len(names))
	for i, name := range names {
		score := &scores[i]
		answers[i] = &pb.ReferenceScore{
			Reference: name, Similarity: score.Similarity, Same: s.threshold.Same(score),
			Model:   wire.OtherModel(score, s.model.Info()),
			Foreign: score.B.IsForeign() || score.A != told && score.A.IsForeign(),
		}
	}
	return answers
}

// pairCommand scores two images.
type pairCommand struct {
	item
	a, b operand
}

func (s *session) pair(m *pb.FramePair) *entry {
	e := s.newEntry()
	e.id = m.GetId()
	c := &pairCommand{
		item: item{m.GetId(), timeOf(m.GetCapturedAt())},
		a:    e.varied("pair.image_a", m.GetImageA()),
		b:    e.varied("pair.image_b", m.GetImageB()),
	}
	e.command = c
	if c.a.byName || c.b.byName {
		s.known.expect(e.images, c.a)
		s.known.expect(e.images, c.b)
	} else {
		_ = e.images.Pair(c.a.Image, c.b.Image) // the answer says what is wrong with them
	}
	return e
}

func (c *pairCommand) answer(ctx context.Context, s *session, e *entry) (*pb.StreamCompareResponse, error) {
	a, err := c.a.resolve(s.references)
	if err != nil {
		return nil, err
	}
	b, err := c.b.resolve(s.references)
	if err != nil {
		return nil, err
	}
	both := infer.Pair{A: a, B: b}
	if f := both.Mismatch(); f != nil {
		return nil, f.At(c.b.Field)
	}
	scores, err := e.score(ctx, s.model, []infer.Pair{both})
	if err != nil {
		return nil, err
	}
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_PairScored{PairScored: &pb.PairScored{
		Id: c.id, CapturedAt: c.capturedAt,
		Score:   wire.PairScore(&scores[0], s.threshold, s.model.Info()),
		Timings: e.clock.Timings(e.images),
	}}}, nil
}

// refusal is a message that asks for nothing that can be done: its entry has
// failed on arrival.
type refusal struct{}

func (refusal) answer(context.Context, *session, *entry) (*pb.StreamCompareResponse, error) {
	return nil, fault.MessageUnset()
}

func (refusal) name(*pb.ItemFailed) {}
