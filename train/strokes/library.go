package strokes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"siamese/train/archive"
)

const (
	// maxDrawings bounds a library: Omniglot has 32,460 drawings in all.
	maxDrawings = 200_000
	// maxAllPoints bounds its memory, to about 0.5 GB; Omniglot's 32,460 drawings have
	// a quarter of that.
	maxAllPoints = 20_000_000
)

// ErrNoFiles: there is no file of strokes in a folder or zip file.
var ErrNoFiles = errors.New("there are no files of strokes, expected alphabet/character/NNNN_DD.txt")

// Library has the recorded strokes of drawings.
type Library struct {
	// Repeated is how many drawings lie in more than one of the places, always alike.
	Repeated int

	drawings map[string]Drawing
	points   int // of all drawings
}

// Open reads all files of strokes in some folders and zip files, in Omniglot's layout
// (alphabet/character/NNNN_DD.txt, within any folders); other files are passed over. A
// drawing that lies in two of them must be the same in both. Errors name the file, and a
// damaged one's line: *LineError, ErrNoStrokes, ErrNoFiles; those of archive.Open; ctx's.
func Open(ctx context.Context, paths ...string) (*Library, error) {
	l := &Library{drawings: map[string]Drawing{}}
	for _, place := range paths {
		if err := l.add(ctx, place); err != nil {
			return nil, fmt.Errorf("strokes: %q: %w", place, err)
		}
	}
	return l, nil
}

// add reads the files of a folder or zip file.
func (l *Library) add(ctx context.Context, place string) error {
	tree, err := archive.Open(place)
	if err != nil {
		return err
	}
	found := 0
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if name != "." && archive.Hidden(entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		key := keyOf(name)
		if entry.IsDir() || !strings.EqualFold(path.Ext(name), ".txt") || key == "" {
			return nil
		}
		found++
		if err := l.read(tree, name, key); err != nil {
			return fmt.Errorf("%s: %w", archive.Printable(name), err)
		}
		return nil
	})
	if err == nil && found == 0 {
		err = ErrNoFiles
	}
	return errors.Join(err, tree.Close())
}

// read reads one file.
func (l *Library) read(tree fs.FS, name, key string) error {
	if len(l.drawings) >= maxDrawings {
		return fmt.Errorf("received more drawings, expected at most %d", maxDrawings)
	}
	file, err := tree.Open(name)
	if err != nil {
		return err
	}
	drawing, err := Read(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if before, known := l.drawings[key]; known {
		if !reflect.DeepEqual(before, drawing) {
			return errors.New("received other strokes than those of the same name before, expected the same")
		}
		l.Repeated++
		return nil
	}
	for _, s := range drawing.Strokes {
		l.points += len(s)
	}
	if l.points > maxAllPoints {
		return fmt.Errorf("received more points, expected at most %d in all files together", maxAllPoints)
	}
	l.drawings[key] = drawing
	return nil
}

// keyOf is what files of strokes and pictures of one drawing have in common: the last
// three parts of the name, without the extension; "" where there are less.
func keyOf(name string) string {
	parts := strings.Split(strings.TrimSuffix(name, path.Ext(name)), "/")
	if len(parts) < 3 {
		return ""
	}
	return strings.Join(parts[len(parts)-3:], "/")
}

// Find returns the strokes of a picture by its name, alphabet/character/NNNN_DD.png. A
// nil library has none.
func (l *Library) Find(picture string) (Drawing, bool) {
	if l == nil {
		return Drawing{}, false
	}
	drawing, ok := l.drawings[keyOf(picture)]
	return drawing, ok
}

// Len is how many drawings there are.
func (l *Library) Len() int {
	if l == nil {
		return 0
	}
	return len(l.drawings)
}

// Digest tells libraries apart: a SHA-256 over names and points, in hex.
func (l *Library) Digest() string {
	sum := sha256.New()
	for _, name := range l.Names() {
		fmt.Fprintln(sum, name, l.drawings[name])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Names lists the drawings as alphabet/character/NNNN_DD, sorted. The caller owns the
// result.
func (l *Library) Names() []string {
	return slices.Sorted(maps.Keys(l.drawings))
}
