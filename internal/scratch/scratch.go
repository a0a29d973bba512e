// Package scratch makes temporary folders that a killed process does not leave
// behind for ever: each is locked while its process lives, and the next process
// that makes one beside it removes those that nobody holds any more.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockName is the file by which a folder is known as one of this package, and
// which its process holds locked.
const lockName = ".siamese-scratch"

// ErrUnsafe says that others could change what is written into a folder.
var ErrUnsafe = errors.New("others can write there")

// Folder is a temporary folder of this process: mode 0700, empty but for a hidden
// file.
type Folder struct {
	path string
	lock *os.File
}

// New makes a folder in parent, which must be there ("": the system's temporary
// folder), named prefix and a random number, and removes folders of the same kind
// that were left by processes which have ended. The caller removes it.
func New(parent, prefix string) (*Folder, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	sweep(parent, prefix)
	// Another process that sweeps may take a folder for left before it is locked.
	for range 10 {
		path, err := os.MkdirTemp(parent, prefix+"*")
		if err != nil {
			return nil, err
		}
		lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, os.Remove(path))
		}
		if holds(lock, lock.Name()) {
			return &Folder{path: path, lock: lock}, nil
		}
		_ = lock.Close() // the folder is being removed
	}
	return nil, fmt.Errorf("temporary folder in %q: other processes removed it each time", parent)
}

// Path is where the folder is.
func (f *Folder) Path() string { return f.path }

// Remove removes the folder with all that is in it.
func (f *Folder) Remove() error {
	return errors.Join(os.RemoveAll(f.path), f.lock.Close())
}

// holds locks a file, unless another process has it, and reports whether it is
// locked and still the one at path.
func holds(file *os.File, path string) bool {
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false
	}
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(held, there)
}

// sweep removes the folders of this kind that no process holds. What can't be
// removed stays: it is in nobody's way.
func sweep(parent, prefix string) {
	root, err := os.OpenRoot(parent)
	if err != nil {
		return
	}
	defer func() { _ = root.Close() }() // it was only read
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), prefix) {
			removeLeft(root, entry.Name())
		}
	}
}

// removeLeft removes a folder that a process of this user made by New and did
// not remove. Nothing outside root is ever removed.
func removeLeft(root *os.Root, name string) {
	info, err := root.Lstat(name)
	if err != nil || !info.IsDir() || ownerOf(info) != os.Geteuid() {
		return
	}
	lock, err := root.OpenFile(name+"/"+lockName, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return // not made by New
	}
	defer func() { _ = lock.Close() }() // nothing was written
	if info, err := lock.Stat(); err != nil || !info.Mode().IsRegular() || ownerOf(info) != os.Geteuid() {
		return
	}
	if holds(lock, filepath.Join(root.Name(), name, lockName)) {
		_ = root.RemoveAll(name) // the next sweep tries again
	}
}

// CheckPrivate returns an error that wraps [ErrUnsafe] where another user than
// this one and root could put something else in the place of a folder made in
// dir: dir, or a folder above it, belongs to another user, or others can write to
// it and it has no sticky bit.
func CheckPrivate(dir string) error {
	path, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	for {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if owner := ownerOf(info); owner != 0 && owner != os.Geteuid() {
			return fmt.Errorf("%w: %q belongs to user %d, expected %d or root", ErrUnsafe, path, owner, os.Geteuid())
		}
		if info.Mode()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return fmt.Errorf("%w: %q has mode %v, expected no write for group and others, or the sticky bit", ErrUnsafe, path, info.Mode())
		}
		if path == filepath.Dir(path) {
			return nil
		}
		path = filepath.Dir(path)
	}
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
