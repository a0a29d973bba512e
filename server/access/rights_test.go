package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/server/access"
)

func writeRights(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRights(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rights")
	writeRights(t, path, `# who may do what
* read public
* read open-*

anna write shop
anna manage shop-anna-*
bob  read  *
CN of a certificate write shop
`)
	rights, err := access.OpenRights(path)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, gallery string
		want          access.Right
	}{
		{"anna", "shop", access.Write},
		{"anna", "shop-anna-1", access.Manage},
		{"anna", "shop-bob", access.None},
		{"anna", "public", access.Read},
		{"bob", "shop", access.Read},
		{"carl", "open-1", access.Read},
		{"carl", "shop", access.None},
		{"", "public", access.Read},
		{"", "shop", access.None},
		{"*", "shop", access.None},
		{"CN of a certificate", "shop", access.Write},
		{"CN", "shop", access.None},
	}
	for _, tt := range tests {
		if got := rights.Of(tt.name, tt.gallery); got != tt.want {
			t.Errorf("Of(%q, %q) = %v, want %v", tt.name, tt.gallery, got, tt.want)
		}
	}
}

func TestRightsThatAreNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rights")
	for text, want := range map[string]string{
		"":                            "no right",
		"# nothing\n":                 "no right",
		"anna shop":                   "line 1: received 2 words",
		"* read a\nanna reads shop":   "line 2: received \"reads\"",
		"anna read Shop":              "received gallery \"Shop\"",
		"anna read sh*op":             "received gallery \"sh*op\"",
		"anna read " + "a\x00":        "received gallery",
		strings.Repeat("x ", 600<<10): "bytes",
	} {
		writeRights(t, path, text)
		if _, err := access.OpenRights(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenRights of %.40q = %v, want an error with %q", text, err, want)
		}
	}
	if _, err := access.OpenRights(path + "-not-there"); err == nil {
		t.Error("OpenRights of no file = nil, want an error")
	}
}

func TestRightsAreReloaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rights")
	writeRights(t, path, "* read a\n* write b\n")
	rights, err := access.OpenRights(path)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := rights.Reload(); changed || err != nil {
		t.Errorf("Reload of the same = %t, %v, want false", changed, err)
	}
	writeRights(t, path, "* read b\n* read c\n")
	if changed, err := rights.Reload(); !changed || err != nil {
		t.Errorf("Reload of another file = %t, %v, want true", changed, err)
	}
	if got := rights.Of("x", "b"); got != access.Read {
		t.Errorf("the right after it = %v, want read", got)
	}
	writeRights(t, path, "* reads b\n")
	if _, err := rights.Reload(); err == nil {
		t.Error("Reload of a file that is none = nil, want an error")
	}
	if got := rights.Of("x", "b"); got != access.Read {
		t.Errorf("the right after that = %v, want that of before", got)
	}
	writeRights(t, path, "* read b\n") // as a file that is being written
	if _, err := rights.Reload(); err == nil {
		t.Error("Reload of a file that is cut off = nil, want an error the first time")
	}
	if changed, err := rights.Reload(); !changed || err != nil {
		t.Errorf("the second Reload of it = %t, %v, want true", changed, err)
	}
	if !strings.Contains(rights.String(), path) {
		t.Errorf("String = %q, want one with the path", rights)
	}
}
