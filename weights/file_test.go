package weights_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/weights"
)

func TestReadTellsFormats(t *testing.T) {
	t.Parallel()
	want := newSet(t, tinyTensors()...).Digest()
	for _, name := range []string{"keras2_siamese.h5", "safetensors_float16.safetensors"} {
		set, err := weights.Read(filepath.Join(testdata, name))
		if err != nil {
			t.Errorf("Read(%q) = %v", name, err)
			continue
		}
		if got := set.Digest(); got != want {
			t.Errorf("Read(%q) has digest %s, want %s", name, got, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		give string
		want error
		text string
	}{
		{"empty file", "", weights.ErrUnknownFormat, "starts with"},
		{"text", "hello world", weights.ErrUnknownFormat, "68 65 6c 6c 6f"},
		{"zip archive", "PK\x03\x04 and so on", weights.ErrUnknownFormat, ".keras"},
		{"HDF5 cut short", "\x89HDF\r\n\x1a\n", weights.ErrCorrupt, "8 bytes"},
		{"safetensors cut short", "\x10\x00\x00\x00\x00\x00\x00\x00{", weights.ErrCorrupt, "16 bytes in a file of 9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "weights")
			if err := os.WriteFile(path, []byte(tt.give), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := weights.Read(path)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), path) {
				t.Errorf("Read() = %v, want %v with %q and the path", err, tt.want, tt.text)
			}
		})
	}
	if _, err := weights.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read() of no file = %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := weights.Read(t.TempDir()); err == nil {
		t.Error("Read() of a folder = nil, want an error")
	}
}
