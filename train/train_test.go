package train_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/train"
	"siamese/weights"
)

func TestRunLeavesWhatItShould(t *testing.T) {
	dir, kept, model := t.TempDir(), saved{}, &fake{}
	must(t, train.Run(t.Context(), setup(t, dir, model, kept)))
	if model.steps != 12 {
		t.Errorf("%d steps, want 12", model.steps)
	}
	for _, name := range []string{train.CheckpointFile, "metrics.jsonl", "epoch_loss.txt", "epoch_val_loss.txt", "epoch_loss.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, want a file with something in it", name, err)
		}
	}
	losses, err := os.ReadFile(filepath.Join(dir, "epoch_loss.txt"))
	must(t, err)
	if lines := strings.Fields(string(losses)); len(lines) != 3 {
		t.Errorf("epoch_loss.txt has %d lines, want 3", len(lines))
	}
	var periodic int
	for name := range kept {
		if strings.HasPrefix(name, "ep00") {
			periodic++
		}
	}
	// The held-out classes score alike at each epoch: the first is the best.
	if kept["last_epoch_weights"] != 3 || kept["best_epoch_weights"] != 1 || periodic != 2 {
		t.Errorf("saved %v, want the last weights 3 times, the best once, epochs 2 and 3", kept)
	}
}

// TestResumedRunEqualsUninterrupted stops a run after every number of steps, in
// the middle of epochs too, and holds what it ends with against a run that was
// never stopped.
func TestResumedRunEqualsUninterrupted(t *testing.T) {
	straight := &fake{}
	whole := t.TempDir()
	must(t, train.Run(t.Context(), setup(t, whole, straight, saved{})))
	wantLosses, err := os.ReadFile(filepath.Join(whole, "epoch_loss.txt"))
	must(t, err)
	for stop := 1; stop < 12; stop++ {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		first := &fake{before: func(step int) error {
			if step == stop {
				cancel()
			}
			return nil
		}}
		wantInterrupted(t, train.Run(ctx, setup(t, dir, first, saved{})), stop)
		second := &fake{}
		must(t, train.Run(t.Context(), resumed(setup(t, dir, second, saved{}))))
		if diff := cmp.Diff(straight.losses, append(first.losses, second.losses...)); diff != "" {
			t.Errorf("stopped after step %d: losses (-uninterrupted +resumed):\n%s", stop, diff)
		}
		if second.weight != straight.weight {
			t.Errorf("stopped after step %d: weight %v, want %v", stop, second.weight, straight.weight)
		}
		got, err := os.ReadFile(filepath.Join(dir, "epoch_loss.txt"))
		must(t, err)
		if string(got) != string(wantLosses) {
			t.Errorf("stopped after step %d: epoch_loss.txt is %q, want %q", stop, got, wantLosses)
		}
	}
}

// resumed makes a run one that goes on.
func resumed(s train.Setup) train.Setup {
	s.Resume = true
	return s
}

// wantInterrupted fails unless the error says that a run was stopped at a step.
func wantInterrupted(t *testing.T, err error, step int) {
	t.Helper()
	interrupted, ok := errors.AsType[*train.InterruptedError](err)
	if !ok || !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v, want an *InterruptedError", err)
	}
	// Batches that are ready by then may still be learnt from.
	if interrupted.Step > 12 || interrupted.Step < int64(step)-1 || interrupted.Epoch > int(interrupted.Step)/4 {
		t.Errorf("interrupted at step %d after %d epochs, want step %d or a later one", interrupted.Step, interrupted.Epoch, step)
	}
}

