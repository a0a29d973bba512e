package train_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"siamese/train"
)

// TestSampleSheet: the first batch is shown, in the run folder and in
// TensorBoard's file, and not again when the run goes on.
func TestSampleSheet(t *testing.T) {
	dir := t.TempDir()
	s := setup(t, dir, &fake{}, saved{})
	must(t, train.Run(t.Context(), s))
	path := filepath.Join(dir, train.SamplePairsFile)
	sheet, err := os.ReadFile(path)
	must(t, err)
	picture, err := png.Decode(bytes.NewReader(sheet))
	must(t, err)
	// 6 images of 3 classes make 3 same and 12 different pairs: 3 of each are
	// shown, in a column of six under labels of more than a picture's height.
	if bounds := picture.Bounds(); bounds.Dy() < 6*2*side || bounds.Dy() > bounds.Dx()*3 {
		t.Errorf("%s is %v, want one column of six pairs", train.SamplePairsFile, bounds)
	}
	events, err := filepath.Glob(filepath.Join(dir, "train", "events.out.tfevents.*"))
	must(t, err)
	if len(events) != 1 {
		t.Fatalf("%d event files, want 1", len(events))
	}
	content, err := os.ReadFile(events[0])
	must(t, err)
	if !bytes.Contains(content, sheet) || !bytes.Contains(content, []byte("sample_pairs")) {
		t.Error("the event file does not hold the sheet under sample_pairs")
	}
	must(t, os.Remove(path))
	s = setup(t, dir, &fake{}, saved{})
	s.Epochs = 4
	must(t, train.Run(t.Context(), resumed(s)))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the sheet after a resume: %v, want none", err)
	}
}

// TestWorkersChangeNothing: how many images are made at a time does not show.
func TestWorkersChangeNothing(t *testing.T) {
	var losses []string
	for _, workers := range []int{0, 1, 5} {
		model := &fake{}
		s := setup(t, t.TempDir(), model, saved{})
		s.Workers = workers
		must(t, train.Run(t.Context(), s))
		losses = append(losses, fmt.Sprint(model.losses))
	}
	if losses[0] != losses[1] || losses[0] != losses[2] {
		t.Errorf("losses with 0, 1 and 5 workers differ:\n%s\n%s\n%s", losses[0], losses[1], losses[2])
	}
	s := setup(t, t.TempDir(), &fake{}, saved{})
	s.Workers = -1
	if err := train.Run(t.Context(), s); err == nil {
		t.Error("Run with -1 workers = nil error, want one")
	}
}

func TestProgressIsToldOfEachStep(t *testing.T) {
	model := &fake{}
	s := setup(t, t.TempDir(), model, saved{})
	var reports []train.Report
	s.Progress = func(report train.Report) { reports = append(reports, report) }
	must(t, train.Run(t.Context(), s))
	if len(reports) != 12 {
		t.Fatalf("%d reports, want 12", len(reports))
	}
	for i, report := range reports {
		if report.Step != int64(i+1) || report.Total != 12 || report.Loss != model.losses[i] || report.ImagesPerSecond <= 0 {
			t.Errorf("report %d is %+v, want step %d of 12 with loss %v and a speed", i, report, i+1, model.losses[i])
		}
	}
}
