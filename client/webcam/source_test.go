package webcam_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/client/webcam"
)

func TestParseSource(t *testing.T) {
	file := filepath.Join(t.TempDir(), "film.mp4")
	if err := os.WriteFile(file, []byte("film"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give     string
		want     webcam.SourceKind
		wantLive bool
	}{
		{"0", webcam.Camera, true},
		{"12", webcam.Camera, true},
		{file, webcam.File, false},
		{"img_%03d.png", webcam.Sequence, false},
		{"videotestsrc ! appsink", webcam.Pipeline, false},
		{"rtsp://camera/1", webcam.Address, true},
	}
	for _, tt := range tests {
		got, err := webcam.ParseSource(tt.give)
		if err != nil || got.Kind != tt.want || got.Live() != tt.wantLive {
			t.Errorf("ParseSource(%q) = kind %d, live %t, %v, want %d, %t", tt.give, got.Kind, got.Live(), err, tt.want, tt.wantLive)
		}
	}
}

func TestParseSourceRefuses(t *testing.T) {
	tests := []struct{ give, want string }{
		{"-1", "want a number from 0"},
		{"nothing.mp4", "there is no such file"},
		{t.TempDir(), "it is a folder"},
	}
	for _, tt := range tests {
		if _, err := webcam.ParseSource(tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseSource(%q) = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
}

func TestRepeat(t *testing.T) {
	opened, closed := 0, 0
	repeated, err := webcam.Repeat(func() (webcam.Source, error) {
		opened++
		return &film{count: 2, closed: &closed}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := repeated.Read(); err != nil {
			t.Fatalf("Read %d = %v, want a picture", i, err)
		}
	}
	if err := repeated.Close(); err != nil {
		t.Fatal(err)
	}
	if opened != 3 || closed != 3 {
		t.Errorf("5 pictures of films of 2: %d films opened, %d closed, want 3 and 3", opened, closed)
	}
}

func TestRepeatTellsThatTheSourceIsGone(t *testing.T) {
	gone := errors.New("gone")
	calls := 0
	repeated, err := webcam.Repeat(func() (webcam.Source, error) {
		if calls++; calls > 1 {
			return nil, gone
		}
		return &film{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repeated.Read(); !errors.Is(err, gone) {
		t.Errorf("Read = %v, want %v", err, gone)
	}
	if _, err := repeated.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("second Read = %v, want EOF", err)
	}
}
