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
	// Model is the name of the model that answered; see Match.Model.
	Model string
	// Familiarity is how familiar the query is to the model, with "auto" to the one
	// that knows it best; nil where it does not tell.
	Familiarity *Familiarity
	// Warning is a sentence for people where the query is foreign to the model, so
	// that no similarity means much; empty otherwise.
	Warning string
	// PreparedQuery is the query as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	PreparedQuery []byte
}

// Match is a candidate with its score.
type Match struct {
	// Index is the candidate's place in the call, from 0.
	Index      int
	Similarity float32
	// Same is the verdict: Similarity >= Ranking.Threshold. Where another model than
	// Ranking.Model answered and the caller set no threshold, that model's own counts
	// instead.
	Same bool
	// Model is the name of the model that scored this candidate.
	Model string
	// Familiarity is how familiar the candidate is to the model; nil where it does not
	// tell.
	Familiarity *Familiarity
	// Warning is a sentence for people where the candidate is foreign to the model, or
	// the query is and Ranking.Warning, of another model, does not say so; empty
	// otherwise.
	Warning string
	// Prepared is the candidate as the network saw it, a PNG file; nil unless
	// Options.IncludePrepared.
	Prepared []byte
}

// Rank is [Client.RankImages] of encoded images.
func (c *Client) Rank(ctx context.Context, query []byte, candidates [][]byte, options Options) (Ranking, error) {
	images := make([]Image, len(candidates))
	for i, candidate := range candidates {
		images[i] = encodedImage(candidate)
	}
	return c.RankImages(ctx, encodedImage(query), images, options)
}

// RankImages scores a query against candidates, at most Limits.MaxCandidates. Errors are
// *Error; a candidate that fails is in Ranking.Failed and fails nothing else.
func (c *Client) RankImages(ctx context.Context, query Image, candidates []Image, options Options) (Ranking, error) {
	return c.RankBest(ctx, query, candidates, RankOptions{Options: options})
}

// RankOptions are optional wishes of a ranking. The zero value asks for nothing.
type RankOptions struct {
	Options
	// TopK is how many of the best are returned; 0: all.
	TopK uint32
	// MinSimilarity leaves out candidates below it, 0 to 1.
	MinSimilarity float32
}

// RankBest is [Client.RankImages] that returns only the best matches.
func (c *Client) RankBest(ctx context.Context, query Image, candidates []Image, options RankOptions) (Ranking, error) {
	request := &siamesev1.RankRequest{
		Query: query.proto(), Candidates: make([]*siamesev1.Image, len(candidates)), Options: options.proto(),
		TopK: options.TopK, MinSimilarity: options.MinSimilarity,
	}
	for i, candidate := range candidates {
		request.Candidates[i] = candidate.proto()
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

		Familiarity:   newFamiliarity(reply.GetFamiliarity()),
		Warning:       reply.GetWarning(),
		PreparedQuery: reply.GetPreparedQueryPng(),
	}
	for _, ranked := range reply.GetRanked() {
		ranking.Matches = append(ranking.Matches, Match{
			Index:      int(ranked.GetIndex()),
			Similarity: ranked.GetSimilarity(),
			Same:       ranked.GetSame(),
			Model:      answeredBy(ranked.GetModel(), ranking.Model),
			Prepared:   ranked.GetPreparedPng(),

			Familiarity: newFamiliarity(ranked.GetFamiliarity()),
			Warning:     ranked.GetWarning(),
		})
	}
	for _, failed := range reply.GetErrors() {
		ranking.Failed[int(failed.GetIndex())] = newItemError(failed.GetError())
	}
	return ranking, nil
}
