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
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"siamese/gallery"
)

// Extension is how files of galleries are named, behind the gallery's name.
const Extension = ".gallery"

// Defaults.
const (
	defaultLockTimeout = time.Second
	defaultMaxOpen     = 100
)

// Config says where a store is.
//
// Memory: a gallery that is searched has its index in memory, of which package index has
// the figures, and beside it about 100 bytes an entry: what leads to the entry in the
// file, and 4 bytes for each of its pairs of metadata. A million entries of 123 numbers
// that are not 0 take 550 MB and 80 MB. While an index is built twice as much may be
// taken; afterwards Go's garbage collector lets the heap grow as GOGC and GOMEMLIMIT say.
// Of the file some 64 MiB are mapped at a time at most, beside what the operating system
// caches. Entries themselves, pictures and thumbnails stay on disk.
//
// Disk: an entry takes its record, of 0.6 to 4 kB, and some 200 bytes for its id and
// thing. A file does not become smaller: what is removed makes room for what comes. A
// backup that is restored is as small as can be.
type Config struct {
	// Dir is the folder of the galleries' files. Create makes it, with mode 0700.
	// Required.
	Dir string

	// LockTimeout is how long to wait for a gallery that another process has open,
	// before a call fails with gallery.ErrInUse. Default: a second.
	LockTimeout time.Duration

	// MaxOpen is how many galleries stay open at a time, with their indexes in memory; of
	// more than that the one that no call has been about for the longest is closed, and
	// opened again when one is. Default: 100.
	MaxOpen int

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
	if c.MaxOpen < 0 {
		return fmt.Errorf("MaxOpen: received %d, expected 0 or more", c.MaxOpen)
	}
	return nil
}

// Store is a [gallery.Store] of files. A gallery's file is opened by the first call
// about it, checked, and locked until it is closed: other processes, and other stores of the
// same folder, get gallery.ErrInUse. Beside the errors that gallery.Store names there is
// [ErrVersion].
type Store struct {
	config Config

	mu      sync.Mutex
	closed  bool
	handles map[string]*handle // of galleries that are open, or that calls are about
	uses    int64              // counts calls
}

var _ gallery.Store = (*Store)(nil)

// handle is a gallery's place in a store. Who uses the file holds mu for reading, who
// opens, closes or removes it for writing.
type handle struct {
	// Guarded by Store.mu: how many have mu or wait for it, and Store.uses when the last
	// one had done. Without users, file is guarded by Store.mu, too.
	users   int
	lastUse int64

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
	if config.MaxOpen == 0 {
		config.MaxOpen = defaultMaxOpen
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
	handles := maps.Clone(s.handles)
	for _, h := range handles {
		h.users++
	}
	s.mu.Unlock()
	var errs []error
	for name, h := range handles {
		h.mu.Lock()
		h.closed = true
		if h.file != nil {
			errs = append(errs, h.file.close())
			h.file = nil
		}
		h.mu.Unlock()
		s.letGo(name, h)
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
	s.uses++
	h.lastUse = s.uses
	if h.users == 0 && h.file == nil {
		delete(s.handles, name)
	}
	for len(s.handles) > s.config.MaxOpen && s.closeIdleLocked() {
		continue
	}
}

// closeIdleLocked closes the gallery that no call has been about for the longest, and
// reports whether there is one.
func (s *Store) closeIdleLocked() bool {
	oldest := ""
	for name, h := range s.handles {
		if h.users == 0 && (oldest == "" || h.lastUse < s.handles[oldest].lastUse) {
			oldest = name
		}
	}
	if oldest == "" {
		return false
	}
	if err := s.handles[oldest].file.close(); err != nil {
		s.config.Log.Error("gallery can't be closed", "gallery", oldest, "err", err)
	}
	delete(s.handles, oldest)
	return true
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
