package bench

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/train"
)

// imageBytes is the size of the tests' images.
const imageBytes = 3

// fakeLearner counts its steps; the embedded interface is not called.
type fakeLearner struct {
	train.Model
	precision string
	images    []int // of each step
	fails     error
	loss      float64
	closed    bool
}

func (f *fakeLearner) Step(_ context.Context, batch train.Batch, _ float64) (train.Losses, error) {
	f.images = append(f.images, len(batch.Pixels)/imageBytes)
	return train.Losses{Loss: f.loss}, f.fails
}

func (f *fakeLearner) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	return make([]float32, len(pixels)/imageBytes), nil
}

func (f *fakeLearner) Close() error {
	f.closed = true
	return nil
}

// fakeTraining opens learners into opened and loops without a dataset.
func fakeTraining(opened *[]*fakeLearner, fails error) Training {
	return Training{
		Open: func(precision string) (Learner, error) {
			learner := &fakeLearner{precision: precision, fails: fails, loss: 0.5}
			*opened = append(*opened, learner)
			return learner, nil
		},
		Draw: func(*rand.Rand) ([]byte, error) { return make([]byte, imageBytes), nil },
		Loop: func(ctx context.Context, model train.Model, images, steps int) error {
			for range steps {
				if _, err := model.Step(ctx, train.Batch{Pixels: make([]byte, images*imageBytes)}, 1); err != nil {
					return err
				}
			}
			return nil
		},
		Feed: func(_ context.Context, images, batches int, take func(train.Batch)) error {
			for range batches {
				take(train.Batch{Pixels: make([]byte, images*imageBytes)})
			}
			return nil
		},
		Progress: io.Discard,
	}
}

// TestFeedRates: by the clock for all cores, by the time on them for one.
func TestFeedRates(t *testing.T) {
	begin := time.Now()
	rows := feedRates([]feedMark{
		{begin, time.Second},
		{begin.Add(256 * time.Millisecond), 1512 * time.Millisecond},
		{begin.Add(512 * time.Millisecond), 2024 * time.Millisecond},
		{begin.Add(10 * time.Second), 12 * time.Second},
	})
	for i, want := range []float64{10_000, 5000} {
		if diff := rows[i].Value - want; diff > 1e-6 || diff < -1e-6 { // rounding of a few operations
			t.Errorf("%s is %v, want %v", rows[i].Name, rows[i].Value, want)
		}
	}
	if before := cpuTime(); before <= 0 {
		t.Errorf("cpuTime() = %v, want more than none", before)
	}
}

// fakeKeras answers as scripts/keras_bench.py does, each step with one line.
func fakeKeras(answer string) []string {
	return []string{"sh", "-c", `echo ready; while read -r word; do echo "` + answer + `"; done`, "sh"}
}

