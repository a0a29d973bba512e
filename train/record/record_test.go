package record_test

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train/record"
)

// TestWriteFeedsTensorBoard: what is learnt from and what is validated on are two runs
// whose figures have the same tags; nothing is begun before there is something to show.
func TestWriteFeedsTensorBoard(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "first")
	recorder := open(t, record.Config{Dir: dir, Now: noon})
	write(t, recorder, record.Entry{Step: 5, Epoch: 1, Values: map[string]float64{"loss": 0.5, "accuracy": 0.75}})
	if err := recorder.Image(5, "pairs", encodePNG(t, image.NewRGBA(image.Rect(0, 0, 2, 2)))); err != nil {
		t.Fatal(err)
	}
	validation := filepath.Join(dir, record.ValidationEvents)
	if _, err := os.Stat(validation); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("validation before the first one: %v, want no folder", err)
	}
	write(t, recorder, record.Entry{Step: 5, Epoch: 1, Values: map[string]float64{
		"val_loss": 0.5, "val_accuracy": 0.75, "val_accuracy_stderr": 0.1, "val_pairs": 4, "oneshot": 0.5, "oneshot_ways": 5, "oneshot_trials": 20,
	}})
	closeRecorder(t, recorder)
	for folder, want := range map[string][]string{
		filepath.Join(dir, record.TrainEvents): {"accuracy", "loss", "pairs"}, validation: {"oneshot", "accuracy", "loss"},
	} {
		var tags []string
		for _, event := range readEvents(t, folder, 0)[1:] {
			if event.Step != 5 {
				t.Errorf("event %q is of step %d, want 5", event.Tag, event.Step)
			}
			tags = append(tags, event.Tag)
		}
		if diff := cmp.Diff(want, tags); diff != "" {
			t.Errorf("tags in %s (-want +got):\n%s", folder, diff)
		}
	}
}

// TestResumingVoidsLaterEvents of both folders, at once.
func TestResumingVoidsLaterEvents(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []int64{0, 40} {
		recorder := open(t, record.Config{Dir: dir, Step: step, Now: noon})
		if step == 0 {
			write(t, recorder, record.Entry{Step: 50, Epoch: 1, Values: map[string]float64{"loss": 1, "val_loss": 1}})
		}
		closeRecorder(t, recorder)
	}
	for _, folder := range []string{record.TrainEvents, record.ValidationEvents} {
		if got := readEvents(t, filepath.Join(dir, folder), 1); len(got) != 2 || got[1].Step != 41 || len(got[1].Session) == 0 {
			t.Errorf("%s: the resumed run's events are %v, want a session that begins at step 41", folder, got)
		}
	}
}

func TestResumedRunEqualsUninterrupted(t *testing.T) {
	whole, parts := t.TempDir(), t.TempDir()
	uninterrupted := open(t, record.Config{Dir: whole, Now: noon})
	runEpochs(t, uninterrupted, 1, 4)
	closeRecorder(t, uninterrupted)

	// The first attempt ran two epochs past its last checkpoint, that of epoch 2.
	first := open(t, record.Config{Dir: parts, Now: noon})
	runEpochs(t, first, 1, 4)
	closeRecorder(t, first)
	second := open(t, record.Config{Dir: parts, Step: 20, Epochs: 2, Now: noon})
	runEpochs(t, second, 3, 4)
	closeRecorder(t, second)

	for _, name := range []string{record.MetricsFile, record.LossFile, record.ValidationLossFile, record.LossPlotFile} {
		if read(t, whole, name) != read(t, parts, name) {
			t.Errorf("%s of the resumed run differs, want that of the uninterrupted one", name)
		}
	}
}

// runEpochs records ten steps an epoch.
func runEpochs(t *testing.T, recorder *record.Recorder, from, to int) {
	t.Helper()
	for epoch := from; epoch <= to; epoch++ {
		loss := 1 / float64(epoch)
		write(t, recorder, record.Entry{Step: int64(10 * epoch), Epoch: epoch, Values: map[string]float64{"loss": loss}})
		if err := recorder.Epoch(loss, 2*loss); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name string
		give record.Config
		want string
	}{
		{"no folder", record.Config{}, "Dir is empty"},
		{"a negative step", record.Config{Dir: "x", Step: -1}, "Step is -1, expected 0 or more"},
		{"negative epochs", record.Config{Dir: "x", Epochs: -1}, "Epochs is -1, expected 0 or more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := record.Open(tt.give)
			wantError(t, err, tt.want)
		})
	}
}
