package dedupe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/scorer"
)

// Why what is in a folder is passed over.
const (
	passedHidden  = "hidden"
	passedLink    = "symbolic links"
	passedSpecial = "no regular files"
	passedOther   = "no pictures"
)

// root is a folder that the command line names.
type root struct {
	name string // as it was given
	path string // absolute, without symbolic links
}

// file is a file on disk, which may have several names there.
type file struct {
	root     int    // among the roots
	rel      string // its path below the root
	path     string // as it is shown: below the root's name
	also     []string
	size     int64
	modified time.Time
	mode     fs.FileMode
	inode    inode
}

// inode is what hard links to one file have in common.
type inode struct{ device, number uint64 }

// found is what there is in the roots.
type found struct {
	roots  []root
	files  []*file
	failed []failure
	passed map[string]int // by why

	byInode map[inode]*file
	known   func(root int, rel string, info fs.FileInfo) bool
}

// failure is a file or folder that can't be used.
type failure struct {
	path string
	err  error
}

// newFound checks the folders.
func newFound(names []string) (*found, error) {
	f := &found{passed: make(map[string]int), byInode: make(map[inode]*file), known: func(int, string, fs.FileInfo) bool { return false }}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, cli.Usage(fmt.Errorf("%s: received a file, expected a folder", name))
		}
		path, err := filepath.EvalSymlinks(name)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(f.roots, func(r root) bool { return inside(path, r.path) }) {
			f.roots = append(f.roots, root{name, path})
		}
	}
	// One that is within another is looked through with it.
	f.roots = slices.DeleteFunc(f.roots, func(own root) bool {
		return slices.ContainsFunc(f.roots, func(r root) bool { return r.path != own.path && inside(own.path, r.path) })
	})
	return f, nil
}

// inside reports whether an absolute path is dir or below it.
func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// walk finds the files of all roots, in the order of their paths.
func (f *found) walk(ctx context.Context) error {
	for i := range f.roots {
		if err := f.folder(ctx, i, "."); err != nil {
			return err
		}
	}
	return nil
}

func (f *found) folder(ctx context.Context, root int, rel string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(f.roots[root].name, rel)) // sorted
	if err != nil {
		f.fail(filepath.Join(f.roots[root].name, rel), err)
	}
	for _, entry := range entries {
		own := filepath.Join(rel, entry.Name())
		switch {
		case entry.Name() == sideName:
		case strings.HasPrefix(entry.Name(), "."):
			f.passed[passedHidden]++
		case entry.IsDir():
			if err := f.folder(ctx, root, own); err != nil {
				return err
			}
		case entry.Type()&fs.ModeSymlink != 0:
			f.passed[passedLink]++
		case !entry.Type().IsRegular():
			f.passed[passedSpecial]++
		default:
			f.take(root, own, entry)
		}
	}
	return nil
}

// take takes a file where it is a picture, or is called one.
func (f *found) take(root int, rel string, entry fs.DirEntry) {
	path := asPath(filepath.Join(f.roots[root].name, rel))
	info, err := entry.Info()
	if err != nil {
		f.fail(path, err)
		return
	}
	own := &file{root: root, rel: rel, path: path, size: info.Size(), modified: info.ModTime(), mode: info.Mode()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		own.inode = inode{stat.Dev, stat.Ino}
		if first, ok := f.byInode[own.inode]; ok && stat.Nlink > 1 {
			first.also = append(first.also, path)
			return
		}
	}
	if !f.known(root, rel, info) && !pictures.IsCalled(path) {
		switch picture, err := pictures.IsPicture(path); {
		case err != nil:
			f.fail(path, err)
			return
		case !picture:
			f.passed[passedOther]++
			return
		}
	}
	f.files = append(f.files, own)
	f.byInode[own.inode] = own
}

// asPath is a path that programs take for nothing else: neither for a flag, nor
// spreadsheets that open --csv for a formula.
func asPath(path string) string {
	if strings.ContainsRune("-=+@\t\r", rune(path[0])) {
		return "." + string(filepath.Separator) + path
	}
	return path
}

func (f *found) fail(path string, err error) {
	f.failed = append(f.failed, failure{asPath(path), cause(err)})
}

// cause is an error without the path that it is about.
func cause(err error) error {
	if failure, ok := errors.AsType[*scorer.PictureError](err); ok {
		err = failure.Err
	}
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		return failure.Err
	}
	return err
}

// tellPassed says what was not looked at.
func (f *found) tellPassed(out io.Writer) {
	var reasons []string
	total := 0
	for _, why := range slices.Sorted(maps.Keys(f.passed)) {
		reasons = append(reasons, fmt.Sprintf("%d %s", f.passed[why], why))
		total += f.passed[why]
	}
	if total > 0 {
		fmt.Fprintf(out, "note: passed over: %s\n", strings.Join(reasons, ", "))
	}
}
