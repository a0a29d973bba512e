package regular_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"siamese/internal/regular"
)

// patience is beyond what any of this takes; a call that waits for a writer never
// ends.
const patience = 30 * time.Second

// within fails the test when do does not return.
func within(t *testing.T, do func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); do() }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatalf("it did not return within %v", patience)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("file"), []byte("content"), 0o600))
	must(t, os.Mkdir(at("folder"), 0o700))
	must(t, syscall.Mkfifo(at("pipe"), 0o600))
	for link, target := range map[string]string{"to file": "file", "to pipe": "pipe", "to zero": "/dev/zero", "to folder": "folder", "loop": "loop", "nowhere": "none"} {
		must(t, os.Symlink(target, at(link)))
	}
	socket, err := net.Listen("unix", at("socket"))
	must(t, err)
	defer socket.Close()
	must(t, os.Truncate(at("file"), 7))
	sparse, err := os.Create(at("sparse"))
	must(t, err)
	must(t, sparse.Truncate(1<<40))
	must(t, sparse.Close())

	tests := []struct {
		give string
		want error
		text string
	}{
		{"file", nil, ""},
		{"to file", nil, ""},
		{"pipe", regular.ErrNotRegular, "received a named pipe"},
		{"to pipe", regular.ErrNotRegular, "received a named pipe"},
		{"to zero", regular.ErrNotRegular, "received a device"},
		{"socket", regular.ErrNotRegular, "received a socket"},
		{"folder", regular.ErrNotRegular, "received a folder"},
		{"to folder", regular.ErrNotRegular, "received a folder"},
		{"sparse", regular.ErrTooLarge, "1099511627776 bytes, expected at most 7"},
		{"loop", syscall.ELOOP, "loop"},
		{"nowhere", fs.ErrNotExist, "nowhere"},
	}
	for _, tt := range tests {
		within(t, func() {
			content, err := regular.Read(at(tt.give), 7)
			if !errors.Is(err, tt.want) || err == nil && string(content) != "content" || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Read(%s) = %q, %v; want %v with %q", tt.give, content, err, tt.want, tt.text)
			}
			if _, err := regular.SHA256(t.Context(), at(tt.give), 7); !errors.Is(err, tt.want) {
				t.Errorf("SHA256(%s) = %v, want %v", tt.give, err, tt.want)
			}
			if strings.HasSuffix(tt.give, "folder") {
				return // a tree has folders
			}
			if _, err := fs.ReadFile(regular.DirFS(dir, 7), tt.give); !errors.Is(err, tt.want) {
				t.Errorf("DirFS: ReadFile(%s) = %v, want %v", tt.give, err, tt.want)
			}
		})
	}
	if entries, err := fs.ReadDir(regular.DirFS(dir, 7), "folder"); err != nil || len(entries) != 0 {
		t.Errorf("DirFS: ReadDir = %v, %v; want the empty folder", entries, err)
	}
}

func TestHashingEndsWithItsContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte("abc"), 0o600))
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, B.1
	if got, err := regular.SHA256(t.Context(), file, 3); err != nil || got != want {
		t.Errorf("SHA256 = %s, %v; want %s", got, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := regular.SHA256(ctx, file, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("SHA256 with a done context = %v, want context.Canceled", err)
	}
}