// TestRunsAreNeverTakenForOthers: no run begins where another one has left its state,
// and none goes on without.
func TestRunsAreNeverTakenForOthers(t *testing.T) {
	dir, model := t.TempDir(), &fake{}
	if err := train.Run(t.Context(), resumed(setup(t, dir, model, saved{}))); !errors.Is(err, train.ErrNoCheckpoint) {
		t.Errorf("Run that is to go on in an empty folder = %v, want ErrNoCheckpoint", err)
	}
	must(t, train.Run(t.Context(), setup(t, dir, model, saved{})))
	if err := train.Run(t.Context(), setup(t, dir, model, saved{})); !errors.Is(err, train.ErrHoldsRun) {
		t.Errorf("Run that is to begin where one was = %v, want ErrHoldsRun", err)
	}
	if err := train.Run(t.Context(), resumed(setup(t, dir, model, saved{}))); !errors.Is(err, train.ErrDone) {
		t.Errorf("Run that is to go on at its end = %v, want ErrDone", err)
	}
	other := resumed(setup(t, dir, model, saved{}))
	other.Epochs, other.StepsPerEpoch = 9, 5
	if err := train.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), "3 epochs and 12 steps are done") {
		t.Errorf("Run with epochs of another length = %v, want it to be refused", err)
	}
	more := resumed(setup(t, dir, model, saved{}))
	more.Epochs = 5
	must(t, train.Run(t.Context(), more))
	if model.steps != 20 {
		t.Errorf("%d steps, want the 12 of three epochs and the 8 of two more", model.steps)
	}
	must(t, os.Remove(filepath.Join(dir, train.CheckpointFile)))
	more.Epochs = 6
	before, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	must(t, err)
	if err := train.Run(t.Context(), more); !errors.Is(err, train.ErrNoCheckpoint) || !strings.Contains(err.Error(), train.CheckpointFile) {
		t.Errorf("Run without its checkpoint = %v, want ErrNoCheckpoint", err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl")); err != nil || string(after) != string(before) {
		t.Errorf("metrics.jsonl changed from %q to %q (%v), want it as it was", before, after, err)
	}
}

// TestTermsThatTheLossHasNot are not recorded: they would be charts of zeros.
func TestTermsThatTheLossHasNot(t *testing.T) {
	for _, contrastive := range []bool{false, true} {
		dir := t.TempDir()
		s := setup(t, dir, &fake{}, saved{})
		s.Contrastive = contrastive
		must(t, train.Run(t.Context(), s))
		metrics, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
		must(t, err)
		for _, name := range []string{`"contrastive_loss"`, `"pair_loss"`} {
			if strings.Contains(string(metrics), name) != contrastive {
				t.Errorf("contrastive term %t: metrics.jsonl has %s: %t", contrastive, name, !contrastive)
			}
		}
		if strings.Contains(string(metrics), "class_loss") {
			t.Error("metrics.jsonl has class_loss, want none without a classifier")
		}
	}
}

func TestDivergedLossStopsTheRun(t *testing.T) {
	for _, loss := range []float64{math.NaN(), math.Inf(1)} {
		dir := t.TempDir()
		model := &fake{loss: func(step int) float64 {
			if step == 6 {
				return loss
			}
			return 1
		}}
		err := train.Run(t.Context(), setup(t, dir, model, saved{}))
		if !errors.Is(err, train.ErrDiverged) {
			t.Fatalf("Run with loss %v = %v, want ErrDiverged", loss, err)
		}
		for _, want := range []string{"step 6", ".png", train.CheckpointFile} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error is %q, want %q in it", err, want)
			}
		}
	}
}

func TestModelErrorEndsTheRun(t *testing.T) {
	broken := errors.New("device lost")
	model := &fake{before: func(step int) error {
		if step == 3 {
			return broken
		}
		return nil
	}}
	if err := train.Run(t.Context(), setup(t, t.TempDir(), model, saved{})); !errors.Is(err, broken) {
		t.Errorf("Run = %v, want the model's error", err)
	}
}

