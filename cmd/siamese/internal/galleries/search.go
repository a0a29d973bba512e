package galleries

import (
	"context"
	"slices"

	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
)

// head is the model's, as galleries are searched by it.
type head struct {
	by     scorer.Scorer
	length int
}

// Compare implements gallery.Head: queries that follow each other are one.
func (h head) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	var similarities []float32
	for len(a) > 0 {
		query := a[:h.length]
		var candidates [][]float32
		for len(a) > 0 && slices.Equal(a[:h.length], query) {
			candidates = append(candidates, b[:h.length])
			a, b = a[h.length:], b[h.length:]
		}
		some, err := h.by.Alike(ctx, query, candidates)
		if err != nil {
			return nil, err
		}
		similarities = append(similarities, some...)
	}
	return similarities, nil
}

// Identify implements Keeper.
func (l *local) Identify(ctx context.Context, name string, picture scorer.Picture, search Search) (Identified, error) {
	info, err := l.open(ctx, name)
	if err != nil {
		return Identified{}, err
	}
	embeddings, err := l.by.Embed(ctx, []scorer.Picture{picture})
	if err != nil {
		return Identified{}, err
	}
	query := embeddings[0]
	if query.Err != nil {
		return Identified{}, query.Err
	}
	var moved []gallery.Vector
	for _, view := range query.Moved {
		moved = append(moved, gallery.NewVector(view))
	}
	searcher := gallery.Searcher{Store: l.store, Head: head{l.by, info.EmbeddingLength}, Metric: l.metric}
	matches, err := searcher.Identify(ctx, name, gallery.Search{
		Embedding: gallery.NewVector(query.Values), Moved: moved, TopK: search.Top, MinSimilarity: search.MinSimilarity, Filter: search.Filter,
	})
	if err != nil {
		return Identified{}, locate(err, name)
	}
	identified := Identified{Threshold: l.model.Threshold, Model: l.model.Name, Familiarity: query.Familiarity}
	if search.Threshold != nil {
		identified.Threshold = *search.Threshold
	}
	for _, match := range matches {
		identified.Matches = append(identified.Matches, Match{match.Entry, match.Similarity, match.Similarity >= identified.Threshold})
	}
	if query.Familiarity != nil && query.Familiarity.Foreign {
		identified.Warning = scorer.ForeignWarning(l.model.Name, query.Familiarity.Value)
	}
	return identified, nil
}
