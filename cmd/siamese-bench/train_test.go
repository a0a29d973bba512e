package main

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train"
	"siamese/weights"
)

// countingModel stands in for the network in a training loop.
type countingModel struct {
	train.Model
	images []int
}

func (m *countingModel) Step(_ context.Context, batch train.Batch, _ float64) (train.Losses, error) {
	m.images = append(m.images, len(batch.Pixels)/trained.ImageBytes())
	return train.Losses{Loss: 0.7}, nil
}

func (m *countingModel) set() (*weights.Set, error) {
	return weights.New(weights.Tensor{Name: "weight", Shape: []int{1}, Data: []float32{1}})
}

func (m *countingModel) State() (*weights.Set, error)   { return m.set() }
func (m *countingModel) Weights() (*weights.Set, error) { return m.set() }

func TestBenchDataFeedsALoop(t *testing.T) {
	dir := t.TempDir()
	data, err := newDrawings(filepath.Join(dir, "data"))
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
	fed := 0
	if err := data.feed(t.Context(), 256, 3, func(batch train.Batch) { fed += len(batch.Pixels) / trained.ImageBytes() }); err != nil || fed != 3*256 {
		t.Errorf("feed gives %d images and %v, want 3 batches of 256", fed, err)
	}
	pixels, err := data.draw(rand.New(rand.NewPCG(1, 1)))
	if err != nil || len(pixels) != trained.ImageBytes() {
		t.Errorf("draw gives %d bytes and %v, want %d", len(pixels), err, trained.ImageBytes())
	}
}
