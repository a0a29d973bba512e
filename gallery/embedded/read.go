package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

// placeOf returns where the entry with an id is.
func placeOf(ids *bolt.Bucket, id string) (place, error) {
	key := []byte(id)
	sealed := ids.Get(key)
	if sealed == nil {
		return place{}, nil
	}
	return unsealPlace(key, sealed)
}

// recordOf returns the record of an entry that there is.
func recordOf(records *bolt.Bucket, number uint64, id string) (record.Record, error) {
	value := records.Get(numberKey(number))
	if value == nil {
		return record.Record{}, recordError(id, number, errors.New("there is none"))
	}
	r, err := record.Parse(value)
	if err == nil && string(r.ID) != id {
		err = fmt.Errorf("it is of %q", r.ID)
	}
	if err != nil {
		return record.Record{}, recordError(id, number, err)
	}
	return r, nil
}

// entryReader reads entries in a transaction.
type entryReader struct {
	f                                  *file
	tx                                 *bolt.Tx
	with                               gallery.Parts
	ids, records, pictures, thumbnails *bolt.Bucket
}

func (f *file) entryReader(tx *bolt.Tx, with gallery.Parts) *entryReader {
	return &entryReader{
		f: f, tx: tx, with: with, ids: tx.Bucket(bucketIDs), records: tx.Bucket(bucketRecords),
		pictures: tx.Bucket(bucketPictures), thumbnails: tx.Bucket(bucketThumbnails),
	}
}

// find returns the record of the entry with an id, and where it is.
func (r *entryReader) find(id string) (place, record.Record, error) {
	at, err := placeOf(r.ids, id)
	if err != nil || at.number == 0 {
		return place{}, record.Record{}, err
	}
	found, err := recordOf(r.records, at.number, id)
	r.f.touched(r.tx, faultBytes)
	return at, found, err
}

// entry returns an entry with what of it is wanted.
func (r *entryReader) entry(at place, found *record.Record) (gallery.Entry, error) {
	e, err := found.Entry(r.with.Embedding)
	if err == nil && r.with.Picture && at.kept&keptPicture != 0 {
		e.Picture, err = r.large(r.pictures, at.number)
	}
	if err == nil && r.with.Thumbnail && at.kept&keptThumbnail != 0 {
		e.Thumbnail, err = r.large(r.thumbnails, at.number)
	}
	if err != nil {
		return gallery.Entry{}, fmt.Errorf("entry %q: %w", found.ID, err)
	}
	return e, nil
}

// large returns a copy of a picture or thumbnail that is kept.
func (r *entryReader) large(bucket *bolt.Bucket, number uint64) ([]byte, error) {
	key := numberKey(number)
	sealed := bucket.Get(key)
	value, err := unseal(key, sealed)
	r.f.touched(r.tx, int64(len(sealed))+faultBytes)
	return slices.Clone(value), err
}

// Get implements gallery.Store.
func (s *Store) Get(ctx context.Context, name string, ids []string, with gallery.Parts) (entries []gallery.Entry, err error) {
	err = s.use(ctx, name, func(f *file) error {
		entries, err = f.get(ctx, ids, with)
		return err
	})
	return entries, err
}

func (f *file) get(ctx context.Context, ids []string, with gallery.Parts) ([]gallery.Entry, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	var entries []gallery.Entry
	err := f.view(func(tx *bolt.Tx) error {
		reader := f.entryReader(tx, with)
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				return err
			}
			at, found, err := reader.find(id)
			if err != nil {
				return err
			}
			if at.number == 0 {
				continue
			}
			e, err := reader.entry(at, &found)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, f.failed(err)
	}
	return entries, nil
}

// List implements gallery.Store. Where Thing is set only entries of that are read, else
// all from After on until the page is full.
func (s *Store) List(ctx context.Context, name string, listing gallery.Listing) (entries []gallery.Entry, err error) {
	err = s.use(ctx, name, func(f *file) error {
		entries, err = f.list(ctx, listing)
		return err
	})
	return entries, err
}

// lookAtOnce is how many entries one transaction looks at: while the file has to grow,
// writers wait for the transaction to end.
const lookAtOnce = 4096

func (f *file) list(ctx context.Context, listing gallery.Listing) (entries []gallery.Entry, err error) {
	if listing.Limit < 1 {
		return nil, fmt.Errorf("gallery %q: received a page of %d entries, expected 1 or more", f.name, listing.Limit)
	}
	for more := true; more && err == nil && len(entries) < listing.Limit; {
		err = f.view(func(tx *bolt.Tx) error {
			more, err = f.listSome(ctx, tx, &listing, &entries)
			return err
		})
	}
	if err != nil {
		return nil, f.failed(err)
	}
	return entries, nil
}

// listSome adds to a page what of some entries belongs to it, and sets listing.After
// behind them; more says that there may be others.
func (f *file) listSome(ctx context.Context, tx *bolt.Tx, listing *gallery.Listing, entries *[]gallery.Entry) (more bool, err error) {
	reader := f.entryReader(tx, listing.With)
	looked, after := 0, listing.After
	consider := func(id string) (more bool, err error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		looked, listing.After = looked+1, id
		at, found, err := reader.find(id)
		if err != nil {
			return false, err
		}
		if at.number == 0 {
			return false, fmt.Errorf("thing %q: there is no entry %q", listing.Thing, id)
		}
		if selects(listing, &found) {
			e, err := reader.entry(at, &found)
			if err != nil {
				return false, err
			}
			*entries = append(*entries, e)
		}
		return len(*entries) < listing.Limit && looked < lookAtOnce, nil
	}
	if listing.Thing != "" {
		err = eachOfThing(tx, listing.Thing, after, consider)
	} else {
		err = eachID(tx, after, consider)
	}
	return looked == lookAtOnce, err
}

// selects reports whether a listing leaves an entry in, the thing apart.
func selects(listing *gallery.Listing, r *record.Record) bool {
	if listing.NotOfModel != "" && r.IsOfModel(listing.NotOfModel) {
		return false
	}
	return hasAll(listing.Filter, r)
}

// hasAll reports whether a filter selects the entry.
func hasAll(filter gallery.Filter, r *record.Record) bool {
	if len(filter) == 0 {
		return true
	}
	has := 0
	for key, value := range r.Metadata() {
		if want, ok := filter[string(key)]; ok && want == string(value) {
			has++
		}
	}
	return has == len(filter)
}

// eachID calls f with the ids behind one, in their order, until it has enough.
func eachID(tx *bolt.Tx, after string, f func(id string) (more bool, err error)) error {
	cursor := tx.Bucket(bucketIDs).Cursor()
	for key, _ := cursor.Seek([]byte(after)); key != nil; key, _ = cursor.Next() {
		if string(key) == after {
			continue
		}
		if more, err := f(string(key)); err != nil || !more {
			return err
		}
	}
	return nil
}

// eachOfThing is eachID of the entries that show a thing.
func eachOfThing(tx *bolt.Tx, thing, after string, f func(id string) (more bool, err error)) error {
	prefix := thingKey(thing, "")
	from := thingKey(thing, after)
	cursor := tx.Bucket(bucketThings).Cursor()
	for key, sealed := cursor.Seek(from); bytes.HasPrefix(key, prefix); key, sealed = cursor.Next() {
		if after != "" && bytes.Equal(key, from) {
			continue
		}
		if _, err := unseal(key, sealed); err != nil {
			return fmt.Errorf("thing %q: %w", key, err)
		}
		if more, err := f(string(key[len(prefix):])); err != nil || !more {
			return err
		}
	}
	return nil
}
