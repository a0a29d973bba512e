package bench

import (
	"context"
	"fmt"

	"siamese/bench/load"
	"siamese/client"
)

// target is a server that calls are made to. It is safe for concurrent use; the caller
// closes it.
type target struct {
	*client.Client
}

// compare scores one pair.
func (t target) compare(ctx context.Context, a, b []byte) (float32, error) {
	comparison, err := t.Compare(ctx, a, b, client.Options{})
	return comparison.Similarity, err
}

// rank scores a query against candidates.
func (t target) rank(ctx context.Context, query []byte, candidates [][]byte) error {
	ranking, err := t.Rank(ctx, query, candidates, client.Options{})
	if err != nil {
		return err
	}
	if ranked := len(ranking.Matches); ranked != len(candidates) {
		return fmt.Errorf("bench: %d of %d candidates were ranked: %v", ranked, len(candidates), ranking.Failed)
	}
	return nil
}

// comparing calls Compare with the next two of the pictures each time, after the
// last with the first again.
func (t target) comparing(files [][]byte) load.Call {
	return func(ctx context.Context, number int) error {
		_, err := t.compare(ctx, files[2*number%len(files)], files[(2*number+1)%len(files)])
		return err
	}
}

// ranking calls Rank with a query and candidates that are the next of the
// pictures each time.
func (t target) ranking(files [][]byte, candidates int) load.Call {
	return func(ctx context.Context, number int) error {
		taken := make([][]byte, candidates+1)
		for i := range taken {
			taken[i] = files[(number*len(taken)+i)%len(files)]
		}
		return t.rank(ctx, taken[0], taken[1:])
	}
}

// referenceName is the reference of a stream.
const referenceName = "reference"

// stream is a stream with one reference. It is safe for concurrent use.
type stream struct {
	*client.Stream
}

// openStream opens a stream on which frames are scored against the reference, at
// most window at a time. The caller closes it.
func (t target) openStream(ctx context.Context, reference []byte, window int) (stream, error) {
	opened, err := t.Stream(ctx, client.StreamConfig{
		References: []client.Reference{{Name: referenceName, Image: reference}},
		Window:     window,
	})
	return stream{opened}, err
}

// score sends a frame and waits for its score.
func (s stream) score(ctx context.Context, frame []byte) (float32, error) {
	got, err := s.Score(ctx, frame)
	if err != nil {
		return 0, err
	}
	if len(got.Scores) != 1 {
		return 0, fmt.Errorf("bench: received %d scores of a frame, expected that of %q", len(got.Scores), referenceName)
	}
	return got.Scores[0].Similarity, nil
}

// streaming scores the next of the frames each time.
func (s stream) streaming(frames [][]byte) load.Call {
	return func(ctx context.Context, number int) error {
		if _, err := s.score(ctx, frames[number%len(frames)]); err != nil {
			return fmt.Errorf("frame %d: %w", number, err)
		}
		return nil
	}
}
