package dedupe

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// foundItem is a file as it is found on disk.
func foundItem(t *testing.T, path string) *item {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := sumOf(path)
	if err != nil {
		t.Fatal(err)
	}
	it := &item{file: &file{path: path, rel: filepath.Base(path), size: info.Size(), modified: info.ModTime(), mode: info.Mode()}, read: true}
	it.Sum = sum
	return it
}

// put writes a file.
func put(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replaced puts another file of the same size and time in the place of one.
func replaced(t *testing.T, it *item, path, content string) {
	t.Helper()
	own := put(t, path+".new", content)
	if err := errors.Join(os.Chtimes(own, it.modified, it.modified), os.Rename(own, path)); err != nil {
		t.Fatal(err)
	}
}

// read is a file's content.
func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestNotWhatWasCompared: nothing is linked or moved that is not what was compared,
// whatever its size and time, and whatever name of it has been given to another file.
func TestNotWhatWasCompared(t *testing.T) {
	tests := map[string]struct {
		as   role
		also bool // the second name is replaced
		kept bool // the best is replaced
	}{
		"a near-double":             {as: near},
		"what it is near to":        {as: near, kept: true},
		"a copy":                    {as: copied},
		"the second name of a copy": {as: copied, also: true},
		"the second name of a near": {as: near, also: true},
	}
	for name, test := range tests {
		for _, move := range []bool{false, true} {
			dir := t.TempDir()
			content := "picture"
			if test.as == near {
				content = "another"
			}
			kept := foundItem(t, put(t, filepath.Join(dir, "best"), "picture"))
			m := &member{item: foundItem(t, put(t, filepath.Join(dir, "double"), content)), role: test.as, of: kept}
			m.also = []string{filepath.Join(dir, "second")}
			if err := os.Link(m.path, m.also[0]); err != nil {
				t.Fatal(err)
			}
			path := m.path
			if test.also {
				path = m.also[0]
			}
			if test.kept {
				path = kept.path
			}
			replaced(t, m.item, path, "precious"[:7])
			a := &action{link: true, linkNear: true, roots: []root{{dir, dir}}, undo: &undoList{path: filepath.Join(dir, "list")}}
			if move {
				a = &action{move: filepath.Join(dir, "moved"), roots: a.roots, undo: a.undo}
			}
			if done, err := a.one(kept, m); err == nil {
				t.Errorf("%s, move %v: %s", name, move, done)
			}
			if got := read(t, path); got != "preciou" {
				t.Errorf("%s, move %v: the file has %q", name, move, got)
			}
		}
	}
}

// TestOneFileTwice: a file that is found by two paths, as in a folder that is mounted
// twice, is no double of itself.
func TestOneFileTwice(t *testing.T) {
	dir := t.TempDir()
	kept := foundItem(t, put(t, filepath.Join(dir, "one"), "picture"))
	if err := os.Link(kept.path, filepath.Join(dir, "two")); err != nil {
		t.Fatal(err)
	}
	m := &member{item: foundItem(t, filepath.Join(dir, "two")), role: copied, of: kept}
	a := &action{move: filepath.Join(dir, "moved"), roots: []root{{dir, dir}}, undo: &undoList{path: filepath.Join(dir, "list")}}
	if done, err := a.one(kept, m); err == nil || !strings.Contains(err.Error(), "by another path") {
		t.Errorf("%q, %v; want nothing done", done, err)
	}
}

// TestHalfMoved: where the second name of a file can't be moved, the report says both
// that and where the first one is.
func TestHalfMoved(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	kept := foundItem(t, put(t, filepath.Join(dir, "best"), "picture"))
	m := &member{item: foundItem(t, put(t, filepath.Join(dir, "double"), "picture")), role: copied, of: kept}
	m.also = []string{filepath.Join(dir, "sub", "second")}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), os.Link(m.path, m.also[0])); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(to, "sub"), "no folder")
	a := &action{move: to, roots: []root{{dir, dir}}, undo: &undoList{path: filepath.Join(dir, "list")}}
	done, err := a.one(kept, m)
	if want := "moved to " + filepath.Join(to, "double"); done != want || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%q, %v; want %q, %v", done, err, want, syscall.ENOTDIR)
	}
	if got := read(t, m.also[0]); got != "picture" {
		t.Errorf("the second name has %q", got)
	}
}

// TestRemoveCopied: what has been changed since it was copied stays, and the copy goes;
// where it is gone, the copy stays.
func TestRemoveCopied(t *testing.T) {
	dir := t.TempDir()
	from, to := put(t, filepath.Join(dir, "from"), "picture"), filepath.Join(dir, "to")
	was, err := copyFile(from, to)
	if err != nil {
		t.Fatal(err)
	}
	replaced(t, foundItem(t, from), from, "precious"[:7])
	if err := removeCopied(from, to, was); err == nil || read(t, from) != "preciou" {
		t.Errorf("the file that took its place has %q, %v", read(t, from), err)
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the copy: %v, want none", err)
	}
	if was, err = copyFile(from, to); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(from); err != nil {
		t.Fatal(err)
	}
	if err := removeCopied(from, to, was); err != nil || read(t, to) != "preciou" {
		t.Errorf("the copy has %q, %v", read(t, to), err)
	}
}

// TestRenameNew: no way of renaming takes another file's place.
func TestRenameNew(t *testing.T) {
	dir := t.TempDir()
	from, to := put(t, filepath.Join(dir, "from"), "picture"), put(t, filepath.Join(dir, "to"), "somebody's")
	for name, rename := range map[string]func(from, to string) error{"renameNew": renameNew, "linkNew": linkNew} {
		if err := rename(from, to); !errors.Is(err, fs.ErrExist) || read(t, to) != "somebody's" || read(t, from) != "picture" {
			t.Errorf("%s: %v, %q; want %v", name, err, read(t, to), fs.ErrExist)
		}
		own := filepath.Join(dir, name)
		if err := rename(from, own); err != nil || read(t, own) != "picture" {
			t.Fatalf("%s: %v", name, err)
		}
		from = own
	}
}

// TestListOnFullDisk: half a line that had no room is not left between the others.
func TestListOnFullDisk(t *testing.T) {
	list := &undoList{path: filepath.Join(t.TempDir(), "list")}
	line := step{Op: opMove, From: "/from", To: "/to"}
	if err := list.write(line); err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(list.size) + 10, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	full := list.write(line)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(full, syscall.EFBIG) {
		t.Errorf("no room: %v, want %v", full, syscall.EFBIG)
	}
	if err := errors.Join(list.write(line), list.file.Close()); err != nil {
		t.Fatal(err)
	}
	if all, err := readList(list.path); err != nil || len(all) != 2 {
		t.Errorf("the list has %v, %v; want two lines", all, err)
	}
}
