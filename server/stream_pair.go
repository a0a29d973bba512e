package server

import (
	"context"

	pb "siamese/proto/siamese/v1"
)

// pairCommand scores two images.
type pairCommand struct {
	shot
	a, b streamOperand
}

func (s *session) pair(m *pb.FramePair) *entry {
	e := s.newEntry()
	e.id = m.GetId()
	e.command = &pairCommand{
		shot: shot{m.GetId(), m.GetCapturedAt()},
		a:    e.operand("pair.image_a", m.GetImageA()),
		b:    e.operand("pair.image_b", m.GetImageB()),
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
	similarities, err := e.score(ctx, s.engine, []couple{{a, b}})
	if err != nil {
		return nil, err
	}
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_PairScored{PairScored: &pb.PairScored{
		Id: c.id, CapturedAt: c.capturedAt,
		Score:   pairScore(similarities[0], s.threshold, a, b),
		Timings: e.clock.timings(e.images),
	}}}, nil
}
