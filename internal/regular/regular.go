// Package regular reads files that somebody else may have put there: regular
// files alone, of a bounded size. A pipe without a writer, a device that never
// ends or a socket is refused at once instead of read for ever.
//
// Symbolic links are followed, as mounted configurations and secrets are made of
// them; what a link leads to is held to the same rules.
package regular

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ErrNotRegular says that a name leads to something other than a regular file.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge says that a file has more bytes than were allowed.
var ErrTooLarge = errors.New("file too large")

// Open opens the file at path for reading, without waiting for anything. The
// caller closes it. Errors: [ErrNotRegular], [ErrTooLarge] where it has more than
// maxBytes, and the file system's; all name the path.
func Open(path string, maxBytes int64) (*os.File, error) {
	// Asked before it is opened: opening some devices does something.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := check(path, info, maxBytes); err != nil {
		return nil, err
	}
	// Not blocking, for what took the file's place since.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil {
		err = check(path, info, maxBytes)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func check(path string, info fs.FileInfo, maxBytes int64) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is %w: received a %s", path, ErrNotRegular, kind(info.Mode()))
	case info.Size() > maxBytes:
		return fmt.Errorf("%q: %w: %d bytes, expected at most %d", path, ErrTooLarge, info.Size(), maxBytes)
	}
	return nil
}

// kind is what a file is, for people.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return fmt.Sprintf("file of mode %v", mode)
}

// Read returns the content of the file at path, which is held to maxBytes while
// it is read, too. Errors are those of [Open] and of reading.
func Read(path string, maxBytes int64) ([]byte, error) {
	file, err := Open(path, maxBytes)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	if int64(len(content)) > maxBytes {
		return nil, fmt.Errorf("%q: %w: it grew beyond %d bytes while it was read", path, ErrTooLarge, maxBytes)
	}
	return content, nil
}

// SHA256 returns the hash of the file at path in lower-case hexadecimal. ctx is
// checked between two reads. Errors are those of [Open], of reading, and ctx's.
func SHA256(ctx context.Context, path string, maxBytes int64) (string, error) {
	file, err := Open(path, maxBytes)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(&reader{ctx, file}, maxBytes)); err != nil {
		return "", fmt.Errorf("read %q: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// reader ends with its context.
type reader struct {
	ctx  context.Context // of the one call that reads
	from io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// DirFS is os.DirFS(dir) whose files, folders apart, are opened as by [Open].
func DirFS(dir string, maxBytes int64) fs.FS { return dirFS{os.DirFS(dir), dir, maxBytes} }

type dirFS struct {
	fs.FS
	dir      string
	maxBytes int64
}

// Open opens a folder or a regular file.
func (d dirFS) Open(name string) (fs.File, error) {
	info, err := fs.Stat(d.FS, name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return d.FS.Open(name)
	}
	return Open(d.dir+"/"+name, d.maxBytes)
}
