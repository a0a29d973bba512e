package server

import (
	"context"

	pb "siamese/proto/siamese/v1"
)

// Compare scores one pair.
func (s *service) Compare(ctx context.Context, req *pb.CompareRequest) (*pb.CompareResponse, error) {
	c, err := s.begin(req.GetOptions())
	if err != nil {
		return nil, err
	}
	a := c.operand("image_a", req.GetImageA())
	b := c.operand("image_b", req.GetImageB())
	if err := firstFault(a, b); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	if err := firstFault(a, b); err != nil {
		return nil, err
	}
	similarities, err := c.score(ctx, []couple{{a.member, b.member}})
	if err != nil {
		return nil, err
	}
	return &pb.CompareResponse{
		Similarity:   similarities[0],
		Same:         similarities[0] >= c.threshold,
		Threshold:    c.threshold,
		Model:        c.engine.reference(),
		Timings:      c.timings(),
		PreparedAPng: a.png,
		PreparedBPng: b.png,
	}, nil
}
