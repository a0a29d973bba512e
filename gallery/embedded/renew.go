package embedded

import (
	"context"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
)

// Renew implements gallery.Store.
func (s *Store) Renew(ctx context.Context, name string, entries []gallery.Entry) (n int, err error) {
	err = s.use(ctx, name, func(f *file) error {
		n, err = f.renew(ctx, entries)
		return err
	})
	return n, err
}

func (f *file) renew(ctx context.Context, entries []gallery.Entry) (int, error) {
	if err := f.startWriting(ctx); err != nil {
		return 0, err
	}
	defer f.endWriting()
	info := f.describe()
	for i := range entries {
		if err := check(&entries[i], info); err != nil {
			return 0, fmt.Errorf("gallery %q: entry %d: %w", f.name, i, err)
		}
	}
	var changed changes
	err := f.change(func(tx *bolt.Tx) error {
		w := newWriter(tx)
		for i := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			if entries[i].ModelDigest != info.ModelDigest {
				continue
			}
			if err := w.renew(&entries[i]); err != nil {
				return fmt.Errorf("entry %q: %w", entries[i].ID, err)
			}
		}
		f.touched(tx, int64(len(entries))*faultBytes)
		changed = w.changes
		return nil
	})
	if err != nil {
		return 0, f.failed(err)
	}
	f.follow(changed)
	return len(changed.added), nil
}

// renew puts what is new of an entry in the place of what there is, where it can.
func (w *writer) renew(e *gallery.Entry) error {
	old, err := w.find(e.ID)
	if err != nil || old.number == 0 || old.damaged != nil {
		return err
	}
	renewed, err := old.record.Entry(false)
	if err != nil || !e.CanRenew(&renewed) {
		return err
	}
	if renewed.Picture, renewed.Thumbnail, err = w.larges(old.place); err != nil {
		return err
	}
	renewed.Embedding, renewed.ModelDigest, renewed.Familiarity = e.Embedding, e.ModelDigest, e.Familiarity
	if len(e.Thumbnail) > 0 {
		renewed.Thumbnail = e.Thumbnail
	}
	ready := prepare(renewed, time.Time{}) // it was enrolled before
	if err := w.remove(e.ID, old); err != nil {
		return err
	}
	return w.put(&ready)
}

// larges returns copies of what is kept of an entry's picture.
func (w *writer) larges(at place) (picture, thumbnail []byte, err error) {
	key := numberKey(at.number)
	if at.kept&keptPicture != 0 {
		if picture, err = unseal(key, w.pictures.Get(key)); err != nil {
			return nil, nil, fmt.Errorf("its picture: %w", err)
		}
	}
	if at.kept&keptThumbnail != 0 {
		if thumbnail, err = unseal(key, w.thumbnails.Get(key)); err != nil {
			return nil, nil, fmt.Errorf("its thumbnail: %w", err)
		}
	}
	return slices.Clone(picture), slices.Clone(thumbnail), nil
}
