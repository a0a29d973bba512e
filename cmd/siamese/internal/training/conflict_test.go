package training

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
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
		{"--redraw 0.5 --twins 0.25 --stroke-data a.zip,b.zip --combine 0.2 --rotations --mirrors --one-pose", ""},
		{"--redraw 1", ""},
		{"--redraw 1.5", "--redraw is 1.5, expected 0 to 1"},
		{"--redraw=-1", "--redraw is -1"},
		{"--redraw=NaN", "--redraw is NaN"},
		{"--redraw 0.5 --twins 0.6", "--twins is 0.6, expected 0 to 0.5"},
		{"--redraw 0.5 --twins 0.5 --combine 0.5", "at most 0.9 together"},
		{"--redraw 0.5 --twins 0.2 --class-weight 0.5", "--class-weight can't name"},
		{"--twins 0.2", "give --redraw"},
		{"--stroke-data a.zip", "--stroke-data has strokes for --redraw"},
		{"--sampler pairs --redraw 0.5", "--redraw is about what --sampler allpairs draws"},
		{"--sampler levels --redraw 0.5", "--redraw is about what --sampler allpairs draws"},
		{"--sampler pairs --combine 0.2", "--combine says how --sampler allpairs draws"},
		{"--sampler pairs --alphabets 3", "--alphabets says"},
		{"--sampler pairs --one-pose", "--one-pose says"},
		{"--sampler pairs --per-class 8", "--per-class says"},
		{"--sampler pairs --alphabet-share 0.5", "--alphabet-share says"},
		{"--sampler levels --kind-target 0.1 --contrastive-weight 1 --kind-weight 0.1 --per-class 2 --domain pictures=3;characters=1 --hard 2", ""},
		{"--sampler levels --combine 0.2", "--combine says how --sampler allpairs draws"},
		{"--sampler levels --alphabet-share 0.5", "--alphabet-share says"},
		{"--kind-target 0.1", "--kind-target is for --sampler levels"},
		{"--sampler pairs --hard 1", "--hard is for --sampler allpairs and levels"},
		{"--sampler pairs --hard-steps 1", "--hard-steps is for --sampler allpairs and levels"},
		{"--hard 1 --hard-steps 100", "--hard-steps looks up by steps in its place"},
		{"--hard-steps 100 --hard-things 5000 --hard-share 0.3 --alphabets 4", ""},
		{"--hard-share 0.3", "--hard-share is about what they look up"},
		{"--domain pictures=3", "--domain is for --sampler levels"},
		{"--forbidden file", "--forbidden is for --sampler levels"},
		{"--hard-things 9", "--hard-things is about what they look up, and changes nothing with neither --hard nor --hard-steps"},
		{"--sampler levels --hard-things 9", "--hard-things is about what they look up"},
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
		{"--split alphabet --folds 5 --fold 5", ""},
		{"--split class --folds 2 --fold 1", ""},
		{"--folds 5 --fold 1", "change nothing with --split image: expected --split class or alphabet"},
		{"--split none --folds 5 --fold 1", "change nothing with --split none"},
		{"--split alphabet --folds 5", "--fold is 0 and --folds 5, expected a fold of 1 to 5"},
		{"--split alphabet --folds 5 --fold 6", "--fold is 6 and --folds 5"},
		{"--split alphabet --folds 1 --fold 1", "--folds is 1 and --fold 1, expected 2 folds or more"},
		{"--split alphabet --fold 1", "--folds is 0 and --fold 1, expected 2"},
		{"--split alphabet --folds 5 --fold=-1", "--fold is -1, expected 0 or more"},
		{"--split alphabet --folds 5 --fold 1 --hold-out 6", "leave one of them out"},
		{"--split alphabet --folds 5 --fold 1 --hold-out-of Greek", "leave one of them out"},
		{"--split class --folds 5 --fold 1 --hold-out-in file", "leave one of them out"},
		{"--teacher-weight 0.3", "--teacher-weight is about --teacher"},
		{"--relation-weight 1", "--relation-weight is about --teacher"},
		{"--teacher builtin:omniglot", ""},
		{"--teacher builtin:omniglot --teacher builtin --relation-weight 1 --temperature 0.2 --teacher-temperature 2", ""},
		{"--teacher builtin --teacher-weight 0 --relation-weight 1", ""},
		{"--teacher builtin --teacher-weight 0 --relation-weight 1 --teacher-temperature 2", "--teacher-temperature is about the teachers' similarities"},
		{"--teacher builtin --teacher-weight 0", "--teacher changes nothing with --teacher-weight 0"},
		{"--teacher builtin --pair-weight 0 --contrastive-weight 1", "--teacher changes nothing with --teacher-weight 0.5, --pair-weight 0"},
		{"--teacher builtin --teacher-weight 1.5", "--teacher-weight is 1.5"},
		{"--teacher builtin --teacher-temperature 0", "--teacher-temperature 0, expected 0 to 1 and above 0"},
		{"--teacher builtin --devices cpu:0,cpu:1", "--devices and --cluster go without it"},
		{"--teacher nowhere.h5", "--teacher nowhere.h5: there is no such file or folder"},
		{"--split image --hold-out 3", "--hold-out is about classes or alphabets that are held out, and changes nothing with --split image"},
		{"--hold-out-of cat", "--hold-out-of is about"},
		{"--batch 6", "--batch is 6 and --per-class 4, expected a batch of two classes"},
		{"--sampler pairs --batch 6", ""},
		{"--val-pairs 3", "--val-pairs is 3, expected an even number"},
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
		{drawings, "--redraw 0.5 --twins 0.2", ""},
		{drawings + "/Greek", "--redraw 0.5", ""},
		{drawings + "/Greek", "--redraw 0.5 --twins 0.2", "--twins is about alphabets"},
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
		data, err := command.data().Open(t.Context(), slog.New(slog.DiscardHandler))
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
		if !flags[cli.FlagName(field)] {
			t.Errorf("kong knows no --%s", cli.FlagName(field))
		}
	}
}
