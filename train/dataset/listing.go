package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxFolders bounds how deeply folders nest: layouts need two, archives wrap a
// few more around them, and a mount that contains itself has no end.
const maxFolders = 16

// listing is what lies below a root.
type listing struct {
	files     []string // paths of files that may be images, sorted
	hidden    int      // files and folders
	irregular int      // devices, sockets, links in circles
}

// list walks the tree. Links are followed, but never back to a folder that the
// walk is in.
func list(ctx context.Context, tree fs.FS) (listing, error) {
	w := walk{tree: tree}
	if err := w.folder(ctx, ".", nil); err != nil {
		return listing{}, err
	}
	slices.Sort(w.found.files)
	return w.found, nil
}

// walk is one call of list.
type walk struct {
	tree  fs.FS
	found listing
}

// folder lists one folder; above holds the folders around it.
func (w *walk) folder(ctx context.Context, name string, above []fs.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	info, err := fs.Stat(w.tree, name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(above, func(up fs.FileInfo) bool { return os.SameFile(up, info) }) {
		w.found.irregular++
		return nil
	}
	if len(above) > maxFolders {
		return fmt.Errorf("%w: received %q, expected at most %d folders", ErrTooDeep, name, maxFolders)
	}
	entries, err := fs.ReadDir(w.tree, name)
	if err != nil {
		return err
	}
	// Clipped, so that no two branches of the walk append to the same array.
	within := append(slices.Clip(above), info)
	for _, entry := range entries {
		if err := w.entry(ctx, path.Join(name, entry.Name()), entry, within); err != nil {
			return err
		}
	}
	return nil
}

// entry sorts one entry of a folder to its kind.
func (w *walk) entry(ctx context.Context, name string, entry fs.DirEntry, within []fs.FileInfo) error {
	if hidden(entry.Name()) {
		w.found.hidden++
		return nil
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("the name %q is not UTF-8, expected it to be renamed", name)
	}
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := fs.Stat(w.tree, name)
		if err != nil {
			// A link to nothing is told by name later, as other unreadable images are.
			w.found.files = append(w.found.files, name)
			return nil
		}
		mode = info.Mode()
	}
	switch {
	case mode.IsDir():
		return w.folder(ctx, name, within)
	case mode.IsRegular():
		w.found.files = append(w.found.files, name)
	default:
		w.found.irregular++
	}
	return nil
}

// hidden tells what file managers leave beside the data.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") ||
		slices.Contains([]string{"__MACOSX", "Thumbs.db", "desktop.ini"}, name)
}
