package bench

import (
	"context"
	"fmt"

	"siamese/bench/load"
	"siamese/client"
)

// referenceName is the reference of a stream.
const referenceName = "reference"

// stream is a stream with one reference. It is safe for concurrent use.
type stream struct {
	*client.Stream
}

// openStream opens a stream on which frames are scored against the reference, at
// most window at a time. The caller closes it.
func (t target) openStream(ctx context.Context, reference []byte, window int) (*stream, error) {
	opened, err := t.Stream(ctx, client.StreamConfig{
		References: []client.Reference{{Name: referenceName, Image: reference}},
		Window:     window,
	})
	if err != nil {
		return nil, err
	}
	return &stream{opened}, nil
}

// close ends the stream. Frames in flight fail.
func (s *stream) close() { _ = s.Close() } // returns nil

// score sends a frame and waits for its score.
func (s *stream) score(ctx context.Context, frame []byte) (float32, error) {
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
func (s *stream) streaming(frames [][]byte) load.Call {
	return func(ctx context.Context, number int) error {
		if _, err := s.score(ctx, frames[number%len(frames)]); err != nil {
			return fmt.Errorf("frame %d: %w", number, err)
		}
		return nil
	}
}
