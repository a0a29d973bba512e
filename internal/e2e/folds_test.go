package e2e_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	"siamese/train/evaluate"
	"siamese/train/folds"
)

// readJSON reads a file that a command wrote.
func readJSON[T any](t *testing.T, file string) T {
	t.Helper()
	var read T
	if err := json.Unmarshal(proctest.ReadFile(t, file), &read); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return read
}

// TestFolds: two networks, each on the half of the alphabets that it has not seen, are
// worth what eval verify says of each, and every alphabet is there once.
func TestFolds(t *testing.T) {
	first, _ := fixture.SmallModel(t, 1)
	second, _ := fixture.SmallModel(t, 2)
	dir := t.TempDir()
	report, sheet, calibration := filepath.Join(dir, "folds.json"), filepath.Join(dir, "wrong.png"), filepath.Join(dir, "calibration.json")
	stdout := proctest.Succeed(t, "eval", "folds", proctest.Glyph(""), "--folds", "2", "--model", first+","+second, "--against", second+"+"+first+","+first,
		"--trials", "30", "--pairs", "40", "--json", report, "--sheet", sheet)
	got := readJSON[struct {
		folds.Summary
		Against    *folds.Summary     `json:"against"`
		Difference []folds.Difference `json:"difference"`
	}](t, report)
	if len(got.Folds) != 2 || len(got.Groups) != 10 || got.Against == nil || len(got.Difference) != 8 || got.All.Trials < 60 {
		t.Fatalf("%d folds, %d alphabets, %d trials, %d differences, want 2, 10, 60 or more and 8", len(got.Folds), len(got.Groups), got.All.Trials, len(got.Difference))
	}
	var names []string
	for _, row := range got.Groups {
		names = append(names, row.Name)
	}
	if slices.Sort(names); len(slices.Compact(names)) != 10 {
		t.Errorf("alphabets are %q, want ten, each once", names)
	}
	for _, words := range []string{"alphabet, the worst first", "trials in 10 alphabets", "negatives same-alphabet", "difference on the same trials and pairs"} {
		if !strings.Contains(stdout, words) {
			t.Errorf("printed\n%s\nwant %q in it", stdout, words)
		}
	}
	if _, err := png.Decode(bytes.NewReader(proctest.ReadFile(t, sheet))); err != nil {
		t.Errorf("the sheet: %v", err)
	}
	only := filepath.Join(dir, "only.json")
	stdout = proctest.Succeed(t, "eval", "folds", proctest.Glyph(""), "--folds", "2", "--only", "2", "--model", second, "--trials", "30", "--pairs", "40", "--json", only)
	if alone := readJSON[folds.Summary](t, only); len(alone.Folds) != 1 || !cmp.Equal(alone.Folds[0], got.Folds[1]) || len(alone.Groups) != 5 {
		t.Errorf("--only 2: %d alphabets, folds %+v, want the second of all: %+v", len(alone.Groups), alone.Folds, got.Folds[1])
	}
	if strings.Contains(stdout, "over folds") {
		t.Errorf("of one fold it printed\n%s\nwant no error over folds", stdout)
	}
	verified := proctest.Succeed(t, "eval", "verify", proctest.Glyph(""), "--json", "--model", second, "--split", "alphabet", "--folds", "2", "--fold", "2",
		"--pairs", "40", "--negatives", "same-alphabet")
	var want evaluate.VerifyResult
	if err := json.Unmarshal([]byte(verified), &want); err != nil {
		t.Fatal(err)
	}
	if of := got.Folds[1].Verification[0]; of.AUC != want.AUC || of.BestAccuracy != want.BestAccuracy || of.Accuracy != want.Accuracy {
		t.Errorf("fold 2: AUC %v, accuracy %v and %v, eval verify says %v, %v and %v", of.AUC, of.Accuracy, of.BestAccuracy, want.AUC, want.Accuracy, want.BestAccuracy)
	}
	stdout = proctest.Succeed(t, "calibrate", "--data", proctest.Glyph(""), "--folds", "2", "--model", first+","+second, "--pairs", "40", "--json", calibration)
	line := readJSON[folds.Calibration](t, calibration)
	if !strings.HasPrefix(stdout, "logit × ") || line.Scale == 0 || len(line.Folds) != 2 || len(line.Contrasts) != 2 {
		t.Errorf("calibration of %d folds and %d contrasts, scale %v, printed\n%s", len(line.Folds), len(line.Contrasts), line.Scale, stdout)
	}
}

// TestFoldsRefuse: what contradicts itself says so before anything is opened.
func TestFoldsRefuse(t *testing.T) {
	file, _ := fixture.SmallModel(t, 1)
	for give, want := range map[string]string{
		"eval folds " + proctest.Glyph("") + " --model " + file:                                           "received 1 models for 5 folds",
		"eval folds " + proctest.Glyph("") + " --folds 1 --model " + file:                                 "--folds is 1, expected 2 or more",
		"eval folds " + proctest.Glyph("") + " --only 2,6 --model " + file:                                "--only has 6, expected numbers from 1 to 5",
		"eval folds " + proctest.Glyph("") + " --only 2,2 --model " + file:                                "--only has 2 twice",
		"eval folds " + proctest.Glyph("") + " --only 2,4 --model " + file:                                "received 1 models for 2 folds",
		"eval folds " + proctest.Glyph("") + " --pairs 3 --model " + file:                                 "--pairs is 3, expected an even number",
		"eval verify " + proctest.Glyph("") + " --split alphabet --folds 11 --fold 1 --model " + file:     "received 11 folds of 10",
		"calibrate --data " + proctest.Glyph("") + " --model " + file:                                     "--folds is 0: expected 2 or more",
		"calibrate out.safetensors --data " + proctest.Glyph("") + " --folds 2 --model " + file + ",more": "leave OUT",
	} {
		_, stderr, code := proctest.Run(t, "", strings.Fields(give)...)
		if code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("siamese %s: exit code %d, %s, want %q", give, code, stderr, want)
		}
	}
}
