package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/bench"
)

// TestNoWebcamSaysWhy: what can't measure is left out, with a reason.
func TestNoWebcamSaysWhy(t *testing.T) {
	dir := t.TempDir()
	program := func(name, script string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, give string
		want       string // "": it runs
	}{
		{"a client", program("client", `test "$1" = --help`), ""},
		{"no client", filepath.Join(dir, "none"), "make webcam"},
		{"built without OpenCV", program("stub", "echo built without OpenCV >&2; exit 1"), "built without OpenCV"},
	}
	for _, tt := range tests {
		flags := liveFlags{Webcam: tt.give}
		if got := flags.noWebcam(t.Context()); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: noWebcam = %q, want %q", tt.name, got, tt.want)
		}
		if tt.want == "" {
			continue
		}
		var progress bytes.Buffer
		rows, err := flags.live(t.Context(), bench.Serving{Progress: &progress})
		if err != nil || len(rows) > 0 || !strings.Contains(progress.String(), tt.want) {
			t.Errorf("%s: live = %v, %v and says %q, want no rows and %q", tt.name, rows, err, progress.String(), tt.want)
		}
	}
}
