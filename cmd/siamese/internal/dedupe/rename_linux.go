package dedupe

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameNew renames a file in one step, so that what somebody puts in its place
// meanwhile is not removed; fs.ErrExist where the new name is taken.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // not on this file system
		return linkNew(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
