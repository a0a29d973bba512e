package atomicfile_test

import (
	"errors"
	"io"
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
