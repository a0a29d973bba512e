package scorer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/cmd/internal/dial"
	"siamese/imaging"
)

// remote asks a server, in calls that keep to its limits.
type remote struct {
	client  *client.Client
	server  string
	timeout time.Duration
	options client.Options
	alpha   imaging.Alpha
	side    *side
	notes   io.Writer
	noted   bool // that pictures are sent smaller

	info *client.ServerInfo // nil until it was asked for
	fit  *imaging.Preparer  // makes pictures smaller; nil until then
}

// Close ends the connection.
func (r *remote) Close() error { return r.client.Close() }

// limits of a server that does not tell its own: the defaults of the first one.
const (
	defaultMessageBytes = 16 << 20
	defaultImageBytes   = 7 << 20
	defaultImagePixels  = 25_000_000
	defaultPairs        = 64
	defaultCandidates   = 256
	defaultImages       = 128
	defaultQueued       = 512
)

// ask asks the server about itself, once.
func (r *remote) ask(ctx context.Context) (*client.ServerInfo, error) {
	if r.info != nil {
		return r.info, nil
	}
	var info client.ServerInfo
	err := r.call(ctx, func(ctx context.Context) (err error) {
		info, err = r.client.ServerInfo(ctx, r.options.Model)
		return err
	})
	if failure, ok := errors.AsType[*client.Error](err); ok && failure.Code == codes.Unimplemented {
		err = nil // an older server
	}
	if err != nil {
		return nil, r.locate(err)
	}
	limits := &info.Limits
	limits.MaxMessageBytes = cmp.Or(limits.MaxMessageBytes, defaultMessageBytes)
	limits.MaxImageBytes = cmp.Or(limits.MaxImageBytes, defaultImageBytes)
	limits.MaxImagePixels = cmp.Or(limits.MaxImagePixels, defaultImagePixels)
	limits.MaxPairs = cmp.Or(limits.MaxPairs, defaultPairs)
	limits.MaxCandidates = cmp.Or(limits.MaxCandidates, defaultCandidates)
	limits.MaxImages = cmp.Or(limits.MaxImages, defaultImages)
	limits.MaxQueuedImages = cmp.Or(limits.MaxQueuedImages, defaultQueued)
	if wanted := int(r.options.TestTimeViews); wanted > max(limits.MaxTestTimeViews, 1) {
		return nil, fmt.Errorf("server %s scores at most %d views of a picture, want %d", r.server, max(limits.MaxTestTimeViews, 1), wanted)
	}
	r.info = &info
	return r.info, nil
}

// views is how many views of a picture are scored, from 1.
func (r *remote) views() int { return max(int(r.options.TestTimeViews), 1) }

// Chosen implements Scorer.
func (r *remote) Chosen(ctx context.Context) (bool, error) {
	if r.options.Model != "" {
		return r.options.Model == auto, nil
	}
	info, err := r.ask(ctx)
	return err == nil && info.DefaultModel == auto, err
}

// name is a model's by which calls ask for it, where the server tells it.
func (r *remote) name(card string) string {
	if r.info != nil {
		if model, ok := r.info.Served(card); ok {
			return cmp.Or(model.ServingName, card)
		}
	}
	return card
}

// threshold is that of the model that answered, where it is not the call's.
func (r *remote) threshold(card, called string, ofCall float32) float32 {
	if r.options.Threshold == nil && card != called && r.info != nil {
		if model, ok := r.info.Served(card); ok {
			return model.Threshold
		}
	}
	return ofCall
}

// Waiting for a server that is busy.
const (
	leastWait = 50 * time.Millisecond
	mostWaits = 100
)

