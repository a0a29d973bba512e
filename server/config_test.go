package server_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"siamese/imaging"
	"siamese/server"
	"siamese/server/access"
)

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		name      string
		give      server.Config
		wantError string // empty: none
	}{
		{"zero value", server.Config{}, ""},
		{"negative", server.Config{MaxPairs: -1}, "MaxPairs is -1"},
		{"negative time", server.Config{DrainDelay: -1}, "DrainDelay is -1"},
		{"negative cache", server.Config{CacheBytes: -1}, "CacheBytes is -1"},
		{"longest wait for others", server.Config{BatchWait: 5 * time.Millisecond}, ""},
		{"too long a wait for others", server.Config{BatchWait: time.Second}, "BatchWait is 1s, expected at most 5ms"},
		{"unheard-of rule", server.Config{Rule: 9}, "Rule is 9"},
		{"negative limit of an image", server.Config{Limits: imaging.Limits{MaxBytes: -4}}, "MaxBytes is -4"},
		{"a ceiling below the default deadline", server.Config{MaxDeadline: time.Second}, "MaxDeadline is 1s, expected at least DefaultDeadline, 1m0s"},
		{"too little memory", server.Config{MemoryBytes: 1000}, "MemoryBytes is 1000, expected at least 67108864"},
		{"less memory than by default", server.Config{MemoryBytes: 64 << 20}, ""},
		{"a Rank that never fits the queue", server.Config{MaxCandidates: 600}, "MaxQueuedImages is 512, expected at least 601"},
		{"a batch that never fits the queue", server.Config{MaxPairs: 300}, "MaxQueuedImages is 512, expected at least 600"},
		{"negative rate of a caller", server.Config{CallerLimits: access.Limits{CallsPerSecond: -1}}, "CallsPerSecond is -1"},
		{"models", server.Config{Models: []string{"a", "b"}, AutoModels: []string{"b"}, DefaultModel: "auto"}, ""},
		{"a model twice", server.Config{Models: []string{"a", "a"}}, `Models has "a" twice`},
		{"no name", server.Config{Models: []string{"a/b"}}, `model name "a/b": expected a letter`},
		{"a default that is not served", server.Config{Models: []string{"a"}, DefaultModel: "b"}, `DefaultModel is "b", expected "auto" or one of Config.Models, ["a"]`},
		{"auto of nothing", server.Config{Models: []string{"a"}, DefaultModel: "auto"}, `DefaultModel is "auto" without Config.AutoModels`},
		{"auto of what is not served", server.Config{Models: []string{"a"}, AutoModels: []string{"b"}}, `AutoModels has "b"`},
		{"streams outlive the stop", server.Config{StreamGrace: time.Minute}, "StopTimeout is 25s, expected at least StreamGrace, 1m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errNew := server.New(tt.give)
			for name, err := range map[string]error{"Validate": tt.give.Validate(), "New": errNew} {
				if tt.wantError == "" && err != nil {
					t.Errorf("%s() = %v, want none", name, err)
				}
				if tt.wantError != "" && (err == nil || !strings.Contains(err.Error(), tt.wantError)) {
					t.Errorf("%s() = %v, want one with %q", name, err, tt.wantError)
				}
			}
		})
	}
}

func TestAddModelRefusesWhatCanNotBe(t *testing.T) {
	tests := []struct {
		name      string
		give      func(*server.ModelInfo)
		wantError string
	}{
		{"no digest", func(m *server.ModelInfo) { m.Digest = "" }, "Digest is empty"},
		{"no height", func(m *server.ModelInfo) { m.Height = 0 }, "input is 16x0 pixels"},
		{"an embedding below 0", func(m *server.ModelInfo) { m.EmbeddingMax = -1 }, "EmbeddingMax is -1"},
		{"an embedding above 0 at least", func(m *server.ModelInfo) { m.EmbeddingMin = 1 }, "EmbeddingMin is 1"},
		{"an embedding endlessly below 0", func(m *server.ModelInfo) { m.EmbeddingMin = float32(math.Inf(-1)) }, "EmbeddingMin is -Inf"},
		{"an endless embedding", func(m *server.ModelInfo) { m.EmbeddingMax = float32(math.Inf(1)) }, "EmbeddingMax is +Inf"},
		{"no embedding", func(m *server.ModelInfo) { m.EmbeddingLength = 0 }, "EmbeddingLength is 0"},
		{"threshold", func(m *server.ModelInfo) { m.Threshold = 1.5 }, "Threshold is 1.5"},
		{"no name", func(m *server.ModelInfo) { m.Name = "" }, `model name "": expected a letter`},
		{"a name that can't be asked for", func(m *server.ModelInfo) { m.ServingName = "auto" }, `model name "auto": expected a letter`},
		{"vast input", func(m *server.ModelInfo) { m.Width = 1 << 20 }, "Width is 1048576"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := server.New(server.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			info := modelInfo
			tt.give(&info)
			if err := s.AddModel(&fakeModel{}, info); err == nil || !strings.Contains(err.Error(), tt.wantError) {
				t.Errorf("AddModel = %v, want one with %q", err, tt.wantError)
			}
		})
	}
}

func TestAddModelOnceAndBeforeClose(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddModel(&fakeModel{}, modelInfo); err != nil {
		t.Fatal(err)
	}
	if err := s.AddModel(&fakeModel{}, modelInfo); !errors.Is(err, server.ErrModelSet) {
		t.Errorf("second AddModel = %v, want ErrModelSet", err)
	}
	s.Close()
	s.Close()
	if err := s.AddModel(&fakeModel{}, modelInfo); !errors.Is(err, server.ErrClosed) {
		t.Errorf("AddModel after Close = %v, want ErrClosed", err)
	}
}
