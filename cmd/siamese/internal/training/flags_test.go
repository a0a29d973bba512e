package training

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
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
		{"--sampler levels --kind-target 0.1 --contrastive-weight 1 --kind-weight 0.1 --per-class 2 --domain pictures=3;characters=1 --hard 2", ""},
		{"--sampler levels --combine 0.2", "--combine says how --sampler allpairs draws"},
		{"--sampler levels --alphabet-share 0.5", "--alphabet-share says"},
		{"--kind-target 0.1", "--kind-target is for --sampler levels"},
		{"--sampler pairs --hard 1", "--hard is for --sampler levels"},
		{"--domain pictures=3", "--domain is for --sampler levels"},
		{"--forbidden file", "--forbidden is for --sampler levels"},
		{"--hard-things 9", "--hard-things is for --sampler levels"},
		{"--sampler levels --hard-things 9", "--hard-things is about --hard"},
		{"--sampler levels --kind-weight 0.1", "--kind-weight is about the contrastive term"},
		{"--sampler levels --pair-weight 0 --kind-target 0.1", "--kind-target is about the pairs"},
		{"--sampler levels --copies=-1", "--copies is -1, expected 0 or more"},
		{"--gem-power 2", "--gem-power is the power"},
		{"--pooling average --gem-power 2", "--gem-power is the power"},
		{"--projection 64", "--projection is for a pooled network"},
		{"--unit", "--unit is for a pooled network"},
		{"--pooling average --freeze-projection", "--freeze-projection is about --projection"},
		{"--pooling gem --gem-power 2 --projection 64 --unit --freeze-projection", ""},
		{"--augment affine --mirrored", "--mirrored says how --augment edits varies images, and changes nothing with --augment affine"},
		{"--augment edits --shift 3", "--shift says"},
		{"--augment edits --domain-augment characters=affine --shift 3 --part-probability 0.2 --least-area 0.5", ""},
		{"--augment affine --domain-augment pictures=edits --mirrored", ""},
		{"--augment none --domain-augment pictures=auto --mirrored --shift 3", ""},
		{"--split none --hold-out-in file", "--hold-out-in is about what is held out"},
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

// TestIdleWithData: what auto stands for, and whether there are alphabets, is known when
// the data is open.
func TestIdleWithData(t *testing.T) {
	const drawings = "../../../../testdata/omniglot"
	tests := []struct{ data, give, wantErr string }{
		{drawings, "--alphabet-share 0.5 --shift 3", ""},
		{drawings, "--mirrored", "--mirrored says how --augment edits varies images, and changes nothing with --augment affine"},
		{drawings, "--layout things --mirrored", ""},
		{drawings, "--layout things --shift 3", "--shift says how --augment affine varies images, and changes nothing with --augment edits"},
		{drawings, "--layout things --shift 3 --domain-augment x=affine", ""},
		{drawings + "/Greek", "--alphabet-share 0.5", "--alphabet-share is about alphabets, and changes nothing with data that has no alphabets"},
		{drawings + "/Greek", "--stroke 1", "--stroke says how --augment affine varies images, and changes nothing with --augment autoaugment"},
		{drawings + "/Greek", "--stroke 1 --augment affine", ""},
		{drawings + "/Greek", "--stroke 1 --domain-augment x=auto", "--stroke says"},
	}
	for _, tt := range tests {
		var command Command
		parser, err := kong.New(&command)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append(strings.Fields(tt.give), "--data", tt.data, "--run", "run")); err != nil {
			t.Fatal(err)
		}
		if _, err := command.runFolder(nil); err != nil {
			t.Fatalf("%s: %v", tt.give, err)
		}
		data, err := command.data().open(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		err = command.idleWith(data)
		if (tt.wantErr == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("%s of %s: idleWith = %v, want %q", tt.give, tt.data, err, tt.wantErr)
		}
		if err := data.Close(); err != nil {
			t.Error(err)
		}
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
	for _, field := range reflect.VisibleFields(reflect.TypeOf(command.trainFlags)) {
		if field.Tag.Get("kong") == "-" || field.Anonymous || field.Type == reflect.TypeFor[span]() {
			continue // no flag; a group of flags, whose own come too; 0s, said to be 0
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
