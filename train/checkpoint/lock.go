package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"siamese/internal/atomicfile"
)

// lockFile is in a run's folder for good; it is the lock on it that counts, which
// ends with the process however that ends.
const lockFile = ".lock"

// ErrLocked says that another process trains in a run's folder.
var ErrLocked = errors.New("another run is under way in this folder")

// Lock takes a run's folder for this process and removes what a process that was
// killed there has left of files that it had not finished. Two runs in one folder
// would overwrite each other's checkpoints. Where the file system knows no locks,
// none is taken. The caller must call unlock. Errors: [ErrLocked].
func Lock(dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, lockFile)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		text, _ := os.ReadFile(path) // the number is a help, not more
		return nil, errors.Join(fmt.Errorf("%w: %s is in use by process %.20s", ErrLocked, dir, strings.TrimSpace(string(text))), file.Close())
	case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOLCK):
		return file.Close, nil
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	err = errors.Join(file.Truncate(0), writeNumber(file), atomicfile.Clean(dir))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file.Close, nil
}

func writeNumber(file *os.File) error {
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}
