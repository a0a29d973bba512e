package dedupe

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"siamese/cmd/siamese/internal/dedupe/overlap"
	"siamese/cmd/siamese/internal/dedupe/sidefile"
	"siamese/cmd/siamese/internal/scorer"
)

// sideName is the file in a folder that what is known of its pictures is kept in.
const sideName = ".siamese-index"

// kept is what is known of pictures from earlier runs, and what is kept of this one.
type kept struct {
	roots []root
	of    []side // by root
	known map[sidefile.Sum]*sidefile.Made
}

// side is the side file of a root; its paths count from the root, or are absolute in
// one that is for all roots.
type side struct {
	*sidefile.File // nil: nothing is kept
	absolute       bool
}

// none as --index keeps nothing.
const none = "none"

// modelKey tells embeddings apart that can't be compared, and the looks beside them.
func modelKey(model scorer.Model) string {
	return fmt.Sprintf("%s %s, look %d", model.Digest, model.Prepared, overlap.Version)
}

// openKept opens the side files of the roots. where is --index.
func openKept(where string, roots []root, model scorer.Model, notes io.Writer) (*kept, error) {
	k := &kept{roots: roots, of: make([]side, len(roots)), known: make(map[sidefile.Sum]*sidefile.Made)}
	if where == none {
		return k, nil
	}
	for i, root := range roots {
		if where != "" && i > 0 {
			k.of[i] = k.of[0]
			continue
		}
		file, err := openSide(where, root, modelKey(model), notes)
		if err != nil {
			return nil, errors.Join(err, k.close(false))
		}
		k.of[i] = side{File: file, absolute: where != ""}
	}
	return k, nil
}

// openSide opens the file of one root; nil where nothing can be kept.
func openSide(where string, root root, model string, notes io.Writer) (*sidefile.File, error) {
	path := where
	if path == "" {
		path = filepath.Join(root.path, sideName)
		if !sidefile.Writable(root.path) {
			var err error
			if path, err = inCache(root); err != nil {
				fmt.Fprintf(notes, "note: %s can't be written, and there is no folder for caches (%v): nothing is kept for the next run\n", scorer.Printable(root.name), err)
				return nil, nil
			}
		}
	}
	file, err := sidefile.Open(path, model)
	switch {
	case errors.Is(err, sidefile.ErrInUse):
		return nil, fmt.Errorf("%w: wait until it has ended, or name another file with --index", err)
	case errors.Is(err, sidefile.ErrForeign) || errors.Is(err, fs.ErrPermission):
		fmt.Fprintf(notes, "note: %s: nothing is kept for the next run\n", scorer.Printable(err.Error()))
		return nil, nil
	case err != nil:
		return nil, err
	}
	if file.Damaged > 0 {
		fmt.Fprintf(notes, "note: %s: the last %d bytes were damaged: what was in them is worked out again\n", scorer.Printable(path), file.Damaged)
	}
	return file, nil
}

// inCache is where the side file of a folder is that can't be written.
func inCache(root root) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "siamese", "dedupe")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(root.path))
	return filepath.Join(dir, hex.EncodeToString(sum[:16])+".index"), nil
}

// key is a file's path in the side file of its root.
func (k *kept) key(root int, rel string) string {
	if k.of[root].absolute {
		return filepath.Join(k.roots[root].path, rel)
	}
	return rel
}

// content is what a file has in it, if that is known.
func (k *kept) content(root int, rel string, size int64, modified time.Time) (sidefile.Content, bool) {
	if k.of[root].File == nil {
		return sidefile.Content{}, false
	}
	return k.of[root].Content(k.key(root, rel), size, modified)
}

// made is what the model makes of a content; nil: nobody knows.
func (k *kept) made(sum sidefile.Sum) *sidefile.Made {
	if made, ok := k.known[sum]; ok {
		return made
	}
	for _, side := range k.of {
		if side.File == nil {
			continue
		}
		if made, ok := side.Made(sum); ok {
			k.known[sum] = &made
			return &made
		}
	}
	return nil
}

// add takes in what the model made of a content.
func (k *kept) add(sum sidefile.Sum, made *sidefile.Made) { k.known[sum] = made }

// keep writes what was found out about a file to the side file of its root.
func (k *kept) keep(it *item) error {
	side := k.of[it.root]
	if side.File == nil {
		return nil
	}
	if it.made != nil {
		if _, has := side.Made(it.Sum); !has {
			if err := side.KeepMade(it.Sum, *it.made); err != nil {
				return err
			}
		}
	}
	return side.KeepContent(k.key(it.root, it.rel), it.size, it.modified, it.Content)
}

// agreement is how well the pixels of two contents agree, if that is known. It may be
// called by several goroutines at a time, while nothing is kept.
func (k *kept) agreement(a, b sidefile.Sum) (agreement float32, ok bool) {
	for _, file := range k.files() {
		if agreement, ok = file.Agreement(a, b); ok {
			return agreement, true
		}
	}
	return 0, false
}

// keepAgreement keeps how well the pixels of two files agree, in the side file of one.
func (k *kept) keepAgreement(a, b *item, agreement float32) error {
	if file := k.of[a.root].File; file != nil {
		return file.KeepAgreement(a.Sum, b.Sum, agreement)
	}
	return nil
}

// files are the side files, each once.
func (k *kept) files() []*sidefile.File {
	var files []*sidefile.File
	for _, side := range k.of {
		if side.File != nil && !slices.Contains(files, side.File) {
			files = append(files, side.File)
		}
	}
	return files
}

func (k *kept) sync() error {
	var errs []error
	for _, file := range k.files() {
		errs = append(errs, file.Sync())
	}
	return errors.Join(errs...)
}

// close ends the side files. all is as for [sidefile.File.Close].
func (k *kept) close(all bool) error {
	var errs []error
	for _, file := range k.files() {
		errs = append(errs, file.Close(all))
	}
	return errors.Join(errs...)
}
