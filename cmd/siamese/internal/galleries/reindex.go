package galleries

import (
	"context"

	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
)

// What a reindex does in one go, and how many entries it tells of.
const (
	reindexAtOnce = 16 // their pictures are in memory at a time
	mostMissing   = 1000
)

// Reindex implements Keeper. Entries that keep their pictures are encoded again; one that
// was interrupted goes on where it was.
func (l *local) Reindex(ctx context.Context, name string, tell func(Moved)) (Moved, error) {
	info, err := l.store.Gallery(ctx, name)
	if err != nil {
		return Moved{}, locate(err, name)
	}
	if err := l.openModel(ctx, info.Model); err != nil {
		return Moved{}, err
	}
	if info.ModelDigest != l.model.Digest {
		info.Model, info.ModelDigest, info.EmbeddingLength = l.modelName(), l.model.Digest, l.model.Length
		if err := l.store.Update(ctx, info); err != nil {
			return Moved{}, locate(err, name)
		}
	}
	count, err := l.store.Count(ctx, name)
	if err != nil {
		return Moved{}, locate(err, name)
	}
	moved := Moved{Entries: count.Entries, Encoded: count.Entries - count.Stale}
	listing := gallery.Listing{Limit: reindexAtOnce, NotOfModel: info.ModelDigest, With: gallery.Parts{Picture: true, Thumbnail: true}}
	for {
		page, err := l.store.List(ctx, name, listing)
		if err != nil {
			return moved, locate(err, name)
		}
		if len(page) == 0 {
			return moved, nil
		}
		listing.After = page[len(page)-1].ID
		if err := l.encodeAgain(ctx, info, page, &moved); err != nil {
			return moved, err
		}
		tell(moved)
	}
}

// encodeAgain encodes the pictures that some entries keep.
func (l *local) encodeAgain(ctx context.Context, info gallery.Info, page []gallery.Entry, moved *Moved) error {
	var kept []gallery.Entry
	var pictures []scorer.Picture
	for _, entry := range page {
		if entry.Picture == nil {
			moved.miss(entry.ID)
			continue
		}
		kept, pictures = append(kept, entry), append(pictures, scorer.Picture{Name: entry.ID, Data: entry.Picture})
	}
	embeddings, err := l.by.Embed(ctx, pictures)
	if err != nil {
		return err
	}
	var put []gallery.Entry
	for i, embedding := range embeddings {
		if embedding.Err != nil {
			moved.miss(kept[i].ID)
			continue
		}
		entry := kept[i]
		entry.Embedding, entry.ModelDigest, entry.Familiarity = gallery.NewVector(embedding.Values), info.ModelDigest, -1
		if embedding.Familiarity != nil {
			entry.Familiarity = embedding.Familiarity.Value
		}
		put = append(put, entry)
	}
	// What another program has enrolled or removed meanwhile stays so.
	if _, err := l.store.Renew(ctx, info.Name, put); err != nil {
		return locate(err, info.Name)
	}
	moved.Encoded += len(put)
	return nil
}

func (m *Moved) miss(id string) {
	if m.Missing++; len(m.MissingIDs) < mostMissing {
		m.MissingIDs = append(m.MissingIDs, id)
	}
}
