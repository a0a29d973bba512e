package client

import (
	"context"

	siamesev1 "siamese/proto/siamese/v1"
)

// Ranking is a query's candidates, best first.
type Ranking struct {
	Matches []Match
	// Failed holds the candidates without a score by their index.
	Failed    map[int]*Error
	Threshold float32
	Model     string
	// PreparedQuery is the query as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	PreparedQuery []byte
}

// Match is a candidate with its score.
type Match struct {
	// Index is the candidate's place in the call, from 0.
	Index      int
	Similarity float32
	Same       bool
	// Prepared is the candidate as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	Prepared []byte
}

// Rank scores a query against candidates, at most Limits.MaxCandidates; all are
// encoded images. Errors are
// *Error; a candidate that fails is in Ranking.Failed and fails nothing else.
func (c *Client) Rank(ctx context.Context, query []byte, candidates [][]byte, options Options) (Ranking, error) {
	request := &siamesev1.RankRequest{
		Query: encoded(query), Candidates: make([]*siamesev1.Image, len(candidates)), Options: options.proto(),
	}
	for i, candidate := range candidates {
		request.Candidates[i] = encoded(candidate)
	}
	reply, err := c.service.Rank(ctx, request)
	if err != nil {
		return Ranking{}, newError(err)
	}
	ranking := Ranking{
		Matches:   make([]Match, 0, len(reply.GetRanked())),
		Failed:    make(map[int]*Error),
		Threshold: reply.GetThreshold(),
		Model:     reply.GetModel().GetName(),

		PreparedQuery: reply.GetPreparedQueryPng(),
	}
	for _, ranked := range reply.GetRanked() {
		ranking.Matches = append(ranking.Matches, Match{
			Index:      int(ranked.GetIndex()),
			Similarity: ranked.GetSimilarity(),
			Same:       ranked.GetSame(),
			Prepared:   ranked.GetPreparedPng(),
		})
	}
	for _, failed := range reply.GetErrors() {
		ranking.Failed[int(failed.GetIndex())] = newItemError(failed.GetError())
	}
	return ranking, nil
}
