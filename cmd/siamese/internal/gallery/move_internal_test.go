package gallery

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReplaceable: a backup takes the place of a backup, whole or not, and of nothing
// else.
func TestReplaceable(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct {
		content string
		want    bool
	}{
		"empty":           {"", true},
		"backup":          {"siamese-gallery-backup 1\n", true},
		"later backup":    {"siamese-gallery-backup 99\n", true},
		"half a title":    {"siamese-gal", false},
		"shelf.gallery":   {"siamese-gallery 1\n", false},
		"photo.jpg":       {"\xff\xd8\xff\xe0", false},
		"binary, no line": {string(make([]byte, 1<<16)), false},
	}
	for name, test := range tests {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := replaceable(path); (err == nil) != test.want {
			t.Errorf("%s: %v, want replaceable: %v", name, err, test.want)
		}
	}
	if err := replaceable(dir); err == nil {
		t.Error("a folder is taken for a file to replace")
	}
	if err := replaceable(filepath.Join(dir, "none")); err != nil {
		t.Errorf("a name that is free: %v", err)
	}
}
