package atomicfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"siamese/internal/atomicfile"
)

// TestReplaceKeepsTheOldFile: content that can't be written whole leaves the file
// as it was, and nothing beside it.
func TestReplaceKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := atomicfile.Write(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no space")
	err := atomicfile.Replace(path, func(w io.Writer) error {
		_, _ = w.Write([]byte("ne"))
		return broken
	})
	if got, _ := os.ReadFile(path); !errors.Is(err, broken) || string(got) != "old" {
		t.Errorf("Replace = %v and left %q, want the error and the old file", err, got)
	}
	if err := atomicfile.Write(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if got, _ := os.ReadFile(path); err != nil || len(entries) != 1 || string(got) != "new" {
		t.Errorf("Write left %q among %v (%v), want the new file alone", got, entries, err)
	}
	if err := atomicfile.Write(filepath.Join(dir, "none", "file"), nil); err == nil {
		t.Error("Write into a folder that is not there succeeded")
	}
}

// TestNewFolderIsWholeOrNotThere: a folder that can't be filled leaves nothing
// behind, and one that holds something is left alone.
func TestNewFolderIsWholeOrNotThere(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "parent")
	dir := filepath.Join(parent, "folder")
	fill := func(content string) func(string) error {
		return func(temporary string) error {
			if err := os.Mkdir(filepath.Join(temporary, "below"), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(temporary, "below", "file"), []byte(content), 0o644)
		}
	}
	broken := errors.New("no space")
	err := atomicfile.NewFolder(dir, func(temporary string) error { return errors.Join(fill("ne")(temporary), broken) })
	if entries, _ := os.ReadDir(parent); !errors.Is(err, broken) || len(entries) != 0 {
		t.Errorf("NewFolder = %v and left %v, want the error and nothing", err, entries)
	}
	if err := atomicfile.NewFolder(dir, fill("old")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder is %v (%v), want mode 0755", info, err)
	}
	if err := atomicfile.NewFolder(dir, fill("new")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("NewFolder where there is one = %v, want fs.ErrExist", err)
	}
	entries, _ := os.ReadDir(parent)
	if got, err := os.ReadFile(filepath.Join(dir, "below", "file")); err != nil || string(got) != "old" || len(entries) != 1 {
		t.Errorf("the folder has %q beside %v (%v), want the old content alone", got, entries, err)
	}
}

func TestWriteReplacesAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plot.png")
	for _, content := range []string{"a longer content", "short"} {
		if err := atomicfile.Write(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("content = %q (%v), want %q", got, err, content)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v, want the one file", entries, err)
	}
}

func TestWriteThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	// A folder with content in it can't be replaced by a file.
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(path, []byte("x")); err == nil {
		t.Error("Write in place of a folder succeeded")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v, want what was there before", entries, err)
	}
}

// TestReplacePrivate: nobody but its owner may read the file, whatever was there.
func TestReplacePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := atomicfile.Write(path, []byte("for all")); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.ReplacePrivate(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "secret")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "secret" || info.Mode() != 0o600 {
		t.Errorf("the file has %q, mode %v, %v; want %q, mode 0600", got, info.Mode(), err, "secret")
	}
}
