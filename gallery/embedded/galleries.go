package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/internal/record"
	"siamese/internal/scratch"
)

const (
	dirMode  = 0o700
	fileMode = 0o600

	// partialPrefix begins the names of folders in which galleries are made.
	partialPrefix = ".partial-"
)

// Create implements gallery.Store.
func (s *Store) Create(ctx context.Context, info gallery.Info) error {
	if err := checkInfo(info); err != nil {
		return err
	}
	return s.make(ctx, info.Name, func(path string) error {
		return makeFile(path, func(tx *bolt.Tx) error { return initialize(tx, info) })
	})
}

// checkInfo returns an error where what is known of a gallery can't be read back.
func checkInfo(info gallery.Info) error {
	if info.EmbeddingLength < 0 || info.EmbeddingLength > record.MaxLength {
		return fmt.Errorf("gallery %q: received embeddings of %d numbers, expected 0 to %d", info.Name, info.EmbeddingLength, record.MaxLength)
	}
	return nil
}

// make makes a gallery's file of what fill writes to the path that it is given, so that
// it is there whole or not at all, and takes the place of no other.
func (s *Store) make(ctx context.Context, name string, fill func(path string) error) (err error) {
	_, letGo, err := s.handle(ctx, name)
	if err != nil {
		return err
	}
	defer letGo()
	if _, err := os.Lstat(s.path(name)); err == nil {
		return fmt.Errorf("%w: %q", gallery.ErrExists, name)
	}
	if err := makeDir(s.config.Dir); err != nil {
		return err
	}
	folder, err := scratch.New(s.config.Dir, partialPrefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	partial := filepath.Join(folder.Path(), name+Extension)
	if err := fill(partial); err != nil {
		return err
	}
	err = os.Link(partial, s.path(name)) // unlike Rename, fails where there is one
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %q", gallery.ErrExists, name)
	}
	if err != nil {
		return err
	}
	return syncDir(s.config.Dir)
}

// makeDir makes the store's folder, for good.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

func syncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// makeFile makes a file of bbolt, with what fill puts in it.
func makeFile(path string, fill func(tx *bolt.Tx) error) error {
	return contain(func() error {
		db, err := bolt.Open(path, fileMode, boltOptions())
		if err != nil {
			return err
		}
		return errors.Join(db.Update(fill), db.Close())
	})
}

// Galleries implements gallery.Store. Galleries that are damaged are left out, and
// logged; calls that name them fail.
func (s *Store) Galleries(ctx context.Context) ([]gallery.Info, error) {
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	var infos []gallery.Info
	for _, name := range names {
		info, err := s.Gallery(ctx, name)
		switch {
		case errors.Is(err, gallery.ErrDamaged), errors.Is(err, gallery.ErrNotFound): // deleted since
			continue
		case err != nil:
			return nil, err
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b gallery.Info) int { return cmp.Compare(a.Name, b.Name) }) // files have another order
	return infos, nil
}

func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return gallery.ErrClosed
	}
	return nil
}

// Gallery implements gallery.Store.
func (s *Store) Gallery(ctx context.Context, name string) (info gallery.Info, err error) {
	err = s.use(ctx, name, func(f *file) error {
		info = f.describe()
		return nil
	})
	return info, err
}

func (f *file) describe() gallery.Info {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.info
}

// Update implements gallery.Store.
func (s *Store) Update(ctx context.Context, info gallery.Info) error {
	if err := checkInfo(info); err != nil {
		return err
	}
	return s.use(ctx, info.Name, func(f *file) error { return f.setInfo(ctx, info) })
}

func (f *file) setInfo(ctx context.Context, info gallery.Info) error {
	if err := f.startWriting(ctx); err != nil {
		return err
	}
	defer f.endWriting()
	old := f.describe()
	info.Created = old.Created
	if err := f.change(func(tx *bolt.Tx) error { return putInfo(tx, info) }); err != nil {
		return f.failed(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.info = info
	if info.ModelDigest != old.ModelDigest || info.EmbeddingLength != old.EmbeddingLength {
		f.live = nil
	}
	return nil
}

// Count implements gallery.Store.
func (s *Store) Count(ctx context.Context, name string) (c gallery.Count, err error) {
	err = s.use(ctx, name, func(f *file) error {
		c, err = f.count()
		return err
	})
	return c, err
}

func (f *file) count() (gallery.Count, error) {
	digest := f.describe().ModelDigest
	var c gallery.Count
	err := f.view(func(tx *bolt.Tx) error {
		all, ofModel, err := count(tx, digest)
		c = gallery.Count{Entries: int(all), Stale: int(all - ofModel)}
		return err
	})
	return c, f.failed(err)
}

// Delete implements gallery.Store. It waits for the calls about the gallery that are
// under way. One that is damaged is deleted, too; of its entries 0 are returned.
func (s *Store) Delete(ctx context.Context, name string) (entries int, err error) {
	h, letGo, err := s.handle(ctx, name)
	if err != nil {
		return 0, err
	}
	defer letGo()
	if err := s.open(h, name); err != nil && !errors.Is(err, gallery.ErrDamaged) {
		return 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, gallery.ErrClosed
	}
	if h.file != nil {
		if c, err := h.file.count(); err == nil {
			entries = c.Entries
		}
	}
	// The name goes before the lock: whatever waits for the lock finds the file gone.
	err = os.Remove(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %q", gallery.ErrNotFound, name)
	}
	if err == nil {
		err = syncDir(s.config.Dir)
	}
	if h.file != nil {
		err = errors.Join(err, h.file.close())
		h.file = nil
	}
	return entries, err
}