func TestPatienceEndsTheRun(t *testing.T) {
	model := &fake{}
	s := setup(t, t.TempDir(), model, saved{})
	s.Epochs, s.Patience = 50, 2
	must(t, train.Run(t.Context(), s))
	// The first epoch is the best; two more do not better it.
	if model.steps != 3*4 {
		t.Errorf("%d steps, want %d: the first epoch and two without better", model.steps, 3*4)
	}
}

// TestKilledRunGoesOnFromTheLastSave: with the state saved after every step, one that
// dies in the middle of an epoch repeats nothing; without, its epoch.
func TestKilledRunGoesOnFromTheLastSave(t *testing.T) {
	for _, every := range []time.Duration{0, 1} {
		dir := t.TempDir()
		died := errors.New("killed")
		first := setup(t, dir, &fake{before: func(step int) error {
			if step == 7 { // the third of the second epoch
				return died
			}
			return nil
		}}, saved{})
		first.SaveEvery = every
		if err := train.Run(t.Context(), first); !errors.Is(err, died) {
			t.Fatalf("Run = %v, want %v", err, died)
		}
		second := &fake{}
		rest := resumed(setup(t, dir, second, saved{}))
		rest.SaveEvery = every
		must(t, train.Run(t.Context(), rest))
		want := 8 // of 12 steps
		if every > 0 {
			want = 6
		}
		if second.steps != want {
			t.Errorf("saved every %v: %d steps after step 6 of 12, want %d", every, second.steps, want)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		give string
		edit func(*train.Setup)
	}{
		{"no epochs", func(s *train.Setup) { s.Epochs = 0 }},
		{"no steps", func(s *train.Setup) { s.StepsPerEpoch = 0 }},
		{"no log", func(s *train.Setup) { s.LogSteps = 0 }},
		{"no epochs, negative time", func(s *train.Setup) { s.Epochs, s.TimeLimit = 0, -1 }},
		{"negative epochs", func(s *train.Setup) { s.Epochs, s.TimeLimit = -1, 1 }},
		{"negative patience", func(s *train.Setup) { s.Patience = -1 }},
		{"negative time between saves", func(s *train.Setup) { s.SaveEvery = -1 }},
		{"hard things of one", func(s *train.Setup) { s.Hard, s.HardThings = 1, 1 }},
		{"kind target of the same", func(s *train.Setup) { s.KindTarget = 1 }},
		{"no rate", func(s *train.Setup) { s.Schedule.Rate = 0 }},
	}
	for _, tt := range tests {
		model := &fake{}
		s := setup(t, t.TempDir(), model, saved{})
		tt.edit(&s)
		if err := train.Run(t.Context(), s); err == nil || model.steps != 0 {
			t.Errorf("%s: Run = %v after %d steps, want an error before the first", tt.give, err, model.steps)
		}
	}
}

func TestHead(t *testing.T) {
	model := &fake{}
	s := setup(t, t.TempDir(), model, saved{})
	config := train.HeadConfig{Copies: 3, Steps: 20, Pairs: 10, AlphabetShare: 0.5, Rate: 0.1, Seed: 1}
	var checked int
	watch := &watched{fake: model, check: func(batch train.Batch) {
		checked++
		same := 0
		for i := range batch.A {
			if batch.Same[i] != (batch.Labels[batch.A[i]] == batch.Labels[batch.B[i]]) {
				t.Errorf("pair %d is called same: %t, of classes %d and %d", i, batch.Same[i], batch.Labels[batch.A[i]], batch.Labels[batch.B[i]])
			}
			if batch.Same[i] {
				same++
			}
		}
		if same != 5 || len(batch.A) != 10 || len(batch.Embeddings) != 20 || batch.Pixels != nil {
			t.Errorf("batch of %d pairs, %d same, %d embeddings; want 10, 5 and 20, and no pixels", len(batch.A), same, len(batch.Embeddings))
		}
	}}
	must(t, train.Head(t.Context(), watch, s.Data, s.Augment, config, s.Log))
	if checked != 20 {
		t.Errorf("%d steps, want 20", checked)
	}
	config.Copies = 1
	if err := train.Head(t.Context(), watch, s.Data, s.Augment, config, s.Log); err == nil {
		t.Error("Head with one copy = nil error, want one: it has no same pairs")
	}
}

// TestHeadBegins: the weights to begin with are made by the mean distance of
// different classes, and are in place before the first step.
func TestHeadBegins(t *testing.T) {
	model := &fake{}
	s := setup(t, t.TempDir(), model, saved{})
	config := train.HeadConfig{Copies: 2, Steps: 1, Pairs: 2, Rate: 0.1, Seed: 1}
	var distance float64
	config.Begin = func(given train.HeadStatistics) (*weights.Set, error) {
		if distance = given.Distance; given.Scales != nil {
			t.Errorf("scales %v, want none", given.Scales)
		}
		return weights.New(weights.Tensor{Name: "weight", Shape: []int{1}, Data: []float32{42}})
	}
	model.before = func(int) error {
		if model.weight != 42 {
			t.Errorf("weight before the first step is %v, want the 42 to begin with", model.weight)
		}
		return nil
	}
	must(t, train.Head(t.Context(), model, s.Data, s.Augment, config, s.Log))
	// Classes are grey levels from 0 to 255, an embedding is the level.
	if !(distance > 0 && distance < 255) {
		t.Errorf("distance between classes = %v, want above 0 and below 255", distance)
	}
	broken := errors.New("no such head")
	config.Begin = func(train.HeadStatistics) (*weights.Set, error) { return nil, broken }
	if err := train.Head(t.Context(), model, s.Data, s.Augment, config, s.Log); !errors.Is(err, broken) {
		t.Errorf("Head = %v, want the error of Begin", err)
	}
}

// watched looks at each batch.
type watched struct {
	*fake
	check func(train.Batch)
}

func (w *watched) Step(ctx context.Context, batch train.Batch, learningRate float64) (train.Losses, error) {
	w.check(batch)
	return w.fake.Step(ctx, batch, learningRate)
}

// TestTowersGetSharesOfTheirOwn: with several towers a step brings a draw for
// each, and pairs stay within a share.
func TestTowersGetSharesOfTheirOwn(t *testing.T) {
	model := &fake{}
	s := setup(t, t.TempDir(), model, saved{})
	s.Towers, s.Epochs = 2, 1
	checked := 0
	s.Model = &watched{fake: model, check: func(batch train.Batch) {
		checked++
		if len(batch.Shares) != 2 || batch.Shares[0]+batch.Shares[1] != len(batch.Labels) || len(batch.Pixels) != len(batch.Labels)*side*side*3 {
			t.Fatalf("shares %v of %d images and %d bytes, want two that make up the images", batch.Shares, len(batch.Labels), len(batch.Pixels))
		}
		var sums [2]float64
		for i := range batch.A {
			share := 0
			if int(batch.A[i]) >= batch.Shares[0] {
				share = 1
			}
			if other := int(batch.B[i]) >= batch.Shares[0]; other != (share == 1) {
				t.Errorf("pair %d is of images %d and %d, want both in one share of %v", i, batch.A[i], batch.B[i], batch.Shares)
			}
			if batch.Same[i] != (batch.Labels[batch.A[i]] == batch.Labels[batch.B[i]]) {
				t.Errorf("pair %d is called same: %t, of classes %d and %d", i, batch.Same[i], batch.Labels[batch.A[i]], batch.Labels[batch.B[i]])
			}
			sums[share] += float64(batch.Weights[i])
		}
		for share, sum := range sums {
			if math.Abs(sum-1) > 1e-5 {
				t.Errorf("the weights of share %d sum to %v, want 1", share, sum)
			}
		}
	}}
	must(t, train.Run(t.Context(), s))
	if checked != 4 {
		t.Errorf("%d steps, want 4", checked)
	}
}
