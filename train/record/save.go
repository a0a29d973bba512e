package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Save writes the file as a whole: to a temporary name beside it, synced, then
// renamed. Whoever reads the path sees the old content or the new, never a part.
func Save(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("save %q: %w", path, err)
	}
	if err := fill(temporary, content); err != nil {
		return errors.Join(fmt.Errorf("save %q: %w", path, err), os.Remove(temporary.Name()))
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return errors.Join(fmt.Errorf("save %q: %w", path, err), os.Remove(temporary.Name()))
	}
	return nil
}

// fill writes, syncs and closes; the file is closed also where it fails.
func fill(file *os.File, content []byte) error {
	_, err := file.Write(content)
	if err == nil {
		// Temporary files are born private; a run's files are for everyone to read.
		err = file.Chmod(0o644)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
