package tfmodel_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"siamese/tfmodel"
	"siamese/weights"
)

// TestInitialStartsAlive: with He's kernels the scale of what flows through the
// network stays, and the head begins near "don't know".
func TestInitialStartsAlive(t *testing.T) {
	for seed := range uint64(3) {
		architecture := tfmodel.VGG16(32, 32)
		set, err := tfmodel.Initial(architecture, seed)
		must(t, err)
		trainer, err := tfmodel.NewTrainer(architecture, set, tfmodel.TrainerConfig{PairWeight: 1}, tfmodel.Options{})
		must(t, err)
		embeddings, err := trainer.Encode(t.Context(), randomPixels(architecture, 4, seed))
		must(t, err)
		squares := 0.0
		for _, value := range embeddings {
			squares += float64(value) * float64(value)
		}
		// Glorot's kernels give 0.003 here (and a loss that stays at 0.693).
		if rms := math.Sqrt(squares / float64(len(embeddings))); rms < 0.1 || rms > 10 {
			t.Errorf("seed %d: embeddings have rms %v, want 0.1 to 10", seed, rms)
		}
		length := architecture.EmbeddingLength()
		similarities, err := trainer.Compare(t.Context(), embeddings[:2*length], embeddings[2*length:])
		must(t, err)
		for _, similarity := range similarities {
			if similarity < 0.2 || similarity > 0.8 {
				t.Errorf("seed %d: an untrained similarity is %v, want about 0.5", seed, similarity)
			}
		}
		must(t, trainer.Close())
	}
}

func TestOverlay(t *testing.T) {
	base := randomWeights(t, tiny(), 1)
	over, err := weights.New(
		weights.Tensor{Name: "block1_conv1/bias", Shape: []int{3}, Data: []float32{7, 8, 9}},
		weights.Tensor{Name: "dense_1/bias", Shape: []int{2}, Data: []float32{1, 2}},
		weights.Tensor{Name: "elsewhere", Shape: []int{1}, Data: []float32{1}})
	must(t, err)
	merged, taken, passed, err := tfmodel.Overlay(base, over)
	must(t, err)
	bias, _ := merged.Get("block1_conv1/bias")
	if bias.Data[0] != 7 || merged.Len() != base.Len() || strings.Join(taken, " ") != "block1_conv1/bias" || strings.Join(passed, " ") != "dense_1/bias" {
		t.Errorf("Overlay took %v and passed over %v of %d tensors, want block1_conv1/bias and dense_1/bias of %d", taken, passed, merged.Len(), base.Len())
	}
}

// TestFoldInput holds the folded network on RGB in 0..1 against the plain-Go
// reference on scaled input, away from the border.
func TestFoldInput(t *testing.T) {
	architecture := tfmodel.Architecture{Height: 6, Width: 6, Blocks: [][]int{{2}}, Hidden: 1}
	set := randomWeights(t, architecture, 4)
	for name, scaling := range map[string]tfmodel.InputScaling{
		"imagenet": tfmodel.ImageNetScaling(),
		"RGB":      {Scale: [3]float64{-100, -90, -80}, Shift: [3]float64{1, 0.5, 0}}} {
		folded, err := tfmodel.FoldInput(set, scaling)
		must(t, err)
		pixels := randomPixels(architecture, 1, 9)
		x, scaled := newPlane(6, 6, 3), newPlane(6, 6, 3)
		for i, value := range pixels {
			row, column, channel := i/18, i/3%6, i%3
			x[row][column][channel] = float64(value) / 255
			into := channel
			if scaling.BGR {
				into = 2 - channel
			}
			scaled[row][column][into] = scaling.Scale[channel] * (float64(value)/255 - scaling.Shift[channel])
		}
		got := reference{architecture, folded}.convolution(x, "block1_conv1")
		want := reference{architecture, set}.convolution(scaled, "block1_conv1")
		for row := 1; row < 5; row++ {
			for column := 1; column < 5; column++ {
				for output, value := range want[row][column] {
					if difference := math.Abs(got[row][column][output] - value); difference > 1e-3*(1+math.Abs(value)) {
						t.Errorf("%s: (%d,%d,%d) = %v folded, %v scaled", name, row, column, output, got[row][column][output], value)
					}
				}
			}
		}
	}
}

