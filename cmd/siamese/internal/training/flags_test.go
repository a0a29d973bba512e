package training

import (
	"os"
	"path/filepath"
	"reflect"
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
		{"--augment none --elastic 4", "--elastic says how --augment affine varies images, and changes nothing with --augment none"},
		{"--augment jitter --stroke 1", "--stroke says"},
		{"--augment autoaugment --rotation 5", "--rotation says"},
		{"--augment affine --elastic 4 --elastic-spacing 10 --stroke 2 --rotation 20 --scale-low 0.9", ""},
		{"--elastic-spacing 10", "--elastic-spacing says"},
		{"--stroke=-2", "--stroke is -2, expected 0 or more"},
		{"--data-memory=-1", "--data-memory is -1, expected 0 or more"},
		{"--oneshot-trials=-1", "--oneshot-trials is -1"},
		{"--rate=-0.1", "--rate is -0.1"},
		{"--rate=NaN", "--rate is NaN"},
		{"--elastic=+Inf", "--elastic is +Inf"},
		{"--split none --hold-out 3", "--hold-out is about what is held out"},
		{"--split none --hold-out-of Greek", "--hold-out-of is about"},
		{"--split none --patience 3", "--patience is about"},
		{"--split image --oneshot-trials 10", "--oneshot-trials is about"},
		{"--start-scale unit", "--start-scale says"},
		{"--no-nesterov", "--nesterov is about SGD"},
		{"--optimizer sgd --no-nesterov", ""},
		{"--decay constant --min-rate 0.1", "--min-rate says"},
		{"--temperature 0.5", "--temperature is about"},
		{"--contrastive-weight 1 --temperature 0.5", ""},
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
			_, err = command.runFolder(nil)
			switch {
			case tt.wantErr == "" && err != nil:
				t.Errorf("runFolder() = %v, want nil", err)
			case tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)):
				t.Errorf("runFolder() = %v, want %q in it", err, tt.wantErr)
			}
		})
	}
}

// TestDefaultsAreNotChanged: changed reads the defaults as kong does, so that no
// flag is taken for given that is not.
func TestDefaultsAreNotChanged(t *testing.T) {
	var command Command
	parser, err := kong.New(&command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"--data", "images", "--run", "run"}); err != nil {
		t.Fatal(err)
	}
	flags := make(map[string]bool)
	for _, flag := range parser.Model.Flags {
		flags[flag.Name] = true
	}
	kind := reflect.TypeOf(command.trainFlags)
	for i := range kind.NumField() {
		field := kind.Field(i)
		if field.Tag.Get("kong") == "-" || field.Anonymous || field.Name == "TimeLimit" {
			continue // no flag; a group of flags, which changed is never asked for; 0s, said to be 0
		}
		if name := changed(command.trainFlags, field.Name); name != "" {
			t.Errorf("--%s counts as changed, want it at its default", name)
		}
		if !flags[flagName(field)] {
			t.Errorf("kong knows no --%s", flagName(field))
		}
	}
}

// TestResumeTakesNoOtherFlags: a run that goes on has its configuration.
func TestResumeTakesNoOtherFlags(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, configFile), []byte(`{"epochs":3}`), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ give, wantErr string }{
		{"", ""},
		{"--time-limit 5m", ""},
		{"--time-limit 5m --epochs 9", "--epochs changes nothing about a run that goes on"},
		{"--epochs 100", "--epochs changes"}, // as good as the default, and still no word that counts
		{"--elastic 3", "--elastic changes"},
		{"--device cpu", "--device changes"},
	}
	for _, tt := range tests {
		var command Command
		parser, err := kong.New(&command)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.Parse(append(strings.Fields(tt.give), "--resume", folder))
		if err != nil {
			t.Fatal(err)
		}
		_, err = command.runFolder(given(parsed))
		if (tt.wantErr == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("--resume %s = %v, want %q", tt.give, err, tt.wantErr)
		}
		if err == nil && command.Epochs != 3 {
			t.Errorf("--resume %s trains %d epochs, want the run's 3", tt.give, command.Epochs)
		}
	}
}
