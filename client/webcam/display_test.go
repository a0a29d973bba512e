package webcam_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"siamese/client/webcam"
)

func TestCheckDisplay(t *testing.T) {
	folder, err := os.MkdirTemp("", "display") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	listener, err := net.Listen("unix", filepath.Join(folder, "wayland-7"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	tests := []struct {
		name string
		give map[string]string
		want bool
	}{
		{"none", nil, false},
		{"offscreen", map[string]string{"QT_QPA_PLATFORM": "offscreen"}, true},
		{"wayland", map[string]string{"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": folder}, true},
		{"wayland is gone", map[string]string{"WAYLAND_DISPLAY": "wayland-8", "XDG_RUNTIME_DIR": folder}, false},
		{"X is gone", map[string]string{"DISPLAY": ":65000.0"}, false},
		{"X without a number", map[string]string{"DISPLAY": "screen"}, false},
		{"X of another name", map[string]string{"DISPLAY": ":x"}, false},
	}
	for _, tt := range tests {
		err := webcam.CheckDisplay(func(name string) string { return tt.give[name] })
		if (err == nil) != tt.want || err != nil && !errors.Is(err, webcam.ErrNoDisplay) {
			t.Errorf("%s: CheckDisplay = %v, want a display: %t", tt.name, err, tt.want)
		}
	}
}
