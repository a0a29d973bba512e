package gallery

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"siamese/cmd/siamese/internal/galleries"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/scorer"
)

// Naming says what the entries of a folder's pictures are called.
type Naming struct {
	Prefix   string            // of ids
	Thing    string            // folder, name or none
	Metadata map[string]string // of each
}

// Find returns the entries of a folder's pictures, or that of a file; failed are those
// that can't be read, which notes are told of.
func (n Naming) Find(ctx context.Context, dir string, notes io.Writer) (entries []galleries.Entry, failed int, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, 0, err
	}
	root := dir
	if !info.IsDir() {
		root = filepath.Dir(dir)
	}
	found, err := pictures.Find(ctx, []string{dir}, nil, 0)
	if err != nil {
		return nil, 0, err
	}
	found.Tell(notes)
	for _, picture := range found.Pictures {
		entries = append(entries, n.Entry(root, picture.Name))
	}
	return entries, len(found.Failed), nil
}

// Entry is that of a file below a folder.
func (n Naming) Entry(root, file string) galleries.Entry {
	rel, err := filepath.Rel(root, file)
	if err != nil {
		rel = file
	}
	return galleries.Entry{ID: n.ID(root, file), Thing: n.thing(root, rel), Metadata: n.Metadata, Picture: scorer.Picture{Name: file}}
}

// ID is that of a file below a folder.
func (n Naming) ID(root, file string) string {
	rel, err := filepath.Rel(root, file)
	if err != nil {
		rel = file
	}
	return n.Prefix + filepath.ToSlash(rel)
}

// thing is what a file below a folder shows.
func (n Naming) thing(root, rel string) string {
	switch n.Thing {
	case "none":
		return ""
	case "name":
		return strings.TrimSuffix(filepath.Base(rel), filepath.Ext(rel))
	}
	dir := path.Dir(filepath.ToSlash(rel))
	if dir != "." {
		return dir
	}
	if whole, err := filepath.Abs(root); err == nil {
		root = whole
	}
	return filepath.Base(root)
}

// readList reads the entries of a CSV file.
func readList(list, prefix string, metadata map[string]string) ([]galleries.Entry, error) {
	file, err := os.Open(list)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := csv.NewReader(file)
	head, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: expected a first line that names the columns: %w", list, err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff") // as spreadsheets begin files
	if !slices.Contains(head, "file") {
		return nil, fmt.Errorf("%s: received columns %q, expected file among them", list, head)
	}
	if sorted := slices.Sorted(slices.Values(head)); len(slices.Compact(sorted)) < len(head) {
		return nil, fmt.Errorf("%s: received columns %q, expected each once", list, head)
	}
	var entries []galleries.Entry
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return entries, uniqueIDs(list, entries)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", list, err)
		}
		entries = append(entries, ofRow(filepath.Dir(list), prefix, head, row, metadata))
	}
}

// ofRow is the entry of a line.
func ofRow(dir, prefix string, head, row []string, metadata map[string]string) galleries.Entry {
	var entry galleries.Entry
	own := maps.Clone(metadata)
	for i, column := range head {
		switch value := row[i]; {
		case column == "file":
			if entry.Picture.Name = value; !filepath.IsAbs(value) {
				entry.Picture.Name = filepath.Join(dir, value)
			}
			if entry.ID == "" {
				entry.ID = filepath.ToSlash(value)
			}
		case column == "id" && value != "":
			entry.ID = value
		case column == "thing":
			entry.Thing = value
		case column != "id" && value != "":
			if own == nil {
				own = make(map[string]string)
			}
			own[column] = value
		}
	}
	entry.ID, entry.Metadata = prefix+entry.ID, own
	return entry
}

// uniqueIDs refuses a list with an id twice.
func uniqueIDs(list string, entries []galleries.Entry) error {
	line := make(map[string]int, len(entries))
	for i, entry := range entries {
		if first, ok := line[entry.ID]; ok {
			return fmt.Errorf("%s: entries %d and %d have the same id %q, expected each once", list, first, i+1, entry.ID)
		}
		line[entry.ID] = i + 1
	}
	return nil
}
