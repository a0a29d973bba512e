package bench

import (
	"context"
	"errors"
	"fmt"
)

// How much is measured of Rank, and the bars.
const (
	rankCandidates = 64
	rankPictures   = 2 * rankCandidates * rankRounds
	rankRounds     = 5
	rankBar        = 0.53
	cachedRankRuns = 15
	cachedRankBar  = 2.5
)

// rankRows hold a Rank against as many Compares, with a server that keeps no
// embeddings.
func (s Speed) rankRows(ctx context.Context, to target, drawings [][]byte) ([]Row, error) {
	s.say(fmt.Sprintf("Rank of %d candidates, in turn with as many Compares", rankCandidates))
	var ranked, compared []float64
	for round := range rankRounds {
		files := drawings[round*(rankCandidates+1):]
		query, candidates := files[0], files[1:rankCandidates+1]
		seconds, err := timed(func() error { return to.rank(ctx, query, candidates) })
		if err != nil {
			return nil, err
		}
		ranked = append(ranked, seconds)
		seconds, err = timed(func() error {
			for _, candidate := range candidates {
				if _, err := to.compare(ctx, query, candidate); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		compared = append(compared, seconds)
	}
	return []Row{
		figure("Rank 1:64, nothing kept", middleOf(ranked), "s"),
		figure("64 Compares of the same, nothing kept", middleOf(compared), "s"),
		atMost("Rank 1:64 to 64 Compares, nothing kept", middleRatio(ranked, compared), "×", rankBar),
	}, nil
}

// cachedRankRows time a Rank of candidates whose embeddings the server has kept,
// with a new query each time, in turn with an encode in this process.
func (s Speed) cachedRankRows(ctx context.Context, drawings [][]byte) (rows []Row, err error) {
	s.say("Rank with its candidates' embeddings kept, in turn with encodes in this process")
	server, err := startServer(ctx, s.Caching)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	to, err := dial(server.address)
	if err != nil {
		return nil, err
	}
	defer to.close() //nolint:errcheck // nothing is in flight
	candidates, queries := drawings[:rankCandidates], drawings[rankCandidates:]
	if err := to.rank(ctx, queries[0], candidates); err != nil { // from here on they are kept
		return nil, err
	}
	var ranked, encoded []float64
	for i := range cachedRankRuns {
		seconds, err := timed(func() error { return to.rank(ctx, queries[1+i], candidates) })
		if err != nil {
			return nil, err
		}
		ranked = append(ranked, seconds)
		if seconds, err = timed(func() error { return s.images(queries)(ctx, i) }); err != nil {
			return nil, err
		}
		encoded = append(encoded, seconds)
	}
	return []Row{
		figure("Rank 1:64, candidates kept", middleOf(ranked)*1e3, "ms"),
		atMost("Rank 1:64, candidates kept, to an encode in process", middleRatio(ranked, encoded), "×", cachedRankBar),
	}, nil
}
