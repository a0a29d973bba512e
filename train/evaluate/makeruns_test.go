package evaluate_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// label is what a picture of these tests says about itself.
type label struct{ alphabet, class, drawer byte }

func labelOf(p *imaging.Picture) label {
	return label{p.Pix[0], p.Pix[1], p.Pix[2]}
}

func TestMakeRunsDrawsAsLakesRuns(t *testing.T) {
	d := omniglot(t, 4, 25, 22, 30)
	runs, err := evaluate.MakeRuns(d, evaluate.MakeRunsConfig{Seed: 1, Trials: 300})
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 15 || runs[0].Name != "run01" || runs[14].Name != "run15" {
		t.Fatalf("%d runs, %q to %q, want run01 to run15", len(runs), runs[0].Name, runs[len(runs)-1].Name)
	}
	alphabets := map[byte]int{}
	for _, run := range runs {
		if err := run.Validate(); err != nil || run.Ways() != 20 || len(run.Test) != 20 {
			t.Fatalf("run %q has %d ways and %d trials, %v, want 20 each", run.Name, run.Ways(), len(run.Test), err)
		}
		wantLakesRun(t, run)
		alphabets[labelOf(run.Training[0]).alphabet]++
	}
	if diff := cmp.Diff(map[byte]int{1: 5, 2: 5, 3: 5}, alphabets); diff != "" {
		t.Errorf("runs by alphabet (-want +got):\n%s", diff)
	}
}

// wantLakesRun fails unless the run is of one alphabet and distinct classes, its
// training of one drawer, its tests of another, and its answers are right.
func wantLakesRun(t *testing.T, run evaluate.Run) {
	t.Helper()
	training, test := labelOf(run.Training[0]), labelOf(run.Test[0])
	if training.drawer == test.drawer {
		t.Errorf("run %q: drawer %d drew both parts, want two drawers", run.Name, test.drawer)
	}
	classes, straight := map[byte]bool{}, 0
	for i := range run.Training {
		a, b := labelOf(run.Training[i]), labelOf(run.Test[i])
		if a.alphabet != training.alphabet || b.alphabet != training.alphabet {
			t.Errorf("run %q: alphabets %d and %d, want %d alone", run.Name, a.alphabet, b.alphabet, training.alphabet)
		}
		if a.drawer != training.drawer || b.drawer != test.drawer {
			t.Errorf("run %q: drawers %d and %d, want %d and %d", run.Name, a.drawer, b.drawer, training.drawer, test.drawer)
		}
		if right := labelOf(run.Training[run.Answer[i]]); right.class != b.class {
			t.Errorf("run %q: answer %d is of class %d, want %d", run.Name, i, right.class, b.class)
		}
		classes[a.class] = true
		if run.Answer[i] == i {
			straight++
		}
	}
	if len(classes) != run.Ways() {
		t.Errorf("run %q has %d classes, want %d", run.Name, len(classes), run.Ways())
	}
	if straight == run.Ways() {
		t.Errorf("run %q: tests come in the order of the classes, want them mixed", run.Name)
	}
}

func TestMakeRunsGoesBySeed(t *testing.T) {
	d := omniglot(t, 3, 12, 12)
	make := func(seed uint64) []evaluate.Run {
		runs, err := evaluate.MakeRuns(d, evaluate.MakeRunsConfig{Ways: 5, Trials: 20, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return runs
	}
	if diff := cmp.Diff(make(7), make(7)); diff != "" {
		t.Errorf("two makings of one seed differ:\n%s", diff)
	}
	if cmp.Equal(make(7), make(8)) {
		t.Error("two seeds give the same runs, want others")
	}
}

func TestMakeRunsTakesWhatThereIs(t *testing.T) {
	tests := []struct {
		name        string
		giveClasses []int
		giveDrawers int
		giveConfig  evaluate.MakeRunsConfig
		wantWays    map[int]int // runs by ways
	}{
		{"fewer classes than ways", []int{4, 6}, 2, evaluate.MakeRunsConfig{Trials: 20}, map[int]int{4: 2, 6: 2}},
		{"an alphabet of one class", []int{1, 6}, 2, evaluate.MakeRunsConfig{Trials: 12}, map[int]int{6: 2}},
		{"trials are a minimum", []int{6}, 3, evaluate.MakeRunsConfig{Trials: 13}, map[int]int{6: 3}},
		{"defaults", []int{20, 21}, 6, evaluate.MakeRunsConfig{}, map[int]int{20: 50}},
		{"no more trials than pairs", []int{3}, 3, evaluate.MakeRunsConfig{}, map[int]int{3: 6}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runs, err := evaluate.MakeRuns(omniglot(t, tt.giveDrawers, tt.giveClasses...), tt.giveConfig)
			if err != nil {
				t.Fatal(err)
			}
			got := map[int]int{}
			for _, run := range runs {
				got[run.Ways()]++
			}
			if diff := cmp.Diff(tt.wantWays, got); diff != "" {
				t.Errorf("runs by ways (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMakeRunsWithoutDrawersTakesTwoDifferentImages(t *testing.T) {
	root := t.TempDir()
	for class := range 5 {
		for i := range 2 + class%2 {
			putPicture(t, filepath.Join(root, fmt.Sprintf("class%d", class), fmt.Sprintf("photo%d.png", i)), picture(0, class, i))
		}
	}
	runs, err := evaluate.MakeRuns(openDataset(t, root, dataset.Own), evaluate.MakeRunsConfig{Trials: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		for i, answer := range run.Answer {
			training, test := labelOf(run.Training[answer]), labelOf(run.Test[i])
			if training.class != test.class || training.drawer == test.drawer {
				t.Errorf("run %q: %v answers %v, want another image of its class", run.Name, training, test)
			}
		}
	}
}

func TestMakeRunsRefuses(t *testing.T) {
	d := omniglot(t, 2, 2)
	_, err := evaluate.MakeRuns(d, evaluate.MakeRunsConfig{Ways: 1})
	wantError(t, err, "Ways is 1, expected 0 (the default) or 2 and more")
	_, err = evaluate.MakeRuns(d, evaluate.MakeRunsConfig{Trials: -1})
	wantError(t, err, "Trials is -1")

	if _, err := evaluate.MakeRuns(omniglot(t, 2, 1, 1), evaluate.MakeRunsConfig{}); !errors.Is(err, evaluate.ErrNoRuns) {
		t.Errorf("error of alphabets of one class = %v, want ErrNoRuns", err)
	}
}
