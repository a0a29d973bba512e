package batch_test

import (
	"strings"
	"testing"
	"time"

	"siamese/server/batch"
)

func TestConfigValidate(t *testing.T) {
	good := batch.Config{MaxQueued: 1, MaxBatch: 1, ImageBytes: 1, EmbeddingLength: 1}
	tests := []struct {
		name       string
		giveChange func(*batch.Config)
		wantError  string
	}{
		{"all set", func(*batch.Config) {}, ""},
		{"no room", func(c *batch.Config) { c.MaxQueued = 0 }, "MaxQueued is 0"},
		{"no batch", func(c *batch.Config) { c.MaxBatch = -1 }, "MaxBatch is -1"},
		{"no image", func(c *batch.Config) { c.ImageBytes = 0 }, "ImageBytes is 0"},
		{"runners", func(c *batch.Config) { c.Runners = -1 }, "Runners is -1"},
		{"a wait", func(c *batch.Config) { c.Wait = 5 * time.Millisecond }, ""},
		{"too long a wait", func(c *batch.Config) { c.Wait = 6 * time.Millisecond }, "Wait is 6ms, expected 0 to 5ms"},
		{"sizes", func(c *batch.Config) { c.MaxBatch, c.Sizes = 8, []int{1, 2, 8} }, ""},
		{"sizes that fall", func(c *batch.Config) { c.MaxBatch, c.Sizes = 8, []int{2, 1, 8} }, "Sizes is [2 1 8], expected ascending"},
		{"sizes that end early", func(c *batch.Config) { c.MaxBatch, c.Sizes = 8, []int{1, 4} }, "expected MaxBatch, 8, as the last"},
		{"no embedding", func(c *batch.Config) { c.EmbeddingLength = 0 }, "EmbeddingLength is 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.giveChange(&cfg)
			err := cfg.Validate()
			if tt.wantError == "" && err != nil {
				t.Errorf("Validate() = %v, want none", err)
			}
			if tt.wantError != "" && (err == nil || !strings.Contains(err.Error(), tt.wantError)) {
				t.Errorf("Validate() = %v, want one with %q", err, tt.wantError)
			}
		})
	}
}
