package webcam_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/client"
	"siamese/client/webcam"
)

func TestReadReferences(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	for _, folder := range []string{one, two} {
		if err := os.WriteFile(filepath.Join(folder, "cat.png"), []byte(folder), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := webcam.ReadReferences([]string{filepath.Join(one, "cat.png"), filepath.Join(two, "cat.png")})
	want := []client.Reference{{Name: "cat.png", Image: []byte(one)}, {Name: "cat.png (2)", Image: []byte(two)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("ReadReferences: %v (-want +got):\n%s", err, diff)
	}
}

func TestReadReferencesNamesTheFile(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.png")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, give := range []string{"nowhere.png", empty, t.TempDir()} {
		if _, err := webcam.ReadReferences([]string{give}); err == nil || !strings.Contains(err.Error(), give) {
			t.Errorf("ReadReferences(%q) = %v, want an error that names it", give, err)
		}
	}
}
