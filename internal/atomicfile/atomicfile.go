// Package atomicfile replaces files and makes folders so that a reader, and the next
// start after a crash, finds either the old content or the new one.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"siamese/internal/scratch"
)

// partial is in the names of temporary files, before a number.
const partial = ".partial-"

// Clean removes the temporary files in a folder that processes which were killed
// have left. No other process may be writing there.
func Clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name, number, found := strings.Cut(entry.Name(), partial)
		_, notNumber := strconv.ParseUint(number, 10, 64)
		if !found || notNumber != nil || len(name) < 2 || name[0] != '.' || !entry.Type().IsRegular() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Replace writes a file in place of the one that may be there: into a temporary
// file beside it, which is synced and renamed. When write fails, or the program
// ends on the way, the old file stays. The file's mode is 0644. What write is given is
// the file itself, an io.WriteSeeker, for heads that are written last.
func Replace(path string, write func(io.Writer) error) error {
	return replace(path, 0o644, write)
}

// ReplacePrivate is Replace with a file that nobody but its owner may read: mode 0600.
func ReplacePrivate(path string, write func(io.Writer) error) error {
	return replace(path, 0o600, write)
}

func replace(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+partial+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = temporary.Close() // closed already, or not worth telling
			_ = os.Remove(temporary.Name())
		}
	}()
	if err := write(temporary); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := temporary.Chmod(mode); err != nil {
		return err
	}
	if err := temporary.Sync(); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// Write is Replace with content that is in memory.
func Write(path string, content []byte) error {
	return Replace(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// partialFolder begins the names of folders that NewFolder fills.
const partialFolder = ".partial-"

// NewFolder makes a folder of what fill writes into a temporary one beside it, which
// is synced and renamed. When fill fails, or the program ends on the way, there is
// no such folder; what a killed program leaves is removed by the next NewFolder
// beside it. Parents are made; the folder's mode is 0755. It must not be there or be
// empty; one with something in it is an error that wraps fs.ErrExist.
func NewFolder(dir string, fill func(temporary string) error) (err error) {
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temporary, err := scratch.New(parent, partialFolder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temporary.Remove()) }()
	filled := filepath.Join(temporary.Path(), "filled")
	if err := os.Mkdir(filled, 0o755); err != nil {
		return err
	}
	if err := fill(filled); err != nil {
		return err
	}
	err = filepath.WalkDir(filled, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(path)
	})
	if err != nil {
		return err
	}
	if err := os.Rename(filled, dir); err != nil {
		return fmt.Errorf("%w, expected a folder that is empty or not there", err)
	}
	return syncPath(parent)
}

// syncPath makes a file's content, or a folder's names, durable.
func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}
