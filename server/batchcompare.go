package server

import (
	"context"
	"fmt"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
)

// BatchCompare scores many pairs; a pair that fails carries its own error.
func (s *service) BatchCompare(ctx context.Context, req *pb.BatchCompareRequest) (*pb.BatchCompareResponse, error) {
	c, err := s.begin(req.GetOptions())
	if err != nil {
		return nil, err
	}
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
		Threshold:     c.threshold,
		Model:         c.engine.reference(),
		Timings:       c.timings(),
		EncodedImages: uint32(c.images.encoded),
	}, nil
}

// operandPair is a pair of a batch.
type operandPair struct{ a, b operand }

func (c *call) pairs(wire []*pb.ImagePair) []operandPair {
	pairs := make([]operandPair, len(wire))
	for i, pair := range wire {
		pairs[i] = operandPair{
			a: c.operand(fmt.Sprintf("pairs[%d].image_a", i), pair.GetImageA()),
			b: c.operand(fmt.Sprintf("pairs[%d].image_b", i), pair.GetImageB()),
		}
	}
	return pairs
}

// scorePairs scores the pairs that can be scored, in one run, and returns one
// result for each pair. Images of which no such pair is made are not encoded.
func (c *call) scorePairs(ctx context.Context, pairs []operandPair) ([]*pb.PairResult, error) {
	var couples []couple
	for _, pair := range pairs {
		if firstFault(pair.a, pair.b) == nil {
			couples = append(couples, couple{pair.a.member, pair.b.member})
		}
	}
	similarities, err := c.score(ctx, couples)
	if err != nil {
		return nil, err
	}
	results := make([]*pb.PairResult, len(pairs))
	for i, pair := range pairs {
		if err := firstFault(pair.a, pair.b); err != nil {
			results[i] = &pb.PairResult{Outcome: &pb.PairResult_Error{Error: fault.Of(err).Item()}}
			continue
		}
		score := pairScore(similarities[0], c.threshold, pair.a.member, pair.b.member)
		results[i] = &pb.PairResult{Outcome: &pb.PairResult_Score{Score: score}}
		similarities = similarities[1:]
	}
	return results, nil
}

func pairScore(similarity, threshold float32, a, b *member) *pb.PairScore {
	return &pb.PairScore{
		Similarity:   similarity,
		Same:         similarity >= threshold,
		PreparedAPng: a.png,
		PreparedBPng: b.png,
	}
}
