package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"

	"siamese/train"
)

// Learner is a network that learns, in this process.
type Learner interface {
	train.Model
	// Close gives its memory back.
	Close() error
}

// Training measures training steps and what feeds them, and compares them with
// Keras' where it is at hand.
type Training struct {
	// Open makes a learner whose convolutions are computed in a precision,
	// "float32" or "bfloat16": no block is frozen, and it begins with the same
	// weights each time, those that Keras loads. Run closes it.
	Open func(precision string) (Learner, error)
	// Draw decodes an image, prepares it and varies it: uint8 [H,W,3]. It is
	// called concurrently, each time with a source of its own.
	Draw func(random *rand.Rand) ([]byte, error)
	// Loop trains a model for a number of steps, as a run does. images counts those of
	// a batch.
	Loop func(ctx context.Context, model train.Model, images, steps int) error
	// Feed makes batches as a run does and hands each to take, which learns nothing
	// from it. images counts those of a batch.
	Feed func(ctx context.Context, images, batches int, take func(train.Batch)) error
	// Keras is the command of scripts/keras_bench.py with all arguments but
	// --pixels and --same, which are appended. Empty: what needs Keras is left out.
	Keras []string
	// Progress is told what is going on, for a person.
	Progress io.Writer
}

// How much is measured, and the bars.
const (
	largeImages   = 64 // of a step of all pairs
	largePerClass = 4
	largeSteps    = 2

	smallImages = 16 // of a step of pairs of their own, as Keras is given them
	tinyImages  = 2
	rounds      = 5

	drawImages = 512
	loopSteps  = 4

	feedImages = 256 // of a batch
	feedWarmUp = 5   // batches that do not count: those that were made ahead are ready
	feedRound  = 10  // batches that are timed together

	kerasBar  = 0.95 // of Keras' images a second
	pairsBar  = 40   // times Keras' pairs a second
	drawBar   = 20   // times what a step takes
	feedBar   = 300  // images a second of a core
	peakBarMB = 6000

	learningRate  = 1e-4 // as in scripts/keras_bench.py
	lossTolerance = 1e-3 // float32 sums in another order move a loss by 1e-5
)

// The precisions of Training.Open.
const (
	precisionFloat32  = "float32"
	precisionBFloat16 = "bfloat16"
)

// Run measures everything; it takes a few minutes.
func (t Training) Run(ctx context.Context) ([]Row, error) {
	random := rand.New(rand.NewPCG(1, 0))
	pixels, err := t.drawMany(random, largeImages)
	if err != nil {
		return nil, fmt.Errorf("bench training: %w", err)
	}
	large, largeRows, err := t.largeRows(ctx, pixels)
	if err != nil {
		return nil, fmt.Errorf("bench training of %d images: %w", largeImages, err)
	}
	small, err := t.measureRounds(ctx, pixels[:len(pixels)/largeImages*smallImages])
	if err != nil {
		return nil, fmt.Errorf("bench training of %d images: %w", smallImages, err)
	}
	fed, err := t.feedRows(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench training's input: %w", err)
	}
	return slices.Concat(largeRows, small.rows(), small.kerasRows(large), fed), nil
}

func (t Training) say(what string) {
	fmt.Fprintf(t.Progress, "bench: %s\n", what)
}

// largeRows measures steps of all pairs, the usual way to train, and gives a
// step's seconds.
func (t Training) largeRows(ctx context.Context, pixels []byte) (seconds float64, rows []Row, err error) {
	t.say(fmt.Sprintf("training steps of %d images, all pairs", largeImages))
	learner, err := t.Open(precisionFloat32)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, learner.Close()) }()
	batch := AllPairs(pixels, largeImages, largePerClass)
	times, err := repeat(largeSteps, func() error {
		_, err := learner.Step(ctx, batch, learningRate)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	peak, err := MemoryMB(os.Getpid(), "VmHWM")
	if err != nil {
		return 0, nil, err
	}
	seconds = Median(times)
	return seconds, []Row{
		Figure(fmt.Sprintf("training step, %d images, all pairs", largeImages), seconds, "s"),
		Figure(fmt.Sprintf("training step, %d images, all pairs, rate", largeImages), largeImages/seconds, "images/s"),
		Figure(fmt.Sprintf("training step, %d images, all pairs, pairs", largeImages), float64(len(batch.A))/seconds, "pairs/s"),
		AtMost(fmt.Sprintf("resident memory, training with %d images, most", largeImages), peak, "MB", peakBarMB),
	}, nil
}

// AllPairs is a batch of every pair of the images, uint8 [images,H,W,3], which
// come in classes of perClass each. It keeps pixels.
func AllPairs(pixels []byte, images, perClass int) train.Batch {
	batch := train.Batch{Pixels: pixels}
	for i := range images {
		batch.Labels = append(batch.Labels, int32(i/perClass))
		for j := i + 1; j < images; j++ {
			batch.A, batch.B = append(batch.A, int32(i)), append(batch.B, int32(j))
			batch.Same = append(batch.Same, i/perClass == j/perClass)
		}
	}
	batch.Weights = evenly(len(batch.A))
	return batch
}

// Shared is a batch of two shares, one for each of two towers.
func Shared(one, two train.Batch) train.Batch {
	first := int32(len(one.Labels))
	both := train.Batch{
		Pixels: slices.Concat(one.Pixels, two.Pixels), A: slices.Clone(one.A), B: slices.Clone(one.B),
		Same: slices.Concat(one.Same, two.Same), Weights: slices.Concat(one.Weights, two.Weights),
		Labels: slices.Concat(one.Labels, two.Labels), Shares: []int{len(one.Labels), len(two.Labels)},
	}
	for i := range two.A {
		both.A, both.B = append(both.A, two.A[i]+first), append(both.B, two.B[i]+first)
	}
	return both
}

// ownPairs is a batch in which each image is in one pair, every other one same:
// the pair loop of Keras.
func ownPairs(pixels []byte, images int) train.Batch {
	batch := train.Batch{Pixels: pixels}
	for i := range images / 2 {
		batch.A, batch.B = append(batch.A, int32(2*i)), append(batch.B, int32(2*i+1))
		batch.Same = append(batch.Same, i%2 == 0)
		batch.Labels = append(batch.Labels, int32(2*i), int32(2*i+i%2))
	}
	batch.Weights = evenly(len(batch.A))
	return batch
}

// evenly gives each pair the same weight, as a mean does.
func evenly(pairs int) []float32 {
	weights := make([]float32, pairs)
	for i := range weights {
		weights[i] = 1 / float32(pairs)
	}
	return weights
}
