package server

import (
	"context"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// Compare scores one pair.
func (s *service) Compare(ctx context.Context, req *pb.CompareRequest) (*pb.CompareResponse, error) {
	c, err := s.begin(ctx, req.GetOptions())
	if err != nil {
		return nil, err
	}
	defer c.end()
	a := c.add("image_a", req.GetImageA())
	b := c.add("image_b", req.GetImageB())
	if err := wire.FirstFault(a, b); err != nil {
		return nil, err
	}
	if err := c.images.Prepare(ctx); err != nil {
		return nil, err
	}
	if err := wire.FirstFault(a, b); err != nil {
		return nil, err
	}
	similarities, err := c.score(ctx, []infer.Pair{{A: a.Image, B: b.Image}})
	if err != nil {
		return nil, err
	}
	return &pb.CompareResponse{
		Similarity:   similarities[0],
		Same:         similarities[0] >= c.threshold,
		Threshold:    c.threshold,
		Model:        c.reference(),
		Timings:      c.timings(),
		PreparedAPng: a.PNG(),
		PreparedBPng: b.PNG(),
	}, nil
}
