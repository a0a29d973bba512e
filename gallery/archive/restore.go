package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"siamese/gallery"
)

// Entries are put in groups, which are full at a number of entries, or at a number of
// bytes of pictures and embeddings.
const (
	groupEntries = 256
	groupBytes   = 8 << 20
	numberBytes  = 8 // of an embedding: its value and its index
)

// Restorer is what stores have that can restore a backup so that nothing is seen of it
// before it has been read and checked to its end.
type Restorer interface {
	Restore(ctx context.Context, name string, r io.Reader) error
}

// Restore makes a gallery of this name of a backup; there must be none yet. Nothing is
// made of a backup that is damaged. Stores that are no [Restorer] show the gallery as
// it grows, and lose it where Restore fails; the backup is read twice for them, and
// copied into the system's temporary folder before, where r can't go back. Errors:
// those of [NewReader] and [Reader.Next], and of the store.
func Restore(ctx context.Context, store gallery.Store, name string, r io.Reader) error {
	if restorer, ok := store.(Restorer); ok {
		return restorer.Restore(ctx, name, r)
	}
	if err := restoreTwice(ctx, store, name, r); err != nil {
		return fmt.Errorf("restore gallery %q: %w", name, err)
	}
	return nil
}

func restoreTwice(ctx context.Context, store gallery.Store, name string, r io.Reader) (err error) {
	source, ok := r.(io.ReadSeeker)
	start, seekErr := int64(0), error(nil)
	if ok {
		start, seekErr = source.Seek(0, io.SeekCurrent) // fails for a pipe
	}
	if !ok || seekErr != nil {
		spooled, spoolErr := spool(ctx, r)
		if spoolErr != nil {
			return spoolErr
		}
		defer func() { err = errors.Join(err, spooled.Close(), os.Remove(spooled.Name())) }()
		source, start = spooled, 0
	}
	if err := Each(ctx, source, func(gallery.Info) error { return nil }, func([]gallery.Entry) error { return nil }); err != nil {
		return err
	}
	if _, err := source.Seek(start, io.SeekStart); err != nil {
		return err
	}
	made := false
	err = Each(ctx, source, func(info gallery.Info) error {
		info.Name = name
		err := store.Create(ctx, info)
		made = err == nil
		return err
	}, func(entries []gallery.Entry) error {
		_, err := store.Put(ctx, name, entries)
		return err
	})
	if err != nil && made {
		_, deleteErr := store.Delete(context.WithoutCancel(ctx), name)
		err = errors.Join(err, deleteErr)
	}
	return err
}

// spool copies a stream into a temporary file, which is at its start.
func spool(ctx context.Context, r io.Reader) (*os.File, error) {
	file, err := os.CreateTemp("", "siamese-*"+Extension)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(file, stopping{ctx, r})
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}

// stopping is a reader that ends with its context, which it has for the length of one
// call alone.
type stopping struct {
	ctx context.Context
	r   io.Reader
}

func (s stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// Each reads a backup: it calls info with the gallery's description, and then put with
// its entries, some at a time, which must not be kept. It returns the first error;
// unless it returns nil, the backup was damaged or incomplete.
func Each(ctx context.Context, r io.Reader, info func(gallery.Info) error, put func([]gallery.Entry) error) error {
	reader, err := NewReader(stopping{ctx, r})
	if err != nil {
		return err
	}
	if err := info(reader.Info()); err != nil {
		return err
	}
	group, size := make([]gallery.Entry, 0, groupEntries), 0
	for {
		entry, err := reader.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err == nil {
			group = append(group, entry)
			size += len(entry.Picture) + len(entry.Thumbnail) + numberBytes*entry.Embedding.Stored()
		}
		if len(group) > 0 && (err != nil || len(group) == groupEntries || size >= groupBytes) {
			if err := put(group); err != nil {
				return err
			}
			clear(group)
			group, size = group[:0], 0
		}
		if err != nil {
			return nil
		}
	}
}
