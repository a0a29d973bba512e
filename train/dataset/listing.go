package dataset

import (
	"cmp"
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

	"golang.org/x/sync/errgroup"

	"siamese/imaging"
	"siamese/train/archive"
)

// maxFolders bounds how deeply folders nest: layouts need two, archives wrap a
// few more around them, and a mount that contains itself has no end.
const maxFolders = 16

// listing is what lies below a root.
type listing struct {
	files     []*file  // those that may be images, sorted by name
	folders   []string // the names of all folders but the root
	hidden    int      // files and folders
	irregular int      // devices, sockets, links in circles
}

// list walks the tree. Links are followed, but never back to a folder that the
// walk is in.
func list(ctx context.Context, src *source) (listing, error) {
	w := walk{tree: src.tree.FS}
	if err := w.folder(ctx, ".", nil); err != nil {
		return listing{}, err
	}
	found := listing{folders: archive.Names(w.folders), hidden: w.hidden, irregular: w.irregular}
	names := archive.Names(w.files)
	for i, name := range names {
		// Names with backslashes are seen as folders only now.
		if slices.ContainsFunc(strings.Split(name, "/"), archive.Hidden) {
			found.hidden++
			continue
		}
		found.files = append(found.files, &file{source: src, path: w.files[i], name: name})
	}
	slices.SortFunc(found.files, func(a, b *file) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.path, b.path))
	})
	return found, nil
}

// walk is one call of list.
type walk struct {
	tree              fs.FS
	files, folders    []string // as the tree has them
	hidden, irregular int
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
		w.irregular++
		return nil
	}
	if len(above) > maxFolders {
		return fmt.Errorf("%w: received %q, expected at most %d folders", ErrTooDeep, archive.Printable(name), maxFolders)
	}
	entries, err := fs.ReadDir(w.tree, name)
	if err != nil {
		return err
	}
	if name != "." {
		w.folders = append(w.folders, name)
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
	if archive.Hidden(entry.Name()) {
		w.hidden++
		return nil
	}
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := fs.Stat(w.tree, name)
		if err != nil {
			// A link to nothing is named later, as other unreadable images are.
			w.files = append(w.files, name)
			return nil
		}
		mode = info.Mode()
	}
	switch {
	case mode.IsDir():
		return w.folder(ctx, name, within)
	case mode.IsRegular():
		w.files = append(w.files, name)
	default:
		w.irregular++
	}
	return nil
}

// headBytes is more than any format's magic bytes, and what [http.DetectContentType]
// looks at.
const headBytes = 512

// sniff parts the files that are images by their first bytes, or should be by their
// names, from the others, in the order of names.
func sniff(ctx context.Context, p *imaging.Preparer, files []*file) (images, others []*file, err error) {
	is := make([]bool, len(files))
	err = each(ctx, len(files), func(i int) { is[i] = files[i].sniff(p) })
	if err != nil {
		return nil, nil, err
	}
	for i, f := range files {
		if is[i] {
			images = append(images, f)
		} else {
			others = append(others, f)
		}
	}
	return images, others, nil
}

// sniff reports whether the file is an image or should be one, and notes why it is none.
func (f *file) sniff(p *imaging.Preparer) bool {
	head, err := f.head(headBytes)
	if err != nil {
		f.fault, f.kind = reason(err), "can't be read"
		return true
	}
	_, err = p.Inspect(head)
	if isImage(err) {
		return true
	}
	f.kind = contentKind(head)
	if !pictureExtensions[extension(f.name)] {
		return false
	}
	f.fault = err
	return true
}

// isImage asks what Inspect said for the format alone: whatever else it has against
// these few bytes, such as a header cut short, says nothing of the whole file.
func isImage(err error) bool {
	return !errors.Is(err, &imaging.Error{Reason: imaging.ReasonFormatUnknown}) &&
		!errors.Is(err, &imaging.Error{Reason: imaging.ReasonEmpty})
}

// verify decodes every file and parts the readable ones from the others; with Stop those
// are an *UnreadableError.
func verify(ctx context.Context, cfg Config, form arrangement, files []*file) (readable, unreadable []*file, err error) {
	if err := each(ctx, len(files), func(i int) { files[i].decode(cfg.Preparer) }); err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if f.fault == nil {
			readable = append(readable, f)
		} else {
			unreadable = append(unreadable, f)
		}
	}
	if len(unreadable) > 0 && cfg.Unreadable == Stop {
		return nil, nil, unreadableError(form, unreadable)
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
