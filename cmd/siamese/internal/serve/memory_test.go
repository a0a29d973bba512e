package serve

import (
	"strings"
	"testing"

	"siamese/server"
)

func TestMemoryOf(t *testing.T) {
	tests := []struct {
		name string
		room int64
		want int64
		says string // of an error
	}{
		{"a small container", 576 << 20, 576 << 20, ""},
		{"just enough", server.MinMemoryBytes, server.MinMemoryBytes, ""},
		{"a machine", 64 << 30, server.DefaultMemoryBytes, ""},
		{"no limit", noLimit - ownBytes, server.DefaultMemoryBytes, ""},
		{"too small", 50 << 20, 0, "expected 14 MB more"},
		{"smaller than the program", -100 << 20, 0, "expected 164 MB more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := memoryOf(tt.room)
			if got != tt.want || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("memoryOf(%d MB) = %d, %v; want %d, %q", tt.room>>20, got, err, tt.want, tt.says)
			}
		})
	}
}
