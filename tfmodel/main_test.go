package tfmodel_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"siamese/tfmodel"
	"siamese/weights"
)

// TestMain fails the package when a test leaves a native tensor behind.
func TestMain(m *testing.M) {
	tfmodel.Quiet()
	code := m.Run()
	if open := tfmodel.OpenTensors(); open != 0 {
		fmt.Fprintf(os.Stderr, "%d native tensors left open, want 0\n", open)
		code = 1
	}
	os.Exit(code)
}

// tiny is a network of the same code that runs in microseconds: an 8×10 input,
// two blocks, a feature map of 2×2×4.
func tiny() tfmodel.Architecture {
	return tfmodel.Architecture{Height: 8, Width: 10, Blocks: [][]int{{3}, {4, 4}}, Hidden: 5}
}

// pooled are tiny networks of every way to pool.
func pooled() []tfmodel.Architecture {
	average, gem, projected, all := tiny(), tiny(), tiny(), tiny()
	average.Pooling = tfmodel.Average
	gem.Pooling, gem.GeMPower = tfmodel.GeM, 2.5
	projected.Pooling, projected.Projection = tfmodel.Average, 3
	all.Pooling, all.GeMPower, all.Projection, all.Unit = tfmodel.GeM, 3, 6, true
	return []tfmodel.Architecture{average, gem, projected, all}
}

// nameOf names a network in a test's messages.
func nameOf(a tfmodel.Architecture) string {
	return fmt.Sprintf("%s %v projection %d unit %t", cmp.Or(a.Pooling, tfmodel.Flatten), a.GeMPower, a.Projection, a.Unit)
}

// randomWeights fills an architecture with seeded values, large enough that
// ReLUs and sigmoid stay away from their flat parts.
func randomWeights(t *testing.T, architecture tfmodel.Architecture, seed uint64) *weights.Set {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	var tensors []weights.Tensor
	for _, variable := range architecture.Variables() {
		values := make([]float32, variable.Size())
		for i := range values {
			values[i] = float32(random.NormFloat64()) * 0.5
		}
		tensors = append(tensors, weights.Tensor{Name: variable.Name, Shape: variable.Shape, Data: values})
	}
	set, err := weights.New(tensors...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// randomPixels are seeded images for an architecture.
func randomPixels(architecture tfmodel.Architecture, count int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	pixels := make([]byte, count*architecture.ImageBytes())
	for i := range pixels {
		pixels[i] = byte(random.UintN(256))
	}
	return pixels
}

func tinySource(t *testing.T) tfmodel.Source {
	t.Helper()
	return tfmodel.Source{
		Card:    tfmodel.Card{Name: "tiny", Architecture: tiny(), Threshold: 0.5},
		Weights: randomWeights(t, tiny(), 1),
	}
}

// exportTiny writes the tiny model and returns its folder.
func exportTiny(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny", "1")
	if err := tfmodel.Export(t.Context(), dir, tinySource(t), tfmodel.Options{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// loadTiny loads the tiny model; it is closed at the test's end.
func loadTiny(t *testing.T, options tfmodel.Options) *tfmodel.Model {
	t.Helper()
	return load(t, exportTiny(t), options)
}

// loadOf exports and loads a network with seeded weights.
func loadOf(t *testing.T, architecture tfmodel.Architecture, options tfmodel.Options) *tfmodel.Model {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny", "1")
	source := tinySource(t)
	source.Card.Architecture, source.Weights = architecture, randomWeights(t, architecture, 1)
	if err := tfmodel.Export(t.Context(), dir, source, tfmodel.Options{}); err != nil {
		t.Fatal(err)
	}
	return load(t, dir, options)
}

func load(t *testing.T, dir string, options tfmodel.Options) *tfmodel.Model {
	t.Helper()
	model, err := tfmodel.Load(t.Context(), dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return model
}
