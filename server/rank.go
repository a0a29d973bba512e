package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/internal/wire"
)

// Rank scores one query against many candidates and returns them best first.
func (s *service) Rank(ctx context.Context, req *pb.RankRequest) (*pb.RankResponse, error) {
	c, err := s.begin(ctx, req.GetOptions())
	if err != nil {
		return nil, err
	}
	defer c.end()
	if err := fault.CheckFraction("min_similarity", fault.ReasonMinSimilarityRange, req.GetMinSimilarity()); err != nil {
		return nil, err
	}
	if err := fault.CheckCount("candidates", len(req.GetCandidates()), s.cfg.MaxCandidates); err != nil {
		return nil, err
	}
	query := c.add("query", req.GetQuery())
	if err := wire.FirstFault(query); err != nil {
		return nil, err
	}
	candidates := c.candidates(req.GetCandidates())
	if err := c.images.Prepare(ctx); err != nil {
		return nil, err
	}
	if err := wire.FirstFault(query); err != nil {
		return nil, err
	}
	ranked, failed, err := c.scoreCandidates(ctx, query.Image, candidates)
	if err != nil {
		return nil, err
	}
	return &pb.RankResponse{
		Ranked:           best(ranked, req.GetTopK(), req.GetMinSimilarity()),
		Errors:           failed,
		Threshold:        c.threshold,
		Model:            c.reference(),
		Timings:          c.timings(),
		EncodedImages:    uint32(c.images.Encoded()),
		PreparedQueryPng: query.PNG(),
	}, nil
}

func (c *call) candidates(sent []*pb.Image) []wire.Operand {
	candidates := make([]wire.Operand, len(sent))
	for i, image := range sent {
		candidates[i] = c.add(fmt.Sprintf("candidates[%d]", i), image)
	}
	return candidates
}

// scoreCandidates scores the candidates that can be scored, in one run and in
// the request's order, and tells what is wrong with the others.
func (c *call) scoreCandidates(ctx context.Context, query *infer.Image, candidates []wire.Operand) (
	ranked []*pb.RankedCandidate, failed []*pb.CandidateError, err error,
) {
	var pairs []infer.Pair
	for i, candidate := range candidates {
		if e := wire.ItemError(candidate); e != nil {
			failed = append(failed, &pb.CandidateError{Index: uint32(i), Error: e})
			continue
		}
		pairs = append(pairs, infer.Pair{A: query, B: candidate.Image})
		ranked = append(ranked, &pb.RankedCandidate{Index: uint32(i), PreparedPng: candidate.PNG()})
	}
	similarities, err := c.score(ctx, pairs)
	if err != nil {
		return nil, nil, err
	}
	for i, similarity := range similarities {
		ranked[i].Similarity = similarity
		ranked[i].Same = similarity >= c.threshold
	}
	return ranked, failed, nil
}

// best sorts the candidates, equal ones in the order given, and keeps the topK
// best (zero: all) of those at or above least.
func best(ranked []*pb.RankedCandidate, topK uint32, least float32) []*pb.RankedCandidate {
	ranked = slices.DeleteFunc(ranked, func(r *pb.RankedCandidate) bool { return r.GetSimilarity() < least })
	slices.SortStableFunc(ranked, func(a, b *pb.RankedCandidate) int {
		return cmp.Compare(b.GetSimilarity(), a.GetSimilarity())
	})
	if topK > 0 && uint64(topK) < uint64(len(ranked)) {
		ranked = ranked[:topK]
	}
	return ranked
}
