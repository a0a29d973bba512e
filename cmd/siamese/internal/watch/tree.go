package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/gallery"
)

// state is what a file looks like from outside.
type state struct {
	size     int64
	modified time.Time
}

// change is a file that has been changed, or is gone.
type change struct {
	state
	since time.Time // it has looked so
}

// tree is a folder with all that is below it. It belongs to one goroutine.
type tree struct {
	root string
	// watch begins to watch a folder; unwatch ends it for a folder that has gone, and for
	// those below it, which have other names now.
	watch   func(dir string) error
	unwatch func(dir string)

	is   os.FileInfo // the folder that is watched; nil: there is none
	bare bool        // it is another than before, and no file has been in it yet

	known   map[string]state  // pictures that were taken in
	pending map[string]change // what may be whole soon
	lost    map[string]time.Time
	unread  bool    // a folder could not be read
	errors  []error // that were not told of yet
}

func newTree(root string) (*tree, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, cli.Usage(fmt.Errorf("%s: received a file, expected a folder", root))
	}
	return &tree{
		root: filepath.Clean(root), is: info, watch: func(string) error { return nil }, unwatch: func(string) {},
		known: make(map[string]state), pending: make(map[string]change), lost: make(map[string]time.Time),
	}, nil
}

// scan looks through the whole folder. One that has come in the place of another and has
// no file may be where a disk is mounted: nothing is lost by it.
func (t *tree) scan(now time.Time) {
	seen := make(map[string]bool)
	t.folder(t.root, now, seen)
	if t.bare = t.bare && len(seen) == 0; t.bare {
		return
	}
	t.loseOthers(t.root, seen, now)
}

// loseOthers notes that the known files below a folder are gone that were not seen.
func (t *tree) loseOthers(dir string, seen map[string]bool, now time.Time) {
	for path := range t.known {
		if !seen[path] && isBelow(path, dir) {
			t.lose(path, now)
		}
	}
}

func isBelow(path, dir string) bool {
	return dir == "." && !filepath.IsAbs(path) || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

// folder watches a folder and looks through it: in this order, so that nothing comes
// between the two. seen takes the files that are there.
func (t *tree) folder(dir string, now time.Time, seen map[string]bool) {
	if err := t.watch(dir); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%s: the system watches no more folders: raise fs.inotify.max_user_watches with sysctl, or use --rescan", dir)
		}
		t.errors = append(t.errors, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.errors, t.unread = append(t.errors, err), true
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case isHidden(entry.Name()):
		case entry.IsDir():
			t.folder(path, now, seen)
		default:
			if t.file(path, now) {
				seen[path] = true
			}
		}
	}
}

func isHidden(name string) bool { return strings.HasPrefix(name, ".") }

// changed takes in that there was something about a path.
func (t *tree) changed(path string, now time.Time) {
	path = filepath.Clean(path) // in the folder "." events begin with "./"
	rel, err := filepath.Rel(t.root, path)
	if err != nil || slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(name string) bool { return isHidden(name) && name != "." }) {
		return
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.left(path, now)
	case err != nil:
		t.errors = append(t.errors, err)
	case info.IsDir():
		seen := make(map[string]bool)
		t.folder(path, now, seen)
		t.loseOthers(path, seen, now) // it may be another folder than before
	default:
		t.file(path, now)
	}
}

// left takes in that a file or folder is gone.
func (t *tree) left(path string, now time.Time) {
	_, isFile := t.pending[path]
	delete(t.pending, path)
	if _, isKnown := t.known[path]; isKnown || isFile {
		t.lose(path, now)
		return
	}
	t.unwatch(path)
	t.loseOthers(path, nil, now)
}

// lose notes that a known file is gone; it may come back.
func (t *tree) lose(path string, now time.Time) {
	if _, ok := t.known[path]; !ok {
		return
	}
	if _, lost := t.lost[path]; !lost {
		t.lost[path] = now
	}
}

// file notes a file as it is now, and reports whether there is one.
func (t *tree) file(path string, now time.Time) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	delete(t.lost, path)
	is := state{info.Size(), info.ModTime()}
	if known, ok := t.known[path]; ok && known == is {
		delete(t.pending, path)
		return true
	}
	if before, ok := t.pending[path]; !ok || before.state != is {
		t.pending[path] = change{is, now}
	}
	return true
}

// whole are the files, sorted, that have not been changed for some time, and are
// pictures, or are called so. Others are forgotten until they are changed.
func (t *tree) whole(now time.Time, settle time.Duration) []string {
	var whole []string
	for _, path := range slices.Sorted(maps.Keys(t.pending)) {
		if now.Sub(t.pending[path].since) < settle {
			continue
		}
		before := t.pending[path]
		if !t.file(path, now) {
			delete(t.pending, path)
			continue
		}
		if is, ok := t.pending[path]; !ok || is != before {
			continue // it has been changed since
		}
		if picture, err := pictures.IsPicture(path); err != nil || !picture && !pictures.IsCalled(path) {
			if err != nil {
				t.errors = append(t.errors, err)
			}
			delete(t.pending, path)
			continue
		}
		whole = append(whole, path)
	}
	return whole
}

// old are those of whole whose own times say that they have not been changed for some
// time: when a folder is looked through for the first time, nothing else is known.
func (t *tree) old(now time.Time, settle time.Duration) []string {
	return slices.DeleteFunc(t.whole(now, 0), func(path string) bool { return now.Sub(t.pending[path].modified) < settle })
}

// all are the files that were taken in, or may be soon.
func (t *tree) all() []string {
	return slices.AppendSeq(slices.Collect(maps.Keys(t.known)), maps.Keys(t.pending))
}

// gone are the files, sorted, that have been gone for some time: one that is replaced by
// another is gone for a moment. One that can't be looked at is not gone.
func (t *tree) gone(now time.Time, settle time.Duration) []string {
	var gone []string
	for _, path := range slices.Sorted(maps.Keys(t.lost)) {
		if now.Sub(t.lost[path]) < settle {
			continue
		}
		if !isGone(path) {
			delete(t.lost, path)
			continue
		}
		gone = append(gone, path)
	}
	return gone
}

// isGone reports whether there is no such file.
func isGone(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	}
	return !info.Mode().IsRegular()
}

// taken notes that files were taken in, or taken out.
func (t *tree) taken(whole, gone []string) {
	for _, path := range whole {
		if is, ok := t.pending[path]; ok {
			t.known[path] = is.state
			delete(t.pending, path)
		}
	}
	for _, path := range gone {
		delete(t.known, path)
		delete(t.lost, path)
	}
}

// wordOf says what became of an entry.
func wordOf(outcome galleries.Outcome) string {
	if outcome.Err != nil {
		return "failed"
	}
	return map[gallery.Outcome]string{gallery.Added: "added", gallery.Replaced: "replaced", gallery.Unchanged: "unchanged"}[outcome.Outcome]
}
