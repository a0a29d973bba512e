package training

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestTrainFlagsConflict: what says nothing, or what can't be done, is refused
// before the data are opened.
func TestTrainFlagsConflict(t *testing.T) {
	tests := []struct {
		give    string
		wantErr string // part of it; empty: none
	}{
		{"", ""},
		{"--sampler pairs", ""},
		{"--sampler pairs --rotations --mirrors --distinct", ""},
		{"--combine 0.2 --alphabets 3 --one-pose --per-class 8 --alphabet-share 0.5", ""},
		{"--combine 0.2 --class-weight 0", ""},
		{"--combine 0.2 --class-weight 0.5", "--class-weight can't name"},
		{"--sampler pairs --combine 0.2", "--combine says how --sampler allpairs draws"},
		{"--sampler pairs --alphabets 3", "--alphabets says"},
		{"--sampler pairs --one-pose", "--one-pose says"},
		{"--sampler pairs --per-class 8", "--per-class says"},
		{"--sampler pairs --alphabet-share 0.5", "--alphabet-share says"},
		{"--distinct", "--distinct leaves out"},
		{"--distinct --mirrors", ""},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			var command Command
			parser, err := kong.New(&command)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(append(strings.Fields(tt.give), "--data", "images", "--run", "run")); err != nil {
				t.Fatal(err)
			}
			_, err = command.runFolder()
			switch {
			case tt.wantErr == "" && err != nil:
				t.Errorf("runFolder() = %v, want nil", err)
			case tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)):
				t.Errorf("runFolder() = %v, want %q in it", err, tt.wantErr)
			}
		})
	}
}
