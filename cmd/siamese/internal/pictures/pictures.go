// Package pictures finds the pictures that a command line names: files, folders with
// all that is below them, and standard input.
package pictures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/scorer"
	"siamese/imaging"
)

// Stdin is the name that stands for standard input.
const Stdin = "-"

// Found is what a command line names.
type Found struct {
	// Pictures are in the order of the command line, those of a folder sorted by
	// their paths. Files that were named themselves may be no pictures.
	Pictures []scorer.Picture
	// Failed are folders, and files in them, that can't be read.
	Failed []error
	// Passed is how many files in folders are no pictures and were passed over.
	Passed int
}

// Find finds the pictures of names. Hidden files and folders below a named folder are
// passed over, uncounted, as are folders that are symbolic links. Standard input is read
// whole, at most maxBytes, and may be named once. Names that are not there are found as
// pictures, whose errors come when they are read.
func Find(ctx context.Context, names []string, in io.Reader, maxBytes int) (Found, error) {
	if err := CheckStdin(names...); err != nil {
		return Found{}, err
	}
	var found Found
	for _, name := range names {
		if name == Stdin {
			picture, err := scorer.ReadAll(ctx, name, in, maxBytes)
			if err != nil {
				return Found{}, err
			}
			found.Pictures = append(found.Pictures, picture)
			continue
		}
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			// What is wrong with it is told in its turn, beside the others.
			found.Pictures = append(found.Pictures, scorer.Picture{Name: name})
			continue
		}
		if err := found.walk(ctx, name); err != nil {
			return Found{}, err
		}
	}
	return found, nil
}

// CheckStdin refuses standard input that is named twice.
func CheckStdin(names ...string) error {
	first := slices.Index(names, Stdin)
	if first >= 0 && slices.Contains(names[first+1:], Stdin) {
		return cli.Usage(fmt.Errorf("received %q twice, expected it once: it is standard input, which can be read once", Stdin))
	}
	return nil
}

// Open is one picture that the command line names, read now: a file, which may be a
// pipe, or standard input.
func Open(ctx context.Context, name string, in io.Reader, maxBytes int) (scorer.Picture, error) {
	if name == Stdin {
		return scorer.ReadAll(ctx, name, in, maxBytes)
	}
	return scorer.OpenPicture(ctx, name, maxBytes)
}

// Tell says what was not looked at.
func (f Found) Tell(out io.Writer) {
	for _, err := range f.Failed {
		fmt.Fprintf(out, "error: %v\n", err)
	}
	switch {
	case f.Passed == 1:
		fmt.Fprintln(out, "note: 1 file that is no picture was passed over")
	case f.Passed > 1:
		fmt.Fprintf(out, "note: %d files that are no pictures were passed over\n", f.Passed)
	}
}

// walk adds a folder's pictures.
func (f *Found) walk(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		f.Failed = append(f.Failed, err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			if err := f.walk(ctx, path); err != nil {
				return err
			}
		default:
			f.file(path)
		}
	}
	return nil
}

// file adds a file of a folder where it is a picture, or is called one.
func (f *Found) file(path string) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir(): // by a link
		return
	case err == nil && !info.Mode().IsRegular():
		f.Passed++
		return
	}
	picture, err := IsPicture(path)
	switch {
	case err != nil:
		f.Failed = append(f.Failed, err)
	case picture || IsCalled(path):
		f.Pictures = append(f.Pictures, scorer.Picture{Name: path})
	default:
		f.Passed++
	}
}

// endings are those of pictures, which a file that is called so is taken for: that
// it is none is an error to be told then.
var endings = []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif"}

// IsCalled reports whether a file is called a picture by its ending.
func IsCalled(path string) bool {
	return slices.Contains(endings, strings.ToLower(filepath.Ext(path)))
}

// headBytes is more of a file than tells its format.
const headBytes = 4 << 10

// IsPicture reports whether a file begins as a picture does.
func IsPicture(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, headBytes))
	if err != nil {
		return false, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	preparer, err := imaging.New(imaging.Config{})
	if err != nil {
		return false, err
	}
	// Cut off as it is, it has other faults; but its format is told.
	_, err = preparer.Inspect(head)
	failure, ok := errors.AsType[*imaging.Error](err)
	return !ok || failure.Reason != imaging.ReasonFormatUnknown && failure.Reason != imaging.ReasonEmpty, nil
}
