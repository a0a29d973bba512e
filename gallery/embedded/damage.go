package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery/internal/record"
)

// errRecords says that what is wrong are records, of which each can be left out.
var errRecords = errors.New("records are damaged")

// recordError says which entry's record is damaged.
func recordError(id string, number uint64, err error) error {
	return fmt.Errorf("the record of entry %q (number %d), which can be removed or enrolled again: %w", id, number, err)
}

// damage is what can't be read of an entry.
type damage struct {
	number uint64
	id     string // empty: no id leads to this record
	err    error
}

// damages returns the records that can't be used, by their numbers.
func damages(ctx context.Context, tx *bolt.Tx) (map[uint64]damage, error) {
	found := make(map[uint64]damage)
	ids, records := tx.Bucket(bucketIDs), tx.Bucket(bucketRecords)
	err := ids.ForEach(func(key, sealed []byte) error {
		at, err := unsealPlace(key, sealed)
		if err != nil {
			return err
		}
		if _, err := recordOf(records, at.number, string(key)); err != nil {
			found[at.number] = damage{at.number, string(key), err}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return found, records.ForEach(func(key, value []byte) error {
		number, err := numberOfKey(key)
		if err != nil {
			return err
		}
		if _, known := found[number]; known {
			return nil
		}
		if _, err := belongs(ids, number, value); err != nil {
			found[number] = damage{number: number, err: fmt.Errorf("record %d: %w", number, err)}
		}
		return ctx.Err()
	})
}

// belongs returns a record that its entry's id leads to.
func belongs(ids *bolt.Bucket, number uint64, value []byte) (record.Record, error) {
	r, err := record.Parse(value)
	if err != nil {
		return r, err
	}
	at, err := placeOf(ids, string(r.ID))
	if err == nil && at.number != number {
		err = fmt.Errorf("it is of the entry %q, whose number is %d", r.ID, at.number)
	}
	return r, err
}

// toldDamages is of how many damaged records the log has the ids.
const toldDamages = 100

// tell logs which records are damaged.
func (f *file) tell(found map[uint64]damage) {
	told := 0
	for _, d := range found {
		if told++; told > toldDamages {
			break
		}
		f.log.Error("a record is damaged: searches leave its entry out until it is removed or enrolled again", "gallery", f.name, "id", d.id, "err", d.err)
	}
	f.log.Error("gallery is damaged", "gallery", f.name, "file", f.path, "records", len(found))
}

// removeDamaged removes an entry whose record can't be read. What it shows, and of which
// model it is, is looked for among all entries.
func (w *writer) removeDamaged(id string, at place) error {
	if w.lost == nil {
		if err := w.countLost(); err != nil {
			return err
		}
	}
	for digest, n := range w.lost {
		if n > 0 {
			w.lost[digest]--
			return w.removeKeys(id, w.thingOf(id), digest, at.number)
		}
	}
	return fmt.Errorf("entry %q, whose record is damaged, is of none of the models", id)
}

// thingOf is what an entry shows.
func (w *writer) thingOf(id string) string {
	cursor := w.things.Cursor()
	for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
		if end := bytes.IndexByte(key, 0); end >= 0 && string(key[end+1:]) == id {
			return string(key[:end])
		}
	}
	return id
}

// countLost sets of each model how many of its entries have no record that can be read:
// those that are counted but not there. Records that no id leads to are removed.
func (w *writer) countLost() error {
	lost := make(map[string]int64)
	err := w.tx.Bucket(bucketModels).ForEach(func(key, sealed []byte) error {
		n, err := unsealNumber(key, sealed)
		lost[string(key[1:])] = int64(n)
		return err
	})
	if err != nil {
		return err
	}
	var stray [][]byte
	err = w.records.ForEach(func(key, value []byte) error {
		number, err := numberOfKey(key)
		if err != nil {
			return err
		}
		r, err := belongs(w.ids, number, value)
		switch {
		case err == nil:
			lost[r.ModelDigest()]--
		case len(r.ID) > 0:
			stray = append(stray, bytes.Clone(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range stray {
		if err := w.records.Delete(key); err != nil {
			return err
		}
	}
	w.lost = lost
	return nil
}
