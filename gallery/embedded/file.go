package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/embedded/internal/boltfile"
)

// pageBytes is that of new files. Records of 2 kB, which embeddings of photographs take,
// fill half of a page of 4 kB, and nearly all of one of this size.
const pageBytes = 16 << 10

// file is a gallery whose file is open. It is safe for concurrent use.
type file struct {
	name, path string
	log        *slog.Logger
	db         *bolt.DB
	mapped     atomic.Int64 // bytes of the file that are mapped, at most: see trim
	broken     atomic.Bool  // a transaction that wrote has panicked

	// writing is held, by what is in it, by the one that writes, or builds the index.
	writing chan struct{}
	puts    queue
	lastTx  int // the transaction that the index is of; guarded by writing

	mu   sync.RWMutex
	info gallery.Info
	live *live // nil: the index is not built, or not of this file any more

	building sync.Mutex
	build    *build // the one that is under way; guarded by building
	stop     context.CancelFunc
	stopped  context.Context // of builds, which outlive the calls that need them
	builds   sync.WaitGroup
}

// openFile opens a gallery's file, which it locks and checks.
func openFile(config Config, name, path string) (*file, error) {
	start := time.Now()
	db, err := openBolt(path, config.LockTimeout)
	if err != nil {
		return nil, openError(config, name, path, err)
	}
	f := &file{name: name, path: path, log: config.Log, db: db, writing: make(chan struct{}, 1)}
	f.stopped, f.stop = context.WithCancel(context.Background())
	err = f.view(func(tx *bolt.Tx) error {
		var err error
		if f.info, err = readInfo(tx); err != nil {
			return err
		}
		f.lastTx = tx.ID()
		defer f.trim(tx)
		return checkKeys(tx)
	})
	if err != nil {
		return nil, openError(config, name, path, errors.Join(err, f.close()))
	}
	f.info.Name = name // moving the file renames the gallery
	f.log.Info("gallery opened", "gallery", name, "open_ms", time.Since(start).Milliseconds())
	return f, nil
}

// openError says what kept a gallery's file from being opened.
func openError(config Config, name, path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %q", gallery.ErrNotFound, name)
	case errors.Is(err, gallery.ErrInUse):
		return fmt.Errorf("%w: %s is locked, expected that within %v it is not: ask the server that has it, or stop it", gallery.ErrInUse, path, config.LockTimeout)
	case errors.Is(err, ErrVersion):
		return fmt.Errorf("open gallery %q, %s: %w", name, path, err)
	case isOfSystem(err):
		return fmt.Errorf("open gallery %q: %w", name, err)
	}
	err = fmt.Errorf("%w: gallery %q, %s: %w", gallery.ErrDamaged, name, path, err)
	config.Log.Error("gallery is damaged", "gallery", name, "err", err)
	return err
}

// isOfSystem reports whether the operating system said so, and not what is in a file.
func isOfSystem(err error) bool {
	var path *fs.PathError
	var number syscall.Errno
	return errors.As(err, &path) || errors.As(err, &number)
}

// openBolt locks, checks and opens a file that is there.
func openBolt(path string, timeout time.Duration) (db *bolt.DB, err error) {
	var opened *os.File
	options := boltOptions()
	options.OpenFile = func(path string, _ int, _ os.FileMode) (*os.File, error) {
		var err error
		opened, err = openLocked(path, timeout)
		return opened, err
	}
	err = contain(func() error {
		var err error
		db, err = bolt.Open(path, 0, options)
		return err
	})
	if err != nil && opened != nil {
		_ = opened.Close() // bbolt has, unless it panicked
	}
	return db, err
}

func boltOptions() *bolt.Options {
	return &bolt.Options{
		FreelistType: bolt.FreelistMapType, // the other becomes slow where much was removed
		PageSize:     pageBytes,
		NoStatistics: true,
	}
}

// openLocked opens a file, locks it, and checks its structure before bbolt maps it.
// Bbolt's own lock, of the same open file, is then had at once.
func openLocked(path string, timeout time.Duration) (_ *os.File, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close() // nothing was written
		}
	}()
	if err := lock(file, timeout); err != nil {
		return nil, err
	}
	held, err := file.Stat()
	if err != nil {
		return nil, err
	}
	there, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !os.SameFile(held, there) {
		return nil, fmt.Errorf("%q was deleted while it was opened: %w", path, fs.ErrNotExist)
	}
	if !held.Mode().IsRegular() {
		return nil, fmt.Errorf("received something of type %v, expected a file", held.Mode().Type())
	}
	return file, boltfile.Check(file, held.Size())
}

// lockInterval is how often a lock that another process has is tried.
const lockInterval = 10 * time.Millisecond

func lock(file *os.File, timeout time.Duration) error {
	for end := time.Now().Add(timeout); ; time.Sleep(lockInterval) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock %q: %w", file.Name(), err)
		case time.Now().After(end):
			return gallery.ErrInUse
		}
	}
}

// close waits for what is being built, and closes the file. No call may be under way.
func (f *file) close() error {
	f.stop()
	f.builds.Wait()
	if f.broken.Load() {
		// Bbolt's locks may be held for ever: the file stays open until the program ends.
		return nil
	}
	return contain(f.db.Close)
}

// view calls do with a transaction that reads. What do gets of it is gone when it
// returns.
func (f *file) view(do func(tx *bolt.Tx) error) error {
	if f.broken.Load() {
		return f.brokenError()
	}
	return contain(func() error { return f.db.View(do) })
}

// update calls do with a transaction that writes, which is on disk when update returns
// without an error. The caller holds writing.
func (f *file) update(do func(tx *bolt.Tx) error) error {
	if f.broken.Load() {
		return f.brokenError()
	}
	var inside error
	err := contain(func() error {
		return f.db.Update(func(tx *bolt.Tx) error {
			inside = do(tx)
			return inside
		})
	})
	switch {
	case errors.As(err, new(*panicError)):
		f.broken.Store(true)
	case err != nil && inside == nil:
		err = &diskError{err} // bbolt does not pass on all that the system says
	}
	return err
}

// diskError is what writing to the file failed with.
type diskError struct{ err error }

func (e *diskError) Error() string { return e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

func (f *file) brokenError() error {
	return errors.New("a change of it has failed half way: it can't be used until the program has been started again")
}

// failed adds the gallery's name to an error of its file. An error that is neither the
// operating system's nor the context's means that the file is damaged.
func (f *file) failed(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isOfSystem(err), errors.As(err, new(*diskError)):
		return fmt.Errorf("gallery %q: %w", f.name, err)
	}
	var panicked *panicError
	stack := ""
	if errors.As(err, &panicked) {
		stack = string(panicked.stack)
	}
	err = fmt.Errorf("%w: gallery %q, %s: %w", gallery.ErrDamaged, f.name, f.path, err)
	f.log.Error("gallery is damaged", "gallery", f.name, "err", err, "stack", stack)
	return err
}

// panicError is what bbolt panicked with, or the runtime where a page of the file could
// not be read.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprint(e.value) }

// contain calls do, and returns as an error what it panics with, faults on the file's
// mapped pages included, which would end the program otherwise: bbolt panics for pages
// that are not as it wrote them.
func contain(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value: value, stack: debug.Stack()}
		}
	}()
	return do()
}
