// Package embedded keeps galleries in files of one process, and what is searched in its
// memory: the store that needs nothing beside the program.
//
// A gallery is one file, NAME.gallery, of bbolt: a B+ tree whose pages are never written
// over while they are in use, so that a crash at any moment leaves the state after the
// last Put that returned, and there is no log to play back. Every record has a checksum,
// and the file's structure is checked when it is opened; see the comments in layout.go
// for what is in it.
//
// Bbolt was chosen over pebble: pebble writes small entries twice as fast, but ends the
// program when the disk is full, keeps a folder of files with work going on behind each
// gallery, and brings some thirty modules. Entries come at the rate at which pictures are
// encoded, which both exceed by far.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"siamese/gallery"
)

// Extension is how files of galleries are named, behind the gallery's name.
const Extension = ".gallery"

const defaultLockTimeout = time.Second

// Config says where a store is.
//
// Memory: a gallery that is searched has its index in memory, of 8 bytes a number that
// is not 0 of sparse embeddings and a byte a number of dense ones (package index has the
// figures), and beside it about 100 bytes an entry: what finds the entry in the file, and
// 4 bytes for each of its pairs of metadata. Of the file at most some 64 MiB are mapped
// at a time beside what the operating system caches. Entries themselves, pictures and
// thumbnails stay on disk. Go's garbage collector may need as much again, which GOGC and
// GOMEMLIMIT bound. Galleries that have been used stay open until Close.
type Config struct {
	// Dir is the folder of the galleries' files. Create makes it, with mode 0700.
	// Required.
	Dir string

	// LockTimeout is how long to wait for a gallery that another process has open,
	// before a call fails with gallery.ErrInUse. Default: a second.
	LockTimeout time.Duration

	// Log is told of galleries that are damaged, and of what opening and indexing take.
	// Default: nobody is told.
	Log *slog.Logger
}

// Validate returns an error that says what was received and expected where a field
// can't be used.
func (c Config) Validate() error {
	if c.Dir == "" {
		return errors.New("received no Dir, expected a folder")
	}
	if c.LockTimeout < 0 {
		return fmt.Errorf("LockTimeout: received %v, expected 0 or more", c.LockTimeout)
	}
	return nil
}

// Store is a [gallery.Store] of files. A gallery's file is opened by the first call
// about it, checked, and locked until Close: other processes, and other stores of the
// same folder, get gallery.ErrInUse. Beside the errors that gallery.Store names there is
// [ErrVersion].
type Store struct {
	config Config

	mu      sync.Mutex
	closed  bool
	handles map[string]*handle
}

var _ gallery.Store = (*Store)(nil)

// handle is a gallery's place in a store. Who uses the file holds mu for reading, who
// opens, closes or removes it for writing.
type handle struct {
	users int // guarded by Store.mu: those that have mu, or wait for it

	mu     sync.RWMutex
	file   *file // nil: it is not open
	closed bool  // the store is
}

// Open returns the store of a folder, which need not be there yet. It opens no gallery.
func Open(config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("embedded.Config: %w", err)
	}
	if config.LockTimeout == 0 {
		config.LockTimeout = defaultLockTimeout
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	info, err := os.Stat(config.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("embedded.Config: Dir: received %q, which is a file, expected a folder", config.Dir)
	}
	return &Store{config: config, handles: make(map[string]*handle)}, nil
}

// Close waits for the calls that are under way, and closes all galleries.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	handles := make([]*handle, 0, len(s.handles))
	for _, h := range s.handles {
		handles = append(handles, h)
	}
	s.mu.Unlock()
	var errs []error
	for _, h := range handles {
		h.mu.Lock()
		h.closed = true
		if h.file != nil {
			errs = append(errs, h.file.close())
			h.file = nil
		}
		h.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (s *Store) path(name string) string { return filepath.Join(s.config.Dir, name+Extension) }

// handle returns a gallery's handle and what lets go of it.
func (s *Store) handle(ctx context.Context, name string) (*handle, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, gallery.ErrClosed
	}
	if err := gallery.CheckName(name); err != nil {
		return nil, nil, err
	}
	h := s.handles[name]
	if h == nil {
		h = &handle{}
		s.handles[name] = h
	}
	h.users++
	return h, func() { s.letGo(name, h) }, nil
}

func (s *Store) letGo(name string, h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.users--
	if h.users == 0 && h.file == nil { // nobody has it, so nobody changes file
		delete(s.handles, name)
	}
}

// use calls do with a gallery's file, open.
func (s *Store) use(ctx context.Context, name string, do func(f *file) error) error {
	h, letGo, err := s.handle(ctx, name)
	if err != nil {
		return err
	}
	defer letGo()
	for {
		h.mu.RLock()
		if h.file != nil {
			defer h.mu.RUnlock()
			return do(h.file)
		}
		h.mu.RUnlock()
		if err := s.open(h, name); err != nil {
			return err
		}
	}
}

// open opens the handle's file, unless it is.
func (s *Store) open(h *handle, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return gallery.ErrClosed
	case h.file != nil:
		return nil
	}
	f, err := openFile(s.config, name, s.path(name))
	if err != nil {
		return err
	}
	h.file = f
	return nil
}
