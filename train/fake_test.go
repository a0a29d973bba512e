package train_test

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"siamese/imaging"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/sample"
	"siamese/train/schedule"
	"siamese/weights"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// side is the input size of the tests' network.
const side = 8

// fake is a network of one weight, which each step moves by an amount that
// depends on everything that it was given: runs that differ in anything end
// elsewhere.
type fake struct {
	weight float32
	steps  int
	losses []float64
	// before is called before each step with its number, from 1.
	before func(step int) error
	loss   func(step int) float64
}

func (f *fake) Step(_ context.Context, batch train.Batch, learningRate float64) (train.Losses, error) {
	f.steps++
	if f.before != nil {
		if err := f.before(f.steps); err != nil {
			return train.Losses{}, err
		}
	}
	sum := 0.0
	for i, pixel := range batch.Pixels {
		sum += float64(pixel) * float64(i%7+1)
	}
	for i := range batch.A {
		sum += float64(batch.A[i]) - 2*float64(batch.B[i]) + float64(batch.Weights[i])
	}
	for _, value := range slices.Concat(batch.Embeddings, batch.Targets, batch.Relations) {
		sum += float64(value)
	}
	loss := math.Mod(math.Abs(sum), 97) / 97
	f.weight += float32(learningRate * loss)
	if f.loss != nil {
		loss = f.loss(f.steps)
	}
	f.losses = append(f.losses, loss)
	return train.Losses{Loss: loss, Pair: loss}, nil
}

func (f *fake) set() (*weights.Set, error) {
	return weights.New(weights.Tensor{Name: "weight", Shape: []int{1}, Data: []float32{f.weight}})
}

func (f *fake) State() (*weights.Set, error)    { return f.set() }
func (f *fake) Weights() (*weights.Set, error)  { return f.set() }
func (f *fake) Averages() (*weights.Set, error) { return f.set() }

func (f *fake) Restore(state *weights.Set) error { return f.SetWeights(state) }

func (f *fake) SetWeights(set *weights.Set) error {
	tensor, ok := set.Get("weight")
	if !ok {
		return fmt.Errorf("no weight")
	}
	f.weight = tensor.Data[0]
	return nil
}

// Encode is one number an image: its mean.
func (f *fake) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	const size = side * side * 3
	var embeddings []float32
	for begin := 0; begin < len(pixels); begin += size {
		sum := 0
		for _, pixel := range pixels[begin : begin+size] {
			sum += int(pixel)
		}
		embeddings = append(embeddings, float32(sum)/size)
	}
	return embeddings, nil
}

// Compare falls with the distance.
func (f *fake) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	var similarities []float32
	for i := range a {
		similarities = append(similarities, float32(math.Exp(-math.Abs(float64(a[i]-b[i]))/10)))
	}
	return similarities, nil
}

// makeData writes classes of grey pictures and opens them.
func makeData(t *testing.T) *dataset.Dataset {
	t.Helper()
	return openData(t, writeData(t), 0)
}

// openData opens data with so much memory for decoded pictures.
func openData(t *testing.T, root string, pixelBytes int64) *dataset.Dataset {
	t.Helper()
	preparer, err := imaging.New(imaging.Config{Width: side, Height: side})
	must(t, err)
	data, _, err := dataset.Open(t.Context(), dataset.Config{Path: root, Preparer: preparer, PixelBytes: pixelBytes})
	must(t, err)
	t.Cleanup(func() { must(t, data.Close()) })
	return data
}

// writeData writes classes of grey pictures.
func writeData(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for class := range 6 {
		dir := filepath.Join(root, fmt.Sprintf("class%d", class))
		must(t, os.Mkdir(dir, 0o755))
		for number := range 5 {
			picture := image.NewGray(image.Rect(0, 0, side, side))
			for i := range picture.Pix {
				picture.Pix[i] = uint8(40*class + number + i%3)
			}
			picture.SetGray(number, number, color.Gray{Y: 255})
			file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.png", number)))
			must(t, err)
			must(t, png.Encode(file, picture))
			must(t, file.Close())
		}
	}
	return root
}

// saved counts what a run saved under each name.
type saved map[string]int

// setup is a run of 3 epochs of 4 steps on a fake network.
func setup(t *testing.T, dir string, model train.Model, kept saved) train.Setup {
	t.Helper()
	data := makeData(t)
	learn, held, err := data.Split(dataset.Split{By: dataset.ByClass, HoldOut: 2, Seed: 1})
	must(t, err)
	sampler, err := sample.NewAllPairs(learn, sample.AllPairsConfig{Images: 6, PerClass: 2, Seed: 3})
	must(t, err)
	augmenter, err := augment.New("affine", augment.Config{Width: side, Height: side})
	must(t, err)
	return train.Setup{
		Config: train.Config{
			Epochs: 3, StepsPerEpoch: 4, LogSteps: 2, Seed: 5, SavePeriod: 2,
			Schedule: schedule.Config{Kind: schedule.Smooth, Rate: 0.1, MinRate: 0.01, Epochs: 3, StepsPerEpoch: 4},
		},
		Describe:   json.RawMessage(`{}`),
		Dir:        dir,
		Model:      model,
		Sampler:    sampler,
		Data:       learn,
		Augment:    augmenter,
		Validation: &train.Validation{Data: held, Pairs: 20, Seed: 7},
		Save: func(name string, _ *weights.Set) error {
			kept[name]++
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