// call calls the server, again where it is busy and says when. Each call, and all the
// waiting, is limited by the timeout.
func (r *remote) call(ctx context.Context, try func(ctx context.Context) error) error {
	var waited time.Duration
	for waits := 0; ; waits++ {
		limited, cancel := context.WithTimeout(ctx, r.timeout)
		err := try(limited)
		cancel()
		failure, ok := errors.AsType[*client.Error](err)
		if !ok || failure.RetryIn <= 0 || waits == mostWaits {
			return err
		}
		wait := max(failure.RetryIn, leastWait)
		if waited += wait; waited > r.timeout {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// locate says which server failed.
func (r *remote) locate(err error) error {
	if _, ok := errors.AsType[*client.Error](err); !ok {
		return err
	}
	return dial.Unreached(r.server, err)
}

// Compare implements Scorer.
func (r *remote) Compare(ctx context.Context, pair Pair, prepared bool) (Comparison, error) {
	if _, err := r.ask(ctx); err != nil {
		return Comparison{}, err
	}
	both := []Picture{pair.A, pair.B}
	encoded, errs, err := r.load(ctx, both)
	if err != nil {
		return Comparison{}, err
	}
	for i, err := range errs {
		if err != nil {
			return Comparison{}, &PictureError{Index: i, Name: both[i].Name, Err: err}
		}
	}
	options := r.options
	options.IncludePrepared = prepared
	var reply client.Comparison
	err = r.call(ctx, func(ctx context.Context) (err error) {
		reply, err = r.client.Compare(ctx, encoded[0], encoded[1], options)
		return err
	})
	if err != nil {
		return Comparison{}, r.blame(err, both...)
	}
	return Comparison{
		Score: Score{
			Similarity: reply.Similarity, Threshold: reply.Threshold, Same: reply.Same, Model: r.name(reply.Model), Card: reply.Model,
			FamiliarityA: reply.FamiliarityA, FamiliarityB: reply.FamiliarityB, Warning: reply.Warning,
		},
		PreparedA: reply.PreparedA, PreparedB: reply.PreparedB,
	}, nil
}

// blame says which picture is at fault, or which server.
func (r *remote) blame(err error, pictures ...Picture) error {
	failure, ok := errors.AsType[*client.Error](err)
	switch {
	case ok && (failure.Field == "image_a" || strings.HasPrefix(failure.Field, "query")):
		return &PictureError{Index: 0, Name: pictures[0].Name, Err: failure}
	case ok && failure.Field == "image_b":
		return &PictureError{Index: 1, Name: pictures[1].Name, Err: failure}
	}
	return r.locate(err)
}

// Pairs implements Scorer.
func (r *remote) Pairs(ctx context.Context, pairs []Pair) ([]Result, error) {
	info, err := r.ask(ctx)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(pairs))
	images := make([]client.Pair, len(pairs))
	load := func(ctx context.Context, from, to int) ([]int64, error) {
		var pictures []Picture
		for _, pair := range pairs[from:to] {
			pictures = append(pictures, pair.A, pair.B)
		}
		encoded, errs, err := r.load(ctx, pictures)
		sizes := make([]int64, to-from)
		for i := range sizes {
			a, b := 2*i, 2*i+1
			images[from+i] = client.Pair{A: client.Image{Encoded: encoded[a]}, B: client.Image{Encoded: encoded[b]}}
			sizes[i] = int64(len(encoded[a]) + len(encoded[b]))
			for place, err := range errs[a : b+1] {
				if err != nil && results[from+i].Err == nil {
					results[from+i].Err, sizes[i] = &PictureError{Index: place, Name: pictures[a+place].Name, Err: err}, failed
				}
			}
		}
		return sizes, err
	}
	send := func(indices []int) error {
		some := make([]client.Pair, len(indices))
		for i, index := range indices {
			some[i], images[index] = images[index], client.Pair{}
		}
		var reply client.BatchComparison
		err := r.call(ctx, func(ctx context.Context) (err error) {
			reply, err = r.client.BatchCompare(ctx, some, r.options)
			return err
		})
		if err != nil {
			return r.locate(err)
		}
		for i, result := range reply.Results {
			results[indices[i]] = r.result(result, reply, pairs[indices[i]])
		}
		return nil
	}
	return results, pack(ctx, len(pairs), min(info.Limits.MaxPairs, max(info.Limits.MaxQueuedImages/(2*r.views()), 1)), r.room(), load, send)
}

// result is a pair's.
func (r *remote) result(result client.PairResult, of client.BatchComparison, pair Pair) Result {
	if result.Err != nil {
		err := r.blame(fieldOfPair(result.Err), pair.A, pair.B)
		return Result{Err: err}
	}
	return Result{Score: Score{
		Similarity: result.Similarity, Threshold: r.threshold(result.Model, of.Model, of.Threshold), Same: result.Same,
		Model: r.name(result.Model), Card: result.Model,
		FamiliarityA: result.FamiliarityA, FamiliarityB: result.FamiliarityB, Warning: result.Warning,
	}}
}

// fieldOfPair takes the pair's place from the field of an error: pairs[3].image_a.
func fieldOfPair(failure *client.Error) *client.Error {
	own := *failure
	if _, field, ok := strings.Cut(own.Field, "]."); ok {
		own.Field = field
	}
	for _, image := range []string{"image_a", "image_b"} {
		if strings.HasPrefix(own.Field, image) {
			own.Field = image
		}
	}
	return &own
}

// Embedder implements Scorer.
func (r *remote) Embedder(ctx context.Context) (Model, error) {
	info, err := r.ask(ctx)
	if err != nil {
		return Model{}, err
	}
	model := info.Model // of auto the first that is tried
	threshold := model.Threshold
	if r.options.Threshold != nil {
		threshold = *r.options.Threshold
	}
	return Model{
		Name: cmp.Or(model.ServingName, model.Name), Card: model.Name, Digest: model.Digest, Length: model.EmbeddingLength,
		Threshold: threshold, Prepared: "server, " + model.ResizeRule + ", " + r.alpha.String(),
	}, nil
}

// embedderName is the model for calls that want one model alone.
func (r *remote) embedderName() string {
	if r.options.Model == "" && r.info.DefaultModel == auto {
		return r.info.Model.ServingName
	}
	return r.options.Model
}

// Embed implements Scorer.
func (r *remote) Embed(ctx context.Context, pictures []Picture) ([]Embedding, error) {
	info, err := r.ask(ctx)
	if err != nil {
		return nil, err
	}
	options := r.options
	options.Model = r.embedderName()
	embeddings, images := make([]Embedding, len(pictures)), make([][]byte, len(pictures))
	load := r.loader(pictures, images, func(i int, err error) {
		embeddings[i].Err = &PictureError{Index: i, Name: pictures[i].Name, Err: err}
	})
	send := func(indices []int) error {
		var reply client.Embeddings
		some := take(images, indices)
		err := r.call(ctx, func(ctx context.Context) (err error) {
			reply, err = r.client.Embed(ctx, some, options)
			return err
		})
		if err != nil {
			return r.locate(err)
		}
		for i, result := range reply.Results {
			index := indices[i]
			if result.Err != nil {
				embeddings[index].Err = &PictureError{Index: index, Name: pictures[index].Name, Err: result.Err}
				continue
			}
			embeddings[index] = Embedding{Values: result.Embedding.Values, Familiarity: result.Familiarity}
		}
		return nil
	}
	most := min(info.Limits.MaxImages, info.Limits.MaxQueuedImages)
	if length := info.Model.EmbeddingLength; length > 0 { // the answer has to fit, too
		most = max(min(most, int(r.room()/int64(4*length+replyItem))), 1)
	}
	if err := pack(ctx, len(pictures), most, r.room(), load, send); err != nil {
		return nil, err
	}
	return embeddings, r.addThumbnails(ctx, pictures, embeddings)
}

// addThumbnails makes the thumbnails that are asked for here: servers send none.
func (r *remote) addThumbnails(ctx context.Context, pictures []Picture, embeddings []Embedding) error {
	return r.side.each(ctx, len(pictures), func(i int) {
		if pictures[i].Thumbnail == 0 || embeddings[i].Err != nil {
			return
		}
		thumbnail, err := r.side.thumbnail(ctx, pictures[i])
		if err != nil {
			embeddings[i] = Embedding{Err: &PictureError{Index: i, Name: pictures[i].Name, Err: err}}
			return
		}
		embeddings[i].Thumbnail = thumbnail
	})
}

// replyItem is what an answer has about an image beside its embedding, at most.
const replyItem = 1 << 10
