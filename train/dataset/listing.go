package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"siamese/imaging"
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
			// A link to nothing is named later, as other unreadable images are.
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

// hidden reports whether a name is one that file managers leave beside the data.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") ||
		slices.Contains([]string{"__MACOSX", "Thumbs.db", "desktop.ini"}, name)
}

// headBytes is more than any format's magic bytes.
const headBytes = 64

// sniff gives the files that are images by their first bytes, and those that
// cannot be read at all, in the order of paths.
func sniff(ctx context.Context, p *imaging.Preparer, src *source, paths []string) ([]*file, error) {
	files := make([]*file, len(paths))
	err := each(ctx, len(paths), func(i int) {
		f := &file{source: src, path: paths[i]}
		head, err := f.head(headBytes)
		if err != nil {
			f.fault = reason(err)
		} else if !isImage(p, head) {
			return
		}
		files[i] = f
	})
	if err != nil {
		return nil, err
	}
	images := files[:0]
	for _, f := range files {
		if f != nil {
			images = append(images, f)
		}
	}
	return images, nil
}

// isImage asks for the format alone: whatever else Inspect has against these few
// bytes, such as a header cut short, says nothing of the whole file.
func isImage(p *imaging.Preparer, head []byte) bool {
	_, err := p.Inspect(head)
	return !errors.Is(err, &imaging.Error{Reason: imaging.ReasonFormatUnknown}) &&
		!errors.Is(err, &imaging.Error{Reason: imaging.ReasonEmpty})
}

// verify decodes every file and parts the readable ones from the names of the
// others; with Stop those are an *UnreadableError.
func verify(ctx context.Context, cfg Config, form arrangement, files []*file) (readable []*file, unreadable []string, err error) {
	if err := each(ctx, len(files), func(i int) { files[i].decode(cfg.Preparer) }); err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if f.fault == nil {
			readable = append(readable, f)
			continue
		}
		unreadable = append(unreadable, fmt.Sprintf("%s: %v", form.name(f), f.fault))
	}
	if len(unreadable) > 0 && cfg.Unreadable == Stop {
		return nil, nil, &UnreadableError{Images: unreadable}
	}
	return readable, unreadable, nil
}

// each calls work for 0 to n-1 from as many goroutines as there are processors
// and returns when all have ended. It fails only when ctx has ended.
func each(ctx context.Context, n int, work func(i int)) error {
	var group errgroup.Group
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() error {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				work(int(i))
			}
			return nil
		})
	}
	return group.Wait()
}