func TestTrainingRows(t *testing.T) {
	tests := []struct {
		give      string
		giveKeras []string
		want      []string // the names of rows with bars
	}{
		{"without Keras", nil, []string{
			"resident memory, training with 64 images, most",
			"input pipeline to what training steps take, images/s",
			"training feed (pictures in memory, affine, batches of 256), a second of one core",
		}},
		{"with Keras", fakeKeras("2.5 0.5"), []string{
			"resident memory, training with 64 images, most",
			"training step to Keras' train_on_batch, images/s",
			"all pairs to Keras' pair loop, pairs/s",
			"input pipeline to what training steps take, images/s",
			"training feed (pictures in memory, affine, batches of 256), a second of one core",
		}},
	}
	for _, tt := range tests {
		var opened []*fakeLearner
		training := fakeTraining(&opened, nil)
		training.Keras = tt.giveKeras
		rows, err := training.Run(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", tt.give, err)
		}
		var got []string
		for _, row := range rows {
			if row.Bar != nil {
				got = append(got, row.Name)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: rows with bars (-want +got):\n%s", tt.give, diff)
		}
		for _, learner := range opened {
			if !learner.closed {
				t.Errorf("%s: a learner of %s was not closed", tt.give, learner.precision)
			}
		}
	}
}

// TestTrainingSteps: which batches are stepped through, by which learner.
func TestTrainingSteps(t *testing.T) {
	var opened []*fakeLearner
	if _, err := fakeTraining(&opened, nil).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	var images [][]int
	for _, learner := range opened {
		got, images = append(got, learner.precision), append(images, learner.images)
	}
	if diff := cmp.Diff([]string{"float32", "float32", "bfloat16", "float32"}, got); diff != "" {
		t.Errorf("learners (-want +got):\n%s", diff)
	}
	want := [][]int{{64, 64, 64}, {16, 2, 16, 2, 16, 2, 16, 2, 16, 2, 16, 2}, {16, 16, 16, 16, 16, 16}, {16, 16, 16, 16}}
	if diff := cmp.Diff(want, images); diff != "" {
		t.Errorf("images of each step (-want +got):\n%s", diff)
	}
}

func TestTrainingTellsWhatWentWrong(t *testing.T) {
	broken := errors.New("out of memory")
	tests := []struct {
		give      string
		giveFails error
		giveKeras []string
		want      string
	}{
		{"a step fails", broken, nil, "out of memory"},
		{"another loss", nil, fakeKeras("2.5 0.7"), "keras' first loss is 0.7, ours 0.5"},
		{"no number", nil, fakeKeras("soon"), `keras said "soon"`},
		{"no time", nil, fakeKeras("0 0.5"), `keras said "0 0.5"`},
		{"Keras ends", nil, []string{"sh", "-c", "echo no module keras >&2; exit 3", "sh"}, "no module keras"},
		{"Keras says else", nil, []string{"sh", "-c", "echo hello", "sh"}, `keras said "hello", want ready`},
		{"no Python", nil, []string{"/nonexistent/python"}, "/nonexistent/python"},
	}
	for _, tt := range tests {
		var opened []*fakeLearner
		training := fakeTraining(&opened, tt.giveFails)
		training.Keras = tt.giveKeras
		if _, err := training.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Run = %v, want %q", tt.give, err, tt.want)
		}
	}
}

// TestKerasLaterLossesAreFree: only the first loss is held against Keras', since
// other steps lie between the later ones.
func TestKerasLaterLossesAreFree(t *testing.T) {
	peer, err := kerasTrainer(t.Context(), fakeKeras("1.5 0.5"), ownPairs(make([]byte, 4*imageBytes), 4))
	if err != nil {
		t.Fatal(err)
	}
	for _, loss := range []float64{0.5, 0.1} {
		if seconds, err := peer.step(loss); err != nil || seconds != 1.5 {
			t.Errorf("step = %v, %v; want 1.5 seconds", seconds, err)
		}
	}
	if err := peer.stop(); err != nil {
		t.Error(err)
	}
}

// TestKerasIsToldTheBatch: the command's own arguments see pixels and labels.
func TestKerasIsToldTheBatch(t *testing.T) {
	command := []string{"sh", "-c", `test "$1 $2 $3" = "--same 10 --pixels" && test "$(wc -c < "$4")" -eq 12 && echo ready && cat > /dev/null`, "sh"}
	peer, err := kerasTrainer(t.Context(), command, ownPairs(make([]byte, 4*imageBytes), 4))
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.stop(); err != nil {
		t.Error(err)
	}
}

func TestBatches(t *testing.T) {
	pixels := make([]byte, 4*imageBytes)
	tests := []struct {
		give string
		got  train.Batch
		want train.Batch
	}{
		{"all pairs", AllPairs(pixels, 4, 2), train.Batch{
			Pixels: pixels, Labels: []int32{0, 0, 1, 1},
			A: []int32{0, 0, 0, 1, 1, 2}, B: []int32{1, 2, 3, 2, 3, 3},
			Same:    []bool{true, false, false, false, false, true},
			Weights: []float32{1. / 6, 1. / 6, 1. / 6, 1. / 6, 1. / 6, 1. / 6},
		}},
		{"own pairs", ownPairs(pixels, 4), train.Batch{
			Pixels: pixels, Labels: []int32{0, 0, 2, 3},
			A: []int32{0, 2}, B: []int32{1, 3},
			Same: []bool{true, false}, Weights: []float32{0.5, 0.5},
		}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.give, diff)
		}
	}
}

