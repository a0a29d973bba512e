package galleries

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"siamese/cmd/siamese/internal/scorer"
	"siamese/gallery"
	"siamese/imaging"
)

// Thumbnails of entries, as a server makes them.
const (
	thumbnailSide    = 160
	thumbnailQuality = 80
)

// newcomer is an entry on its way into a store.
type newcomer struct {
	gallery.Entry
	data []byte
	err  error
	kept bool // it is there already as it is
}

// Enroll implements Keeper.
func (l *local) Enroll(ctx context.Context, name string, entries []Entry) ([]Outcome, error) {
	info, err := l.open(ctx, name)
	if err != nil {
		return nil, err
	}
	all := make([]newcomer, len(entries))
	if err := l.read(ctx, all, entries); err != nil {
		return nil, err
	}
	if err := l.pass(ctx, info, all); err != nil {
		return nil, locate(err, name)
	}
	foreign, err := l.embed(ctx, info, all, entries)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(all))
	var put []gallery.Entry
	var places []int
	for i := range all {
		outcomes[i] = Outcome{Outcome: gallery.Unchanged, Foreign: foreign[i], Err: all[i].err}
		if all[i].err == nil && !all[i].kept {
			put, places = append(put, all[i].Entry), append(places, i)
		}
	}
	done, err := l.store.Put(ctx, name, put)
	if err != nil {
		return nil, locate(err, name)
	}
	for i, outcome := range done {
		outcomes[places[i]].Outcome = outcome
	}
	return outcomes, nil
}

// read reads the pictures, and checks what they are called.
func (l *local) read(ctx context.Context, all []newcomer, entries []Entry) error {
	return each(ctx, len(all), func(i int) {
		own, from := &all[i], entries[i]
		own.Entry = gallery.Entry{ID: from.ID, Thing: from.Thing, Metadata: from.Metadata, Familiarity: -1, Enrolled: time.Now()}
		if own.err = errors.Join(gallery.CheckID(from.ID), gallery.CheckThing(from.Thing), gallery.CheckMetadata(from.Metadata)); own.err != nil {
			return
		}
		if own.data, own.err = from.Picture.Read(l.flags.MaxBytes()); own.err == nil {
			own.PictureDigest = sha256.Sum256(own.data)
		}
	})
}

// each calls work for 0 to n-1, one a core at a time, until ctx is done.
func each(ctx context.Context, n int, work func(i int)) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			if ctx.Err() == nil {
				work(i)
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// pass passes over those that are there already as they are: they need no encoding.
func (l *local) pass(ctx context.Context, info gallery.Info, all []newcomer) error {
	var ids []string
	for _, own := range all {
		if own.err == nil {
			ids = append(ids, own.ID)
		}
	}
	there, err := l.store.Get(ctx, info.Name, ids, gallery.Parts{})
	if err != nil {
		return err
	}
	byID := make(map[string]*gallery.Entry, len(there))
	for i := range there {
		byID[there[i].ID] = &there[i]
	}
	for i := range all {
		own := &all[i]
		old := byID[own.ID]
		own.kept = own.err == nil && old != nil && old.PictureDigest == own.PictureDigest && old.ModelDigest == info.ModelDigest &&
			old.Thing == own.Thing && maps.Equal(old.Metadata, own.Metadata)
	}
	return nil
}

// embed has the model make the embeddings, and says which pictures are foreign to it.
func (l *local) embed(ctx context.Context, info gallery.Info, all []newcomer, entries []Entry) (foreign []bool, err error) {
	foreign = make([]bool, len(all))
	var pictures []scorer.Picture
	var places []int
	for i, own := range all {
		if own.err == nil && !own.kept {
			data := own.data
			if data == nil {
				data = []byte{} // an empty file is read, too
			}
			pictures, places = append(pictures, scorer.Picture{Name: entries[i].Picture.Name, Data: data}), append(places, i)
		}
	}
	embeddings, err := l.by.Embed(ctx, pictures)
	if err != nil {
		return nil, err
	}
	for i, embedding := range embeddings {
		own := &all[places[i]]
		if own.err = embedding.Err; own.err != nil {
			continue
		}
		own.Embedding, own.ModelDigest = gallery.NewVector(embedding.Values), info.ModelDigest
		if f := embedding.Familiarity; f != nil {
			own.Familiarity, foreign[places[i]] = f.Value, f.Foreign
		}
		if info.KeepPictures {
			own.Picture = own.data
		}
	}
	if !info.KeepThumbnails {
		return foreign, nil
	}
	return foreign, each(ctx, len(places), func(i int) {
		if own := &all[places[i]]; own.err == nil {
			own.Thumbnail, own.err = l.thumbnail(own.data)
		}
	})
}

// thumbnail is a small JPEG of a picture.
func (l *local) thumbnail(data []byte) ([]byte, error) {
	preparer, err := imaging.New(imaging.Config{Alpha: l.flags.Transparency(), Limits: l.flags.Limits()})
	if err != nil {
		return nil, err
	}
	_, small, err := preparer.PrepareWithThumbnail(data, thumbnailSide, nil)
	if err != nil {
		return nil, err
	}
	return small.JPEG(thumbnailQuality)
}