func TestRescaleLogit(t *testing.T) {
	set := randomWeights(t, tiny(), 1)
	rescaled, err := tfmodel.RescaleLogit(set, 0.5, -1)
	must(t, err)
	a, b := reference{tiny(), set}, reference{tiny(), rescaled}
	one, two := a.encode(randomPixels(tiny(), 1, 1)), a.encode(randomPixels(tiny(), 1, 2))
	logit := func(p float64) float64 { return math.Log(p / (1 - p)) }
	if got, want := logit(b.compare(one, two)), 0.5*logit(a.compare(one, two))-1; math.Abs(got-want) > 1e-5 {
		t.Errorf("logit = %v, want %v", got, want)
	}
}

// TestStepOnEmbeddings: with all blocks frozen a step on embeddings is the step
// on the images that they were made from.
func TestStepOnEmbeddings(t *testing.T) {
	config := tfmodel.TrainerConfig{PairWeight: 1, FrozenBlocks: 2}
	onImages, onEmbeddings := newTrainer(t, config), newTrainer(t, config)
	batch := tinyBatch()
	embeddings, err := onImages.Encode(t.Context(), batch.Pixels)
	must(t, err)
	for range 3 {
		want, err := onImages.Step(t.Context(), batch, 0.05)
		must(t, err)
		brief := batch
		brief.Pixels, brief.Embeddings = nil, embeddings
		got, err := onEmbeddings.Step(t.Context(), brief, 0.05)
		must(t, err)
		if math.Abs(got.Loss-want.Loss) > lossTolerance {
			t.Errorf("loss on embeddings = %v, on images %v", got.Loss, want.Loss)
		}
	}
	brief := batch
	brief.Pixels, brief.Embeddings = nil, embeddings
	if _, err := newTrainer(t, tfmodel.TrainerConfig{PairWeight: 1}).Step(t.Context(), brief, 0.1); err == nil {
		t.Error("Step on embeddings with blocks that learn = nil error, want one")
	}
}

// TestFrozenProjection: with it, and all blocks frozen, the head learns on embeddings
// alone; without it the projection learns beside the head and takes no embeddings.
func TestFrozenProjection(t *testing.T) {
	architecture := pooled()[3]
	batch := tinyBatch()
	embeddings := make([]float32, len(batch.Labels)*architecture.EmbeddingLength())
	brief := batch
	brief.Pixels, brief.Embeddings = nil, embeddings
	for _, frozen := range []bool{true, false} {
		trainer := newTrainerOf(t, architecture, tfmodel.TrainerConfig{PairWeight: 1, FrozenBlocks: 2, FrozenProjection: frozen})
		if _, err := trainer.Step(t.Context(), brief, 0.05); (err == nil) != frozen {
			t.Errorf("frozen %t: Step on embeddings = %v", frozen, err)
		}
		before, err := trainer.Weights()
		must(t, err)
		_, err = trainer.Step(t.Context(), batch, 0.05)
		must(t, err)
		after, err := trainer.Weights()
		must(t, err)
		old, _ := before.Get("projection/kernel")
		now, _ := after.Get("projection/kernel")
		if slices.Equal(old.Data, now.Data) != frozen {
			t.Errorf("frozen %t: the projection stayed %t", frozen, !frozen)
		}
	}
}

// TestSetProjection: the kernel is where it belongs, and embeddings have length 1.
func TestSetProjection(t *testing.T) {
	architecture := tiny().Projected()
	if architecture.Pooling != tfmodel.Average || architecture.Projection != 4 || !architecture.Unit {
		t.Fatalf("Projected() = %s, want average, projection 4, unit", nameOf(architecture))
	}
	kernel := make([]float32, 16)
	for i := range 4 {
		kernel[i*4+(i+1)%4] = 2 // moves each channel to the next
	}
	set, err := tfmodel.SetProjection(architecture, randomWeights(t, architecture, 1), kernel)
	must(t, err)
	plain := tiny()
	plain.Pooling = tfmodel.Average
	pixels := randomPixels(architecture, 1, 4)
	want := reference{plain, set}.encode(pixels)
	got := reference{architecture, set}.encode(pixels)
	squares := 0.0
	for i, value := range got {
		squares += value * value
		if ratio := value / want[(i+3)%4] * want[0] / got[1]; want[(i+3)%4] != 0 && math.Abs(ratio-1) > 1e-6 {
			t.Errorf("value %d = %v, want a multiple of %v", i, value, want[(i+3)%4])
		}
	}
	if math.Abs(squares-1) > 1e-3 {
		t.Errorf("embedding has the length² %v, want 1", squares)
	}
	if _, err := tfmodel.SetProjection(architecture, set, kernel[1:]); err == nil {
		t.Error("SetProjection of 15 values = nil error, want one")
	}
}
