package embedded

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

// startWriting waits until nobody else writes to the file.
func (f *file) startWriting(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case f.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *file) endWriting() { <-f.writing }

// change is update for a caller that holds writing, after which what is in memory follows.
func (f *file) change(do func(tx *bolt.Tx) error) error {
	var id int
	err := f.update(func(tx *bolt.Tx) error {
		id = tx.ID()
		return do(tx)
	})
	if err == nil {
		f.lastTx = id
		return nil
	}
	// One that fails while the file's head goes to disk may have been made all the same:
	// then what is in memory is not of this file any more.
	_ = f.view(func(tx *bolt.Tx) error {
		if tx.ID() == f.lastTx {
			return nil
		}
		f.lastTx = tx.ID()
		info, err := readInfo(tx)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.live = nil; err == nil {
			info.Name, f.info = f.name, info
		}
		return nil
	})
	return err
}

// Remove implements gallery.Store.
func (s *Store) Remove(ctx context.Context, name string, ids []string) (n int, err error) {
	err = s.use(ctx, name, func(f *file) error {
		n, err = f.remove(ctx, func(tx *bolt.Tx) ([]string, error) { return ids, nil })
		return err
	})
	return n, err
}

// RemoveThing implements gallery.Store.
func (s *Store) RemoveThing(ctx context.Context, name, thing string) (n int, err error) {
	err = s.use(ctx, name, func(f *file) error {
		n, err = f.remove(ctx, func(tx *bolt.Tx) ([]string, error) {
			var ids []string
			err := eachOfThing(tx, thing, "", func(id string) (bool, error) {
				ids = append(ids, id)
				return true, ctx.Err()
			})
			return ids, err
		})
		return err
	})
	return n, err
}

// remove removes the entries that choose names.
func (f *file) remove(ctx context.Context, choose func(tx *bolt.Tx) ([]string, error)) (int, error) {
	if err := f.startWriting(ctx); err != nil {
		return 0, err
	}
	defer f.endWriting()
	var changed changes
	err := f.change(func(tx *bolt.Tx) error {
		ids, err := choose(tx)
		if err != nil {
			return err
		}
		w := newWriter(tx)
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				return err
			}
			old, err := w.find(id)
			if err != nil {
				return err
			}
			if old.number == 0 {
				continue
			}
			if err := w.remove(id, old); err != nil {
				return err
			}
		}
		changed = w.changes
		return nil
	})
	if err != nil {
		return 0, f.failed(err)
	}
	f.follow(changed)
	return len(changed.removed), nil
}

// writer changes entries in a transaction.
type writer struct {
	tx                                         *bolt.Tx
	records, ids, things, pictures, thumbnails *bolt.Bucket
	changes                                    changes
	lost                                       map[string]int64 // of damaged entries, by model; nil: not counted
}

// changes are what a transaction does that the index has to follow.
type changes struct {
	removed []uint64 // numbers
	added   []added
}

type added struct {
	number    uint64
	embedding gallery.Vector
	digest    string
	pairs     pairs
}

// stored is an entry in the file, number 0: none.
type stored struct {
	place
	record  record.Record
	damaged error // what is wrong with the record; nil: nothing
}

func newWriter(tx *bolt.Tx) *writer {
	w := &writer{
		tx: tx, records: tx.Bucket(bucketRecords), ids: tx.Bucket(bucketIDs), things: tx.Bucket(bucketThings),
		pictures: tx.Bucket(bucketPictures), thumbnails: tx.Bucket(bucketThumbnails),
	}
	for _, b := range []*bolt.Bucket{w.records, w.pictures, w.thumbnails} {
		b.FillPercent = 1 // numbers only count up: nothing will come between
	}
	return w
}

// find returns the entry with an id. It is gone once the writer changes something.
func (w *writer) find(id string) (stored, error) {
	at, err := placeOf(w.ids, id)
	if err != nil || at.number == 0 {
		return stored{}, err
	}
	r, err := recordOf(w.records, at.number, id)
	return stored{place: at, record: r, damaged: err}, nil
}

// remove removes the entry with an id.
func (w *writer) remove(id string, old stored) error {
	if old.damaged != nil {
		return w.removeDamaged(id, old.place)
	}
	thing := string(old.record.Thing)
	if thing == "" {
		thing = id
	}
	return w.removeKeys(id, thing, old.record.ModelDigest(), old.number)
}

// removeKeys removes what there is of an entry.
func (w *writer) removeKeys(id, thing, digest string, number uint64) error {
	key := numberKey(number)
	for _, step := range []struct {
		bucket *bolt.Bucket
		key    []byte
	}{{w.records, key}, {w.pictures, key}, {w.thumbnails, key}, {w.ids, []byte(id)}, {w.things, thingKey(thing, id)}} {
		if err := step.bucket.Delete(step.key); err != nil {
			return err
		}
	}
	w.changes.removed = append(w.changes.removed, number)
	return addToModel(w.tx, digest, -1)
}

// put puts an entry behind the others.
func (w *writer) put(e *prepared) error {
	number, err := w.records.NextSequence()
	if err != nil {
		return err
	}
	key := numberKey(number)
	if err := w.records.Put(key, e.record); err != nil {
		return err
	}
	at := place{number: number}
	for _, large := range []struct {
		bucket *bolt.Bucket
		value  []byte
		bit    byte
	}{{w.pictures, e.picture, keptPicture}, {w.thumbnails, e.thumbnail, keptThumbnail}} {
		if large.value == nil {
			continue
		}
		at.kept |= large.bit
		if err := large.bucket.Put(key, seal(key, large.value)); err != nil {
			return err
		}
	}
	if err := w.ids.Put([]byte(e.id), at.seal([]byte(e.id))); err != nil {
		return err
	}
	thing := thingKey(e.name, e.id)
	if err := w.things.Put(thing, seal(thing, nil)); err != nil {
		return err
	}
	w.changes.added = append(w.changes.added, added{number: number, embedding: e.embedding, digest: e.digest, pairs: e.pairs})
	return addToModel(w.tx, e.digest, 1)
}
