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
	if err := wire.Check(a, b); err != nil {
		return nil, err
	}
	if f := c.pair(a, b); f != nil {
		return nil, f
	}
	c.vary(a, b)
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	if err := wire.Check(a, b); err != nil {
		return nil, err
	}
	scores, err := c.score(ctx, []infer.Pair{{A: a.Image, B: b.Image}})
	if err != nil {
		return nil, err
	}
	score := &scores[0]
	return &pb.CompareResponse{
		Similarity:   score.Similarity,
		Same:         c.threshold.Same(score),
		Threshold:    c.threshold.Of(score.Info()),
		Model:        wire.ModelReference(score.Info()),
		Timings:      c.timings(),
		PreparedAPng: score.A.PNG(),
		PreparedBPng: score.B.PNG(),
		FamiliarityA: wire.Familiarity(score.A),
		FamiliarityB: wire.Familiarity(score.B),
		Warning:      wire.PairWarning(score),
	}, nil
}
