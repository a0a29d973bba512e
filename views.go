package siamese

import (
	"cmp"
	"context"
	"slices"

	"siamese/imaging/views"
)

// viewed is the embeddings of an image: its own and those of its further views.
type viewed struct {
	own   []float32
	moved [][]float32
}

// encodeViews encodes images that are prepared, the first ones, as many as varied, in all
// views that the model is asked about. An embedded image has those that it came with.
func (m *Model) encodeViews(ctx context.Context, prepared []Image, varied int) ([]viewed, error) {
	var all []Image
	of := make([]int, len(prepared)) // how many views of each are to be encoded
	for i, image := range prepared {
		all, of[i] = append(all, image), 1
		if image.picture == nil || i >= varied {
			continue
		}
		made, err := views.Of(image.picture, m.views)
		if err != nil {
			return nil, &ImageError{Index: i, Err: err}
		}
		for _, picture := range made[1:] {
			all, of[i] = append(all, Image{picture: picture}), of[i]+1
		}
	}
	embeddings, err := m.encode(ctx, all)
	if err != nil {
		return nil, err
	}
	encoded := make([]viewed, len(prepared))
	for i, n := range of {
		encoded[i] = viewed{own: embeddings[0], moved: slices.Clip(embeddings[1:n])}
		if prepared[i].embedding != nil {
			encoded[i].moved = prepared[i].moved
		}
		embeddings = embeddings[n:]
	}
	return encoded, nil
}

// comparePair is the similarity of two images, the mean over every view of either with
// the other as it is. What a run of the head rounds depends on a pair's place in it, so
// that the pairs' order does not depend on which image is which.
func (m *Model) comparePair(ctx context.Context, a, b viewed) (float32, error) {
	if cmp.Or(slices.Compare(a.own, b.own), cmp.Compare(len(a.moved), len(b.moved))) > 0 {
		a, b = b, a
	}
	first, second := slices.Clone(a.own), slices.Clone(b.own)
	for _, moved := range a.moved {
		first, second = append(first, moved...), append(second, b.own...)
	}
	for _, moved := range b.moved {
		first, second = append(first, a.own...), append(second, moved...)
	}
	similarities, err := m.network.Compare(ctx, first, second)
	if err != nil {
		return 0, err
	}
	ofA := 1 + len(a.moved)
	return views.Mean(similarities[0], similarities[1:ofA], similarities[ofA:]), nil
}

// compareQuery is the similarity of a query to each candidate, the mean over the query's
// views with the candidate as it is.
func (m *Model) compareQuery(ctx context.Context, query viewed, candidates []viewed) ([]float32, error) {
	var others []float32
	for _, candidate := range candidates {
		others = append(others, candidate.own...)
	}
	similarities, err := m.network.Compare(ctx, slices.Repeat(query.own, len(candidates)), others)
	if err != nil || len(query.moved) == 0 {
		return similarities, err
	}
	further := make([][]float32, len(candidates))
	for _, moved := range query.moved {
		more, err := m.network.Compare(ctx, slices.Repeat(moved, len(candidates)), others)
		if err != nil {
			return nil, err
		}
		for i, similarity := range more {
			further[i] = append(further[i], similarity)
		}
	}
	for i, own := range similarities {
		similarities[i] = views.Mean(own, further[i], nil)
	}
	return similarities, nil
}
