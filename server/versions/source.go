package versions

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Folder is a version on disk.
type Folder struct {
	Version     string // its name
	Path        string // where its files are
	Fingerprint string // changes when a file comes, goes, grows or is written to
}

// Source tells which versions there are. It is safe for concurrent use.
type Source interface {
	// Scan returns the versions, the highest first.
	Scan() ([]Folder, error)

	// String names the source for people.
	String() string
}

// Single is a source of one version that never changes: a model that is no
// folder of versions. path may be empty where the Loader knows what that means.
func Single(version, path string) Source { return single{Version: version, Path: path} }

type single Folder

func (s single) Scan() ([]Folder, error) { return []Folder{Folder(s)}, nil }

func (s single) String() string { return s.Path }

// Numbered is the source of the subfolders of dir whose names are numbers, and
// links to such.
func Numbered(dir string) Source { return numbered(dir) }

type numbered string

func (n numbered) String() string { return string(n) }

func (n numbered) Scan() ([]Folder, error) {
	entries, err := os.ReadDir(string(n))
	if err != nil {
		return nil, fmt.Errorf("versions of %q: %w", string(n), err)
	}
	var folders []Folder
	for _, entry := range entries {
		if _, ok := number(entry.Name()); !ok {
			continue
		}
		path, err := filepath.EvalSymlinks(filepath.Join(string(n), entry.Name()))
		if err != nil {
			continue // gone, or a link to nowhere
		}
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue
		}
		folders = append(folders, Folder{Version: entry.Name(), Path: path, Fingerprint: fingerprint(path)})
	}
	slices.SortFunc(folders, func(a, b Folder) int { return compareVersions(b.Version, a.Version) })
	return folders, nil
}

// number is the version's number; false for a name that is none.
func number(name string) (uint64, bool) {
	n, err := strconv.ParseUint(name, 10, 63)
	return n, err == nil
}

// compareVersions orders by number; names that are none come first.
func compareVersions(a, b string) int {
	x, _ := number(a)
	y, _ := number(b)
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
}

// maxEntries bounds what is looked at of a version's folder at every look. A model
// has a handful of files; what has more is for the Loader to refuse.
const maxEntries = 2000

// fingerprint sums up names, sizes and times, of a link those of what it leads to.
// Contents are the Loader's to check: reading them at every look would cost seconds
// of disk.
func fingerprint(dir string) string {
	hash, entries := sha256.New(), 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			info, err = os.Stat(path)
		}
		if err != nil {
			fmt.Fprintf(hash, "%q %v\n", path, err) // gone, or a link to nowhere
			return nil
		}
		if entries++; entries > maxEntries {
			return fs.SkipAll
		}
		fmt.Fprintf(hash, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		fmt.Fprintf(hash, "%v", err) // it changes while we look, or can't be read
	}
	return hex.EncodeToString(hash.Sum(nil))
}
