// Package archive opens the folders and zip files that people keep pictures in,
// whatever system packed them: with backslashes between folders, names in the
// writing of another country, absolute names, names twice, files that a system
// left beside them.
package archive

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"siamese/internal/regular"
)

// ErrEncrypted: the archive asks for a password.
var ErrEncrypted = errors.New("the archive is encrypted, expected one without a password")

// Tree is an open folder or zip file. It is safe for concurrent use; neither is ever
// written to. A folder's names may be no UTF-8, see [Names]; those of a zip file are,
// divided by "/", and lead nowhere but into the archive.
type Tree struct {
	fs.FS
	// Repeated are names that the archive has more than once, printable and sorted; of
	// each the last one is taken, as programs that unpack do.
	Repeated []string

	close func() error
}

// Open opens the folder or zip file at path. The caller closes it. Errors:
// [ErrEncrypted], zip's, and the file system's.
func Open(path string) (*Tree, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &Tree{FS: disk(path), close: func() error { return nil }}, nil
	}
	file, err := regular.Open(path, math.MaxInt64)
	if err != nil {
		return nil, fmt.Errorf("expected a folder or a zip file: %w", err)
	}
	tree, err := read(file, info.Size())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	tree.close = sync.OnceValue(file.Close)
	return tree, nil
}

// Close may be called again.
func (t *Tree) Close() error { return t.close() }

// read reads the directory of a zip file.
func read(file io.ReaderAt, size int64) (*Tree, error) {
	reader, err := zip.NewReader(file, size)
	if err != nil {
		return nil, fmt.Errorf("expected a folder or a zip file%s: %w", otherKind(file), err)
	}
	decode(reader.File)
	const encrypted = 1 // bit 0 of an entry's flags, APPNOTE 4.4.4
	for _, entry := range reader.File {
		if entry.Flags&encrypted != 0 {
			return nil, fmt.Errorf("%w: %q", ErrEncrypted, Printable(entry.Name))
		}
	}
	var repeated []string
	reader.File, repeated = withoutRepeated(reader.File)
	return &Tree{FS: reader, Repeated: repeated}, nil
}

// decode gives entries names in UTF-8 that are divided by "/". The reader takes them
// as its own, since it looks names up by what stands there when it is first asked.
func decode(entries []*zip.File) {
	names := make([]string, len(entries))
	var legacy []int // entries that say nothing of their encoding
	for i, entry := range entries {
		names[i] = entry.Name
		const utf8Flag = 1 << 11 // APPNOTE 4.4.4
		if unicodeName, ok := unicodePath(entry); ok {
			names[i] = unicodeName
		} else if entry.Flags&utf8Flag == 0 || entry.NonUTF8 {
			legacy = append(legacy, i)
		}
	}
	written := make([]string, len(legacy))
	for i, at := range legacy {
		written[i] = names[at]
	}
	for i, name := range decoded(written) {
		names[legacy[i]] = name
	}
	for i, entry := range entries {
		entry.Name = divided(names[i])
	}
}

// divided is a name divided by "/" that leads nowhere else: clean, without a root and
// without folders above. A folder's ends in "/"; "" is the archive itself.
func divided(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	if clean != "" && strings.HasSuffix(name, "/") {
		clean += "/"
	}
	return clean
}

// withoutRepeated drops entries that the reader could tell apart by nothing: of one name
// all but the last, and files where a folder has the name.
func withoutRepeated(entries []*zip.File) (kept []*zip.File, repeated []string) {
	last, folders := map[string]int{}, map[string]bool{}
	for i, entry := range entries {
		last[entry.Name] = i
		for folder := path.Dir(strings.TrimSuffix(entry.Name, "/")); folder != "."; folder = path.Dir(folder) {
			folders[folder] = true
		}
	}
	for i, entry := range entries {
		switch isFolder := strings.HasSuffix(entry.Name, "/"); {
		case entry.Name == "":
		case last[entry.Name] == i && (isFolder || !folders[entry.Name]):
			kept = append(kept, entry)
		case !isFolder:
			repeated = append(repeated, Printable(entry.Name))
		}
	}
	slices.Sort(repeated)
	return kept, slices.Compact(repeated)
}

// otherKind names what a file is that is no zip file, for an error; empty where that is
// not known.
func otherKind(file io.ReaderAt) string {
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && n == 0 {
		return ""
	}
	for _, kind := range []struct {
		name, magic string
		at          int
	}{
		{"a RAR archive", "Rar!", 0}, {"a 7z archive", "7z\xbc\xaf\x27\x1c", 0}, {"a gzip file", "\x1f\x8b", 0},
		{"an xz file", "\xfd7zXZ", 0}, {"a bzip2 file", "BZh", 0}, {"a Zstandard file", "\x28\xb5\x2f\xfd", 0},
		{"a tar archive", "ustar", 257}, {"a zip file whose end is missing", "PK\x03\x04", 0},
	} {
		if bytes.HasPrefix(head[min(kind.at, n):n], []byte(kind.magic)) {
			return ", received " + kind.name
		}
	}
	return ""
}

// disk is a folder of the system. Unlike os.DirFS it takes names that are no UTF-8, and
// like regular.DirFS it opens regular files alone.
type disk string

// place is where a name lies; one that leads out of the folder is refused.
func (d disk) place(op, name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(string(d), name), nil
}

// Open opens a regular file, or a folder.
func (d disk) Open(name string) (fs.File, error) {
	place, err := d.place("open", name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(place)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return os.Open(place)
	}
	return regular.Open(place, math.MaxInt64)
}

// Stat follows links.
func (d disk) Stat(name string) (fs.FileInfo, error) {
	place, err := d.place("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(place)
}

// ReadDir lists a folder by name.
func (d disk) ReadDir(name string) ([]fs.DirEntry, error) {
	place, err := d.place("readdir", name)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(place)
}

// Hidden reports whether a name, without folders, is one that file managers and systems
// leave beside the data.
func Hidden(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{
		"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin", "system volume information",
	}, strings.ToLower(name))
}
