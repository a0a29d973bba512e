package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/archive"
)

var _ archive.Restorer = (*Store)(nil)

// Backup writes a backup of a gallery, as archive.Write does: while it is in use, in the
// form that every store can restore.
func (s *Store) Backup(ctx context.Context, name string, w io.Writer) error {
	return archive.Write(ctx, s, name, w)
}

// Restore makes a gallery of this name of a backup, which is there when the backup has
// been read and checked to its end, or not at all. Errors: gallery.ErrExists,
// archive.ErrNoBackup, archive.ErrVersion, archive.ErrDamaged, and what r and the disk
// say.
func (s *Store) Restore(ctx context.Context, name string, r io.Reader) error {
	err := s.make(ctx, name, func(path string) error {
		return contain(func() error { return fill(ctx, path, name, r) })
	})
	if err != nil {
		return fmt.Errorf("restore gallery %q: %w", name, err)
	}
	return nil
}

// fill makes a gallery's file of a backup.
func fill(ctx context.Context, path, name string, r io.Reader) (err error) {
	options := boltOptions()
	options.NoSync = true // until the end: nobody sees the file before
	db, err := bolt.Open(path, fileMode, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var info gallery.Info
	now := time.Now()
	err = archive.Each(ctx, r, func(i gallery.Info) error {
		info = i
		info.Name = name
		return db.Update(func(tx *bolt.Tx) error { return initialize(tx, info) })
	}, func(entries []gallery.Entry) error {
		p := &put{entries: make([]prepared, len(entries))}
		for i := range entries {
			if err := check(&entries[i], info); err != nil {
				return fmt.Errorf("%w: entry %q: %w", archive.ErrDamaged, entries[i].ID, err)
			}
			p.entries[i] = prepare(entries[i], now)
		}
		return db.Update(func(tx *bolt.Tx) error { return newWriter(tx).putAll(p) })
	})
	if err != nil {
		return err
	}
	return db.Sync()
}
