package training

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"siamese/tfmodel"
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
		{"--sampler levels --kind-target 0.1 --kind-weight 0.1 --per-class 2 --domain pictures=3;characters=1 --hard 2", ""},
		{"--sampler levels --combine 0.2", "--combine says how --sampler allpairs draws"},
		{"--sampler levels --alphabet-share 0.5", "--alphabet-share says"},
		{"--kind-target 0.1", "--kind-target is for --sampler levels"},
		{"--sampler pairs --hard 1", "--hard is for --sampler levels"},
		{"--domain pictures=3", "--domain is for --sampler levels"},
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

// TestArchitectureOfFlags: without any the network is upstream's; the others are those
// that the card then has.
func TestArchitectureOfFlags(t *testing.T) {
	tests := []struct {
		give string
		want tfmodel.Architecture
	}{
		{"", tfmodel.VGG16(105, 105)},
		{"--input-size 128 --pooling average --projection 64 --unit", func() tfmodel.Architecture {
			a := tfmodel.VGG16(128, 128)
			a.Pooling, a.Projection, a.Unit = tfmodel.Average, 64, true
			return a
		}()},
		{"--pooling gem --gem-power 2", func() tfmodel.Architecture {
			a := tfmodel.VGG16(105, 105)
			a.Pooling, a.GeMPower = tfmodel.GeM, 2
			return a
		}()},
	}
	for _, tt := range tests {
		var command Command
		parser, err := kong.New(&command)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(tt.give)); err != nil {
			t.Fatal(err)
		}
		// A run is resumed by its configuration: it must come back the same.
		saved, err := json.Marshal(command.trainFlags)
		if err != nil {
			t.Fatal(err)
		}
		var resumed trainFlags
		if err := json.Unmarshal(saved, &resumed); err != nil {
			t.Fatal(err)
		}
		for _, flags := range []trainFlags{command.trainFlags, resumed} {
			if diff := cmp.Diff(tt.want, flags.architecture()); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.give, diff)
			}
		}
	}
}
