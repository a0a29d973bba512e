package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/cmd/internal/dial"
	"siamese/imaging"
)

// comparer compares encoded images, in this process or through a server.
type comparer interface {
	compare(ctx context.Context, a, b []byte, options client.Options) (client.Comparison, error)
	rank(ctx context.Context, query []byte, candidates [][]byte, options client.Options) (client.Ranking, error)
	close() error
}

// pictureError is a picture that can't be used, by its place in the call.
type pictureError struct {
	index int
	err   error
}

// Error implements error.
func (e *pictureError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *pictureError) Unwrap() error { return e.err }

// comparerFlags choose between this process and a server.
type comparerFlags struct {
	Server  string        `help:"Ask the server at this address instead of running the model here." placeholder:"ADDR"`
	Timeout time.Duration `help:"How long to wait for the server." default:"60s"`

	Threshold *float32 `help:"The similarity, 0 to 1, from which images are the same. Default: the model's." placeholder:"N"`

	Dial dial.Flags `embed:""`
	modelFlags
	imagingFlags
}

// open makes the comparer. The caller closes it.
func (f comparerFlags) open(ctx context.Context) (comparer, error) {
	if f.Threshold != nil && !(*f.Threshold >= 0 && *f.Threshold <= 1) {
		return nil, usageError{fmt.Errorf("--threshold %v, want 0 to 1", *f.Threshold)}
	}
	if f.Server != "" {
		options, err := f.Dial.Options(f.Server)
		if err != nil {
			return nil, err
		}
		connection, err := client.New(f.Server, options...)
		if err != nil {
			return nil, err
		}
		return &remote{client: connection, server: f.Server, timeout: f.Timeout}, nil
	}
	model, err := f.modelFlags.open(ctx)
	if err != nil {
		return nil, err
	}
	preparer, err := f.preparer(model.Card().Architecture)
	if err != nil {
		return nil, errors.Join(err, model.Close())
	}
	return &local{model: model, preparer: preparer}, nil
}

// local runs the model in this process.
type local struct {
	model    *openModel
	preparer *imaging.Preparer
}

func (l *local) close() error { return l.model.Close() }

func (l *local) compare(ctx context.Context, a, b []byte, options client.Options) (client.Comparison, error) {
	pictures, err := l.prepare(a, b)
	if err != nil {
		return client.Comparison{}, err
	}
	ranking, err := l.score(ctx, pictures[0], pictures[1:], options)
	if err != nil {
		return client.Comparison{}, err
	}
	comparison := client.Comparison{
		Similarity: ranking.Matches[0].Similarity,
		Same:       ranking.Matches[0].Same,
		Threshold:  ranking.Threshold,
		Model:      ranking.Model,
	}
	if options.IncludePrepared {
		if comparison.PreparedA, err = pictures[0].PNG(); err != nil {
			return client.Comparison{}, err
		}
		if comparison.PreparedB, err = pictures[1].PNG(); err != nil {
			return client.Comparison{}, err
		}
	}
	return comparison, nil
}

func (l *local) rank(ctx context.Context, query []byte, candidates [][]byte, options client.Options) (client.Ranking, error) {
	prepared, err := l.prepare(query)
	if err != nil {
		return client.Ranking{}, err
	}
	failed := make(map[int]*client.Error)
	var usable []int
	var pictures []*imaging.Picture
	for i, candidate := range candidates {
		picture, err := l.preparer.Prepare(candidate)
		if err != nil {
			failed[i] = newPictureFailure(err)
			continue
		}
		usable, pictures = append(usable, i), append(pictures, picture)
	}
	ranking, err := l.score(ctx, prepared[0], pictures, options)
	if err != nil {
		return client.Ranking{}, err
	}
	for i := range ranking.Matches {
		ranking.Matches[i].Index = usable[ranking.Matches[i].Index]
	}
	ranking.Failed = failed
	return ranking, nil
}

// newPictureFailure is a picture's error as a server would tell it.
func newPictureFailure(err error) *client.Error {
	failure := &client.Error{Code: codes.InvalidArgument, Message: err.Error()}
	if picture, ok := errors.AsType[*imaging.Error](err); ok {
		failure.Reason, failure.Message = string(picture.Reason), picture.Message
	}
	return failure
}

func (l *local) prepare(encoded ...[]byte) ([]*imaging.Picture, error) {
	var pictures []*imaging.Picture
	for i, data := range encoded {
		picture, err := l.preparer.Prepare(data)
		if err != nil {
			return nil, &pictureError{index: i, err: newPictureFailure(err)}
		}
		pictures = append(pictures, picture)
	}
	return pictures, nil
}

// score compares a query with candidates, best first.
func (l *local) score(ctx context.Context, query *imaging.Picture, candidates []*imaging.Picture, options client.Options) (client.Ranking, error) {
	card := l.model.Card()
	ranking := client.Ranking{Threshold: float32(card.Threshold), Model: card.Name}
	if options.Threshold != nil {
		ranking.Threshold = *options.Threshold
	}
	if len(candidates) == 0 {
		return ranking, nil
	}
	pixels := append([]byte(nil), query.Pix...)
	for _, candidate := range candidates {
		pixels = append(pixels, candidate.Pix...)
	}
	embeddings, err := l.model.Encode(ctx, pixels)
	if err != nil {
		return client.Ranking{}, err
	}
	length := card.Architecture.EmbeddingLength()
	var repeated []float32
	for range candidates {
		repeated = append(repeated, embeddings[:length]...)
	}
	similarities, err := l.model.Compare(ctx, repeated, embeddings[length:])
	if err != nil {
		return client.Ranking{}, err
	}
	for i, similarity := range similarities {
		ranking.Matches = append(ranking.Matches, client.Match{
			Index:      i,
			Similarity: similarity,
			Same:       similarity >= ranking.Threshold,
		})
	}
	sort.SliceStable(ranking.Matches, func(i, j int) bool {
		return ranking.Matches[i].Similarity > ranking.Matches[j].Similarity
	})
	return ranking, nil
}

// remote asks a server.
type remote struct {
	client  *client.Client
	server  string
	timeout time.Duration
}

func (r *remote) close() error { return r.client.Close() }

func (r *remote) compare(ctx context.Context, a, b []byte, options client.Options) (client.Comparison, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	comparison, err := r.client.Compare(ctx, a, b, options)
	return comparison, r.locate(err)
}

func (r *remote) rank(ctx context.Context, query []byte, candidates [][]byte, options client.Options) (client.Ranking, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	ranking, err := r.client.Rank(ctx, query, candidates, options)
	return ranking, r.locate(err)
}

// locate says which picture is at fault, or which server.
func (r *remote) locate(err error) error {
	failure, ok := errors.AsType[*client.Error](err)
	if !ok {
		return err
	}
	switch {
	case failure.Field == "image_a" || strings.HasPrefix(failure.Field, "query"):
		return &pictureError{index: 0, err: failure}
	case failure.Field == "image_b":
		return &pictureError{index: 1, err: failure}
	}
	return fmt.Errorf("server %s: %w", r.server, failure)
}
