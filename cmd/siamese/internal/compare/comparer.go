package compare

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"siamese"
	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
	"siamese/cmd/internal/network"
	"siamese/imaging"
)

// modelAuto leaves the choice of a model to the images.
const modelAuto = "auto"

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

// Unwrap returns the cause.
func (e *pictureError) Unwrap() error { return e.err }

// comparerFlags choose between this process and a server.
type comparerFlags struct {
	Server  string        `help:"Asks the server at this address instead of running the model here; --model then names one of its models: model, model/version, model/label or auto. Empty: runs it here." placeholder:"ADDR"`
	Timeout time.Duration `help:"Limits how long to wait for the server." default:"60s"`

	Threshold *float32 `help:"Sets the similarity, 0 to 1, from which images are the same. Empty: the model's own." placeholder:"N"`

	Dial dial.Flags `embed:""`
	network.ModelFlags
	network.ImagingFlags
}

// open makes the comparer. The caller closes it.
func (f comparerFlags) open(ctx context.Context) (comparer, error) {
	if f.Threshold != nil && !(*f.Threshold >= 0 && *f.Threshold <= 1) {
		return nil, cli.Usage(fmt.Errorf("--threshold %v, want 0 to 1", *f.Threshold))
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
		return &remote{client: connection, server: f.Server, model: f.Model, timeout: f.Timeout}, nil
	}
	model, err := siamese.Open(ctx, f.Model, siamese.Options{
		Run: f.Options(network.Warnings()), Cache: f.Cache, Log: network.Warnings(), Threshold: f.Threshold, Rule: f.Rule(), Alpha: f.Transparency(),
	})
	if err != nil {
		return nil, err
	}
	return &local{model: model}, nil
}

// local runs the model in this process; it has the threshold of the flags.
type local struct{ model *siamese.Model }

func (l *local) close() error { return l.model.Close() }

func (l *local) compare(ctx context.Context, a, b []byte, options client.Options) (comparison client.Comparison, err error) {
	var images [2]siamese.Image
	var png [2][]byte
	for i, encoded := range [2][]byte{a, b} {
		picture, err := l.model.Prepare(siamese.Bytes(encoded))
		if err != nil {
			return comparison, &pictureError{index: i, err: newPictureFailure(err)}
		}
		images[i] = siamese.Prepared(picture)
		if !options.IncludePrepared {
			continue
		}
		if png[i], err = picture.PNG(); err != nil {
			return comparison, err
		}
	}
	result, err := l.model.Compare(ctx, images[0], images[1])
	return client.Comparison{
		Similarity: result.Similarity, Same: result.Same, Threshold: l.model.Threshold(), Model: l.model.Name(),
		PreparedA: png[0], PreparedB: png[1],
	}, err
}

func (l *local) rank(ctx context.Context, query []byte, candidates [][]byte, _ client.Options) (client.Ranking, error) {
	var images []siamese.Image
	for _, candidate := range candidates {
		images = append(images, siamese.Bytes(candidate))
	}
	ranked, err := l.model.Rank(ctx, siamese.Bytes(query), images)
	if failure, ok := errors.AsType[*siamese.ImageError](err); ok {
		return client.Ranking{}, &pictureError{index: failure.Index, err: newPictureFailure(failure)}
	}
	ranking := client.Ranking{Threshold: l.model.Threshold(), Model: l.model.Name(), Failed: make(map[int]*client.Error)}
	for _, match := range ranked.Matches {
		ranking.Matches = append(ranking.Matches, client.Match{Index: match.Index, Similarity: match.Similarity, Same: match.Same})
	}
	for _, failure := range ranked.Failed {
		ranking.Failed[failure.Index] = newPictureFailure(failure)
	}
	return ranking, err
}

// newPictureFailure is a picture's error as a server would tell it.
func newPictureFailure(err error) *client.Error {
	failure := &client.Error{Code: codes.InvalidArgument, Message: err.Error()}
	if picture, ok := errors.AsType[*imaging.Error](err); ok {
		failure.Reason, failure.Message = string(picture.Reason), picture.Message
	}
	return failure
}

// remote asks a server.
type remote struct {
	client  *client.Client
	server  string
	model   string // by the server's name for it; empty: its default
	timeout time.Duration
}

func (r *remote) close() error { return r.client.Close() }

func (r *remote) compare(ctx context.Context, a, b []byte, options client.Options) (client.Comparison, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	options.Model = r.model
	comparison, err := r.client.Compare(ctx, a, b, options)
	return comparison, r.locate(err)
}

func (r *remote) rank(ctx context.Context, query []byte, candidates [][]byte, options client.Options) (client.Ranking, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	options.Model = r.model
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