// TestRatiosOfRounds: what the rows say of known times.
func TestRatiosOfRounds(t *testing.T) {
	// A step takes 0.1 s and 0.05 s an image; the second round is twice as slow.
	measured := trainingRounds{
		step:    []float64{0.9, 1.8},
		tiny:    []float64{0.2, 0.4},
		half:    []float64{0.45, 0.9},
		forward: []float64{0.3, 0.6},
		keras:   []float64{0.81, 1.62},
	}
	want := map[string]float64{
		"training step, 16 images, share of the forward pass":            100. / 3,
		"training step, 16 images, share that no image adds to (update)": 100. / 9,
		"training step, 16 images, bfloat16 to float32":                  2,
		"training step to Keras' train_on_batch, images/s":               0.9,
		"all pairs to Keras' pair loop, pairs/s":                         2016 / 2 / (8 / 1.215),
	}
	for _, row := range append(measured.rows(), measured.kerasRows(2)...) {
		value, ok := want[row.Name]
		if !ok {
			continue
		}
		delete(want, row.Name)
		if diff := row.Value - value; diff > 1e-9 || diff < -1e-9 { // rounding of a few operations
			t.Errorf("%s is %v, want %v", row.Name, row.Value, value)
		}
		if holds := row.Name != "training step to Keras' train_on_batch, images/s"; row.Holds != holds {
			t.Errorf("%s holds: %t, want %t", row.Name, row.Holds, holds)
		}
	}
	if len(want) > 0 {
		t.Errorf("no rows for %v", want)
	}
}

func TestAtLeast(t *testing.T) {
	tests := []struct {
		give      float64
		wantHolds bool
	}{{0.95, true}, {1.2, true}, {0.94, false}}
	for _, tt := range tests {
		row := AtLeast("ratio", tt.give, "×", 0.95)
		if row.Holds != tt.wantHolds || row.bound() != "≥ 0.95" {
			t.Errorf("%v against at least 0.95 holds: %t with bar %q, want %t and ≥ 0.95", tt.give, row.Holds, row.bound(), tt.wantHolds)
		}
	}
}

// TestDrawManyKeepsOrder: one seed gives one batch, whichever core draws first.
func TestDrawManyKeepsOrder(t *testing.T) {
	var drawn atomic.Int64
	training := Training{Draw: func(random *rand.Rand) ([]byte, error) {
		drawn.Add(1)
		return []byte{byte(random.Uint32()), 0, 0}, nil
	}}
	draw := func() []byte {
		pixels, err := training.drawMany(rand.New(rand.NewPCG(1, 2)), 20)
		if err != nil {
			t.Fatal(err)
		}
		return pixels
	}
	if first, again := draw(), draw(); !cmp.Equal(first, again) || drawn.Load() != 40 {
		t.Errorf("two draws by one seed after %d images are %v and %v, want the same after 40", drawn.Load(), first, again)
	}
	broken := errors.New("bad picture")
	training.Draw = func(*rand.Rand) ([]byte, error) { return nil, broken }
	if _, err := training.drawMany(rand.New(rand.NewPCG(1, 2)), 3); !errors.Is(err, broken) {
		t.Errorf("drawMany of a broken picture = %v, want %v", err, broken)
	}
}

func TestWatchedTimes(t *testing.T) {
	w := watched{seconds: 3 * time.Second, between: time.Second, counted: 2}
	if w.stepSeconds() != 1.5 || w.betweenShare() != 0.25 {
		t.Errorf("two steps in 3 s with 1 s between: %v s and share %v, want 1.5 and 0.25", w.stepSeconds(), w.betweenShare())
	}
}
