package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"siamese/client"
)

// runner runs cases by one client.
type runner struct {
	client *client.Client
	folder string
	limits *client.Limits // nil until they are asked for
}

// image is a picture as the client takes it.
func (r *runner) image(ctx context.Context, p picture) (client.Image, error) {
	switch {
	case p.Reference != "":
		return client.Image{}, errUnsupported
	case p.EmbeddingOf != "":
		return r.embedded(ctx, p)
	case p.Raw != "":
		data, err := r.read(p.Raw)
		formats := map[string]client.PixelFormat{"RGB8": client.RGB8, "GRAY8": client.Gray8}
		return client.Image{Raw: &client.RawPixels{Width: p.Width, Height: p.Height, Format: formats[p.Format], Data: data}}, err
	case p.path != "":
		data, err := r.read(p.path)
		return client.Image{Encoded: data}, err
	default:
		return client.Image{}, nil
	}
}

// embedded has a picture embedded first.
func (r *runner) embedded(ctx context.Context, p picture) (client.Image, error) {
	data, err := r.read(p.EmbeddingOf)
	if err != nil {
		return client.Image{}, err
	}
	embeddings, err := r.client.Embed(ctx, [][]byte{data}, client.Options{Model: p.Model})
	if err != nil {
		return client.Image{}, err
	}
	if err := embeddings.Results[0].Err; err != nil {
		return client.Image{}, err
	}
	embedding := embeddings.Results[0].Embedding
	if p.Keep > 0 {
		embedding.Values = embedding.Values[:p.Keep]
	}
	return client.Image{Embedding: &embedding}, nil
}

func (r *runner) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.folder, name))
}

func (r *runner) images(ctx context.Context, pictures []picture) ([]client.Image, error) {
	images := make([]client.Image, len(pictures))
	for i, p := range pictures {
		var err error
		if images[i], err = r.image(ctx, p); err != nil {
			return nil, err
		}
	}
	return images, nil
}

func (r *runner) compare(ctx context.Context, c testCase) ([]string, error) {
	images, err := r.images(ctx, []picture{c.A, c.B})
	if err != nil {
		return nil, err
	}
	answer, err := r.client.CompareImages(ctx, images[0], images[1], c.options())
	if err != nil {
		return nil, err
	}
	return []string{scoreText(answer.Similarity, answer.Same, answer.PreparedA, answer.PreparedB)}, nil
}

func (r *runner) batch(ctx context.Context, c testCase) ([]string, error) {
	pairs := make([]client.Pair, len(c.Pairs))
	for i, pair := range c.Pairs {
		images, err := r.images(ctx, pair[:])
		if err != nil {
			return nil, err
		}
		pairs[i] = client.Pair{A: images[0], B: images[1]}
	}
	limits, err := r.limitsOf(ctx)
	if err != nil {
		return nil, err
	}
	results := []string{}
	for start := 0; start == 0 || start < len(pairs); start += limits.MaxPairs {
		part := pairs[start:min(len(pairs), start+limits.MaxPairs)]
		answer, err := r.client.BatchCompare(ctx, part, c.options())
		if err != nil {
			return nil, err
		}
		for _, result := range answer.Results {
			if result.Err != nil {
				results = append(results, partErrorText(result.Err, start))
				continue
			}
			results = append(results, scoreText(result.Similarity, result.Same, result.PreparedA, result.PreparedB))
		}
	}
	return results, nil
}

// limitsOf asks the server once: package client leaves it to its callers to split lists.
func (r *runner) limitsOf(ctx context.Context) (client.Limits, error) {
	if r.limits == nil {
		info, err := r.client.ServerInfo(ctx, "")
		if err != nil {
			return client.Limits{}, err
		}
		r.limits = &info.Limits
	}
	return *r.limits, nil
}

func (r *runner) rank(ctx context.Context, c testCase) ([]string, error) {
	images, err := r.images(ctx, append([]picture{c.Query}, c.Candidates...))
	if err != nil {
		return nil, err
	}
	options := client.RankOptions{Options: c.options(), TopK: c.TopK, MinSimilarity: c.MinSimilarity}
	ranking, err := r.client.RankBest(ctx, images[0], images[1:], options)
	if err != nil {
		return nil, err
	}
	results := []string{}
	for _, match := range ranking.Matches {
		results = append(results, matchText(match))
	}
	for _, index := range slices.Sorted(maps.Keys(ranking.Failed)) {
		results = append(results, indexed(index, errorText(ranking.Failed[index])))
	}
	return results, nil
}

func (r *runner) embed(ctx context.Context, c testCase) ([]string, error) {
	images, err := r.images(ctx, c.Images)
	if err != nil {
		return nil, err
	}
	embeddings, err := r.client.EmbedImages(ctx, images, c.options())
	if err != nil {
		return nil, err
	}
	results := make([]string, len(embeddings.Results))
	for i, result := range embeddings.Results {
		if results[i] = embeddingText(result.Embedding.Values); result.Err != nil {
			results[i] = errorText(result.Err)
		}
	}
	return results, nil
}

func (r *runner) stream(ctx context.Context, c testCase) ([]string, error) {
	stream, err := r.client.Stream(ctx, client.StreamConfig{Window: 1, Options: c.options()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }() // returns nil
	results := []string{}
	for _, name := range slices.Sorted(maps.Keys(c.References)) {
		data, err := r.read(c.References[name].path)
		if err != nil {
			return nil, err
		}
		err = stream.SetReference(ctx, client.Reference{Name: name, Image: data})
		results = append(results, name+" "+okOr(err))
	}
	for _, frame := range c.Frames {
		data, err := r.read(frame.path)
		if err != nil {
			return nil, err
		}
		scores, err := stream.Score(ctx, data)
		results = append(results, frameText(scores, err))
	}
	return results, nil
}

func (r *runner) info(ctx context.Context, c testCase) ([]string, error) {
	info, err := r.client.ServerInfo(ctx, c.Model)
	if err != nil {
		return nil, err
	}
	results := []string{modelText(info.Model)}
	for _, model := range info.Models {
		results = append(results, model.Name)
	}
	return results, nil
}

// okOr is ok, or the server's error; of another error its own words, which no other
// runner has.
func okOr(err error) string {
	if err == nil {
		return "ok"
	}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return errorText(refused)
	}
	return err.Error()
}
