package server

import (
	"cmp"
	"context"
	"fmt"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// BatchCompare scores many pairs; a pair that fails carries its own error.
func (s *service) BatchCompare(ctx context.Context, req *pb.BatchCompareRequest) (*pb.BatchCompareResponse, error) {
	c, err := s.begin(ctx, req.GetOptions())
	if err != nil {
		return nil, err
	}
	defer c.end()
	if err := fault.CheckCount("pairs", len(req.GetPairs()), s.cfg.MaxPairs); err != nil {
		return nil, err
	}
	pairs := c.pairs(req.GetPairs())
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	results, err := c.scorePairs(ctx, pairs)
	if err != nil {
		return nil, err
	}
	return &pb.BatchCompareResponse{
		Results:       results,
		Threshold:     c.threshold.Of(c.model.Info()),
		Model:         c.reference(),
		Timings:       c.timings(),
		EncodedImages: uint32(c.images.Encoded()),
	}, nil
}

// operandPair is a pair of a batch.
type operandPair struct {
	a, b  wire.Operand
	fault *fault.Fault // why they can't be scored against each other
}

// firstFault returns why there is no score; nil where there can be one.
func (p operandPair) firstFault() *fault.Fault { return cmp.Or(wire.FirstFault(p.a, p.b), p.fault) }

func (c *call) pairs(sent []*pb.ImagePair) []operandPair {
	pairs := make([]operandPair, len(sent))
	for i, pair := range sent {
		a := c.add(fmt.Sprintf("pairs[%d].image_a", i), pair.GetImageA())
		b := c.add(fmt.Sprintf("pairs[%d].image_b", i), pair.GetImageB())
		pairs[i] = operandPair{a, b, c.pair(a, b)}
		c.vary(a, b)
	}
	return pairs
}

// scorePairs scores the pairs that can be scored, in one run of each model, and
// returns one result for each pair. Images of which no such pair is made are not
// encoded.
func (c *call) scorePairs(ctx context.Context, pairs []operandPair) ([]*pb.PairResult, error) {
	var scorable []infer.Pair
	results := make([]*pb.PairResult, len(pairs))
	for i, pair := range pairs {
		if f := pair.firstFault(); f != nil {
			results[i] = &pb.PairResult{Outcome: &pb.PairResult_Error{Error: f.Item()}}
			continue
		}
		scorable = append(scorable, infer.Pair{A: pair.a.Image, B: pair.b.Image})
	}
	scores, err := c.score(ctx, scorable)
	if err != nil {
		return nil, err
	}
	for i := range results {
		if results[i] != nil {
			continue
		}
		score := wire.PairScore(&scores[0], c.threshold, c.model.Info())
		results[i] = &pb.PairResult{Outcome: &pb.PairResult_Score{Score: score}}
		scores = scores[1:]
	}
	return results, nil
}
