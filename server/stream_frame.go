package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
)

// shot is what frames and pairs have in common.
type shot struct {
	id         uint64
	capturedAt *timestamppb.Timestamp
}

func (c shot) name(failed *pb.ItemFailed) {
	failed.Item = &pb.ItemFailed_Id{Id: c.id}
	failed.CapturedAt = c.capturedAt
}

// frameCommand scores a frame against references.
type frameCommand struct {
	shot
	image      streamOperand
	references []string
}

func (s *session) frame(m *pb.Frame) *entry {
	e := s.newEntry()
	e.id, e.droppable = m.GetId(), true
	c := &frameCommand{
		shot:       shot{m.GetId(), m.GetCapturedAt()},
		references: m.GetReferences(),
	}
	e.command = c
	if limit := s.server.cfg.MaxStreamReferences; len(c.references) > limit {
		e.err = fault.TooManyReferences("frame.references", len(c.references), limit)
		return e
	}
	c.image = e.operand("frame.image", m.GetImage())
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
	couples := make([]couple, len(stored))
	for i, reference := range stored {
		couples[i] = couple{image, reference}
	}
	similarities, err := e.score(ctx, s.engine, couples)
	if err != nil {
		return nil, err
	}
	scores := make([]*pb.ReferenceScore, len(names))
	for i, name := range names {
		scores[i] = &pb.ReferenceScore{
			Reference: name, Similarity: similarities[i], Same: similarities[i] >= s.threshold,
		}
	}
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_FrameScored{FrameScored: &pb.FrameScored{
		Id: c.id, CapturedAt: c.capturedAt, Scores: scores,
		Timings: e.clock.timings(e.images), PreparedPng: image.png,
	}}}, nil
}
