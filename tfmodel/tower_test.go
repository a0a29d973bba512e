package tfmodel_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"siamese/tfmodel"
)

// twoTowers are two CPU devices, as TensorFlow shows one processor on demand.
var twoTowers = tfmodel.Options{Device: "cpu", Towers: []string{"cpu:0", "cpu:1"}}

// doubled is a batch of two shares.
func doubled(one, two tfmodel.TrainBatch) tfmodel.TrainBatch {
	offset := int32(len(one.Labels))
	batch := tfmodel.TrainBatch{
		Pixels:  slices.Concat(one.Pixels, two.Pixels),
		Labels:  slices.Concat(one.Labels, two.Labels),
		Same:    slices.Concat(one.Same, two.Same),
		Weights: slices.Concat(one.Weights, two.Weights),
		A:       slices.Clone(one.A),
		B:       slices.Clone(one.B),
		Shares:  []int{len(one.Labels), len(two.Labels)},
	}
	for i := range two.A {
		batch.A, batch.B = append(batch.A, two.A[i]+offset), append(batch.B, two.B[i]+offset)
	}
	return batch
}

// TestTowersAverage: a step of plain SGD over two towers moves the weights by
// the mean of what each share alone would move them by.
func TestTowersAverage(t *testing.T) {
	config := tfmodel.TrainerConfig{PairWeight: 1, ContrastiveWeight: 0.5}
	one, two := tinyBatch(), tinyBatch()
	two.Pixels = randomPixels(tiny(), 6, 12)
	start := randomWeights(t, tiny(), 1)
	var moved [][]float64
	var losses []float64
	for _, share := range []tfmodel.TrainBatch{one, two} {
		single := newTrainer(t, config)
		result, err := single.Step(t.Context(), share, 0.1)
		must(t, err)
		losses = append(losses, result.Loss)
		after, err := single.Weights()
		must(t, err)
		var moves []float64
		for tensor := range start.All() {
			now, _ := after.Get(tensor.Name)
			for i := range tensor.Data {
				moves = append(moves, float64(now.Data[i]-tensor.Data[i]))
			}
		}
		moved = append(moved, moves)
	}
	both, err := tfmodel.NewTrainer(tiny(), start, config, twoTowers)
	must(t, err)
	defer both.Close()
	result, err := both.Step(t.Context(), doubled(one, two), 0.1)
	must(t, err)
	if want := (losses[0] + losses[1]) / 2; math.Abs(result.Loss-want) > lossTolerance {
		t.Errorf("loss over two towers = %v, want %v", result.Loss, want)
	}
	after, err := both.Weights()
	must(t, err)
	at := 0
	for tensor := range start.All() {
		now, _ := after.Get(tensor.Name)
		for i := range tensor.Data {
			got, want := float64(now.Data[i]-tensor.Data[i]), (moved[0][at]+moved[1][at])/2
			if math.Abs(got-want) > lossTolerance*(1+math.Abs(want)) {
				t.Fatalf("%s[%d] moved by %v over two towers, want %v", tensor.Name, i, got, want)
			}
			at++
		}
	}
}

// TestBackwardPassStaysOnItsDevice: what gradients add to a graph carries no
// device by itself.
func TestBackwardPassStaysOnItsDevice(t *testing.T) {
	found, err := tfmodel.TowerDevices(tiny(), tfmodel.TrainerConfig{PairWeight: 1}, twoTowers)
	must(t, err)
	want := map[string]string{"tower_0": "/device:CPU:0", "tower_1": "/device:CPU:1"}
	if len(found) != len(want) {
		t.Fatalf("backward convolutions in %v, want in %v", found, want)
	}
	for tower, devices := range found {
		if len(devices) != 3 {
			t.Errorf("%s has %d backward convolutions, want 3", tower, len(devices))
		}
		for _, device := range devices {
			if device != want[tower] {
				t.Errorf("%s: a backward convolution is on %q, want %q", tower, device, want[tower])
			}
		}
	}
}

func TestTowersRefuse(t *testing.T) {
	start := randomWeights(t, tiny(), 1)
	for _, tt := range []struct {
		give tfmodel.Options
		want string
	}{
		{tfmodel.Options{Towers: []string{"cpu"}}, `tower "cpu", want "cpu:N" or "gpu:N"`},
		{tfmodel.Options{Towers: []string{"cpu:0", "gpu:7"}}, "tower gpu:7 is not there"},
	} {
		if _, err := tfmodel.NewTrainer(tiny(), start, tfmodel.TrainerConfig{PairWeight: 1}, tt.give); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewTrainer on %v = %v, want an error with %q", tt.give.Towers, err, tt.want)
		}
	}
	both, err := tfmodel.NewTrainer(tiny(), start, tfmodel.TrainerConfig{PairWeight: 1}, twoTowers)
	must(t, err)
	defer both.Close()
	crossing := doubled(tinyBatch(), tinyBatch())
	crossing.B[0] = 11
	uneven := doubled(tinyBatch(), tinyBatch())
	uneven.Shares = []int{6, 5}
	for name, batch := range map[string]tfmodel.TrainBatch{"whole batch": tinyBatch(), "pair across shares": crossing, "shares of other images": uneven} {
		if _, err := both.Step(t.Context(), batch, 0.1); err == nil {
			t.Errorf("%s: Step = nil error, want one", name)
		}
	}
}
