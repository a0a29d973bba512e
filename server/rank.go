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
	if err := wire.Check(query); err != nil {
		return nil, err
	}
	c.vary(query)
	candidates := c.candidates(query, req.GetCandidates())
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	if err := wire.Check(query); err != nil {
		return nil, err
	}
	ranked, failed, seen, err := c.scoreCandidates(ctx, query.Image, candidates)
	if err != nil {
		return nil, err
	}
	return &pb.RankResponse{
		Ranked:           best(ranked, req.GetTopK(), req.GetMinSimilarity()),
		Errors:           failed,
		Threshold:        c.threshold.Of(c.model.Info()),
		Model:            c.reference(),
		Timings:          c.timings(),
		EncodedImages:    uint32(c.images.Encoded()),
		PreparedQueryPng: seen.PNG(),
		Familiarity:      wire.Familiarity(seen),
		Warning:          wire.Warning(wire.Query, seen),
	}, nil
}

// candidate is an image that the query is held against.
type candidate struct {
	wire.Operand
	fault *fault.Fault // why it can't be scored against the query
}

func (c *call) candidates(query wire.Operand, sent []*pb.Image) []candidate {
	candidates := make([]candidate, len(sent))
	for i, image := range sent {
		added := c.add(fmt.Sprintf("candidates[%d]", i), image)
		candidates[i] = candidate{added, c.pair(query, added)}
	}
	return candidates
}

// scoreCandidates scores the candidates that can be scored, in one run of each model
// and in the request's order, and tells what is wrong with the others. seen is the
// query as the model has it to which it is the most familiar, among those that have
// answered.
func (c *call) scoreCandidates(ctx context.Context, query *infer.Image, candidates []candidate) (
	ranked []*pb.RankedCandidate, failed []*pb.CandidateError, seen *infer.View, err error,
) {
	var pairs []infer.Pair
	for i, candidate := range candidates {
		if f := cmp.Or(wire.FirstFault(candidate.Operand), candidate.fault); f != nil {
			failed = append(failed, &pb.CandidateError{Index: uint32(i), Error: f.Item()})
			continue
		}
		pairs = append(pairs, infer.Pair{A: query, B: candidate.Image, OneSided: true})
		ranked = append(ranked, &pb.RankedCandidate{Index: uint32(i)})
	}
	scores, err := c.score(ctx, pairs)
	if err != nil {
		return nil, nil, nil, err
	}
	seen = cmp.Or(infer.MostFamiliar(scores), query.Best())
	for i := range scores {
		c.fill(ranked[i], &scores[i], seen)
	}
	return ranked, failed, seen, nil
}

// fill fills in a candidate's score; told is the query as the reply tells it.
func (c *call) fill(ranked *pb.RankedCandidate, score *infer.Score, told *infer.View) {
	ranked.Similarity = score.Similarity
	ranked.Same = c.threshold.Same(score)
	ranked.PreparedPng = score.B.PNG()
	ranked.Familiarity = wire.Familiarity(score.B)
	ranked.Warning = wire.CandidateWarning(score, told)
	ranked.Model = wire.OtherModel(score, c.model.Info())
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
