package scorer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"siamese"
	"siamese/client"
	"siamese/gallery"
)

// Alike implements Scorer, by the model that embeds.
func (l *local) Alike(ctx context.Context, query []float32, candidates [][]float32) ([]float32, error) {
	model, err := l.model(ctx, 0)
	if err != nil {
		return nil, err
	}
	images := make([]siamese.Image, len(candidates))
	for i, candidate := range candidates {
		// With a familiarity, which nobody asks for, so that it is not worked out.
		images[i] = siamese.Encoded{Embedding: candidate}.Image()
	}
	ranking, err := model.Rank(ctx, siamese.Encoded{Embedding: query}.Image(), images)
	if err != nil {
		return nil, err
	}
	if len(ranking.Failed) > 0 {
		return nil, fmt.Errorf("embedding: %w", ranking.Failed[0])
	}
	similarities := make([]float32, len(candidates))
	for _, match := range ranking.Matches {
		similarities[match.Index] = match.Similarity
	}
	return similarities, nil
}

// Alike implements Scorer.
func (r *remote) Alike(ctx context.Context, query []float32, candidates [][]float32) ([]float32, error) {
	info, err := r.ask(ctx)
	if err != nil {
		return nil, err
	}
	options := r.options
	options.Model = r.embedderName()
	image := func(values []float32) client.Image {
		return client.Image{Embedding: &client.Embedding{Values: values, ModelDigest: info.Model.Digest}}
	}
	most := min(info.Limits.MaxCandidates, max(info.Limits.MaxQueuedImages-1, 1))
	most = max(min(most, int(r.room()/int64(4*len(query)+replyItem))-1), 1)
	similarities := make([]float32, len(candidates))
	for from := 0; from < len(candidates); from += most {
		some := candidates[from:min(from+most, len(candidates))]
		images := make([]client.Image, len(some))
		for i, candidate := range some {
			images[i] = image(candidate)
		}
		var reply client.Ranking
		err := r.call(ctx, func(ctx context.Context) (err error) {
			reply, err = r.client.RankImages(ctx, image(query), images, options)
			return err
		})
		if err != nil {
			return nil, r.locate(err)
		}
		for _, failure := range reply.Failed {
			return nil, r.locate(failure)
		}
		for _, match := range reply.Matches {
			similarities[from+match.Index] = match.Similarity
		}
	}
	return similarities, nil
}

// Metric implements Scorer.
func (l *local) Metric(ctx context.Context) (*gallery.Metric, error) {
	model, err := l.model(ctx, 0)
	if err != nil {
		return nil, err
	}
	metric, err := model.Metric()
	if errors.Is(err, siamese.ErrNoMetric) {
		return plain(Model{Digest: model.Digest(), Length: model.EmbeddingLength()})
	}
	return metric, err
}

// Metric implements Scorer. Servers tell none.
func (r *remote) Metric(ctx context.Context) (*gallery.Metric, error) {
	model, err := r.Embedder(ctx)
	if err != nil {
		return nil, err
	}
	return plain(model)
}

// plain is the metric that takes all numbers of an embedding alike.
func plain(model Model) (*gallery.Metric, error) {
	return gallery.NewMetric(model.Digest, slices.Repeat([]float32{1}, model.Length))
}
