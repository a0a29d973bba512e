package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/tfmodel"
	"siamese/tfmodel/weights"
	"siamese/train"
)

func TestBenchHasItsParts(t *testing.T) {
	out, stderr, code := siamese(t, "", "bench", "--help")
	if code != 0 {
		t.Fatalf("bench --help: exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"bench all", "bench serve", "bench train"} {
		if !strings.Contains(out, want) {
			t.Errorf("bench --help lacks %q:\n%s", want, out)
		}
	}
	// Flags without a part are of "bench all".
	for _, args := range [][]string{{"bench", "--device=tpu"}, {"bench", "serve", "--device=tpu"}, {"bench", "train", "--device=tpu"}} {
		if _, stderr, code := siamese(t, "", args...); code != 1 || !strings.Contains(stderr, `"tpu"`) {
			t.Errorf("%v: exit code %d and %q, want 1 and the device's name", args, code, stderr)
		}
	}
}

func TestNoKerasSaysWhy(t *testing.T) {
	t.Chdir("../..") // the script is named from the repository root
	program := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give string
		want string // "": there is something to compare with
	}{
		{program, ""},
		{program + "3", "make parity"},
	}
	for _, tt := range tests {
		got := benchTrainFlags{Keras: tt.give}.noKeras(tfmodel.DeviceCPU)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("noKeras with %s = %q, want %q", tt.give, got, tt.want)
		}
	}
}

// countingModel stands in for the network in a training loop.
type countingModel struct {
	train.Model
	images []int
}

func (m *countingModel) Step(_ context.Context, batch train.Batch, _ float64) (train.Losses, error) {
	m.images = append(m.images, len(batch.Pixels)/benchNetwork.ImageBytes())
	return train.Losses{Loss: 0.7}, nil
}

func (m *countingModel) set() (*weights.Set, error) {
	return weights.New(weights.Tensor{Name: "weight", Shape: []int{1}, Data: []float32{1}})
}

func (m *countingModel) State() (*weights.Set, error)   { return m.set() }
func (m *countingModel) Weights() (*weights.Set, error) { return m.set() }

func TestBenchDataFeedsALoop(t *testing.T) {
	dir := t.TempDir()
	data, err := newBenchData(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	var model countingModel
	if err := data.loop(t.Context(), filepath.Join(dir, "run"), &model, 16, 3); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{16, 16, 16}, model.images); diff != "" {
		t.Errorf("images of each step (-want +got):\n%s", diff)
	}
	pixels, err := data.draw(rand.New(rand.NewPCG(1, 1)))
	if err != nil || len(pixels) != benchNetwork.ImageBytes() {
		t.Errorf("draw gives %d bytes and %v, want %d", len(pixels), err, benchNetwork.ImageBytes())
	}
}
