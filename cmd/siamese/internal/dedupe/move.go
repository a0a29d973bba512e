package dedupe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"siamese/internal/regular"
)

// moveFile gives a file another name, and never takes the place of another one:
// fs.ErrExist then.
func moveFile(from, to string) error {
	err := renameNew(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	was, err := copyFile(from, to) // to another file system, most often
	if err != nil {
		return err
	}
	return removeCopied(from, to, was)
}

// removeCopied removes a file that has been copied, as it was then. One that has been
// changed meanwhile stays, and the copy goes.
func removeCopied(from, to string, was fs.FileInfo) error {
	is, err := os.Lstat(from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // somebody else removed it: the copy is all there is
	case err != nil:
	case !os.SameFile(is, was) || is.Size() != was.Size() || !is.ModTime().Equal(was.ModTime()):
		err = fmt.Errorf("%s was changed while it was copied: it stays", from)
	default:
		err = os.Remove(from)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}

// linkNew is renameNew in two steps, for systems without such a call.
func linkNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// copyFile copies a file with its mode and time, and returns what it was like. The copy
// is on disk when it returns.
func copyFile(from, to string) (info fs.FileInfo, err error) {
	in, err := regular.Open(from, 1<<62)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // it is only read
	if info, err = in.Stat(); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Chtimes(to, info.ModTime(), info.ModTime())
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(to))
	}
	return info, nil
}
