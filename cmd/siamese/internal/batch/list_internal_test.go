package batch

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPathsOfLists: a relative path is one of the list's folder; where there is no
// such file, one of the current folder; the error names the former.
func TestPathsOfLists(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, file := range []string{"lists/both.png", "lists/there.png", "both.png", "here.png"} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join("lists", "pairs.tsv")
	if err := os.WriteFile(name, []byte("both.png\tthere.png\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := openList(context.Background(), name, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	r, err := newReader(in, "no")
	if err != nil {
		t.Fatal(err)
	}
	for give, want := range map[string]string{
		"both.png":                     filepath.Join("lists", "both.png"),
		"there.png":                    filepath.Join("lists", "there.png"),
		"here.png":                     "here.png",
		"nowhere.png":                  filepath.Join("lists", "nowhere.png"),
		filepath.Join(dir, "here.png"): filepath.Join(dir, "here.png"),
	} {
		if got := r.path(give); got != want {
			t.Errorf("path(%q) = %q, want %q", give, got, want)
		}
	}
}
