package gpu

import (
	"context"
	"errors"
	"fmt"
	"math"

	"siamese/bench"
	"siamese/train"
)

// The batches that are learnt from, and of a CPU.
var (
	trainSizesGPU = []int{64, 128, 256}
	trainSizesCPU = []int{8}
)

const (
	perClass     = 4    // images of a class in a batch
	checkImages  = 16   // of the steps that are held against the CPU's
	checkSteps   = 3    // the loss of the last one has seen two updates
	learningRate = 1e-2 // so that two updates show
	// stepBar is what the loss may be off the CPU's at most, against it: float32
	// sums in another order. bfloat16 rounds thirteen layers to 7 bits.
	stepBar         = 1e-3
	stepBarBFloat16 = 0.05
)

// trainPart measures training in a precision.
func trainPart(precision string) func(*Bench, context.Context) error {
	return func(b *Bench, ctx context.Context) error {
		sizes := trainSizesGPU
		if b.onCPU() {
			sizes = trainSizesCPU
		}
		most := max(checkImages, sizes[len(sizes)-1])
		pixels, err := b.drawings(most)
		if err != nil {
			return err
		}
		image := len(pixels) / most
		if err := b.checkStep(ctx, precision, pixels[:checkImages*image]); err != nil {
			return err
		}
		return b.trainRates(ctx, precision, pixels, image, sizes)
	}
}

// checkStep holds some steps against the CPU's.
func (b *Bench) checkStep(ctx context.Context, precision string, pixels []byte) error {
	batch := bench.AllPairs(pixels, checkImages, perClass)
	want, err := b.steps(ctx, "cpu", nil, "float32", batch)
	if err != nil {
		return fmt.Errorf("on the CPU: %w", err)
	}
	got, err := b.steps(ctx, b.Device, nil, precision, batch)
	if err != nil {
		return err
	}
	bar := stepBar
	if precision == "bfloat16" {
		bar = stepBarBFloat16
	}
	b.tell(fmt.Sprintf("loss before a step of %d images, on the CPU", checkImages), want[0], "")
	b.tell(fmt.Sprintf("loss after %d steps, on the CPU", checkSteps-1), want[checkSteps-1], "")
	b.tellAtMost("loss before a step, off the CPU's, against it", math.Abs(got[0]/want[0]-1), "", bar)
	b.tellAtMost(fmt.Sprintf("loss after %d steps, off the CPU's, against it", checkSteps-1), math.Abs(got[checkSteps-1]/want[checkSteps-1]-1), "", bar)
	return nil
}

// steps runs some steps and returns the loss of each.
func (b *Bench) steps(ctx context.Context, device string, towers []string, precision string, batch train.Batch) (losses []float64, err error) {
	learner, err := b.OpenTrainer(device, towers, precision)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, learner.Close()) }()
	for range checkSteps {
		result, err := learner.Step(ctx, batch, learningRate)
		if err != nil {
			return nil, err
		}
		losses = append(losses, result.Loss)
	}
	return losses, nil
}

// trainRates measures steps of some sizes.
func (b *Bench) trainRates(ctx context.Context, precision string, pixels []byte, image int, sizes []int) (err error) {
	learner, err := b.OpenTrainer(b.Device, nil, precision)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, learner.Close()) }()
	for _, size := range sizes {
		if err := b.stepRate(ctx, learner, rateName(size), precision, bench.AllPairs(pixels[:size*image], size, perClass)); err != nil {
			return err
		}
	}
	if used := b.Card().UsedBytes; used > 0 {
		b.tell("GPU memory in use", megabytes(used), "MB")
	}
	return nil
}

// stepRate measures a step's time.
func (b *Bench) stepRate(ctx context.Context, learner bench.Learner, name, precision string, batch train.Batch) error {
	first, seconds, err := b.measure(func() error {
		_, err := learner.Step(ctx, batch, learningRate/1e4) // its time is what counts, and it must not diverge
		return err
	})
	if err != nil {
		return err
	}
	rate := float64(len(batch.Labels)) / seconds
	b.tell(name+", first step", first*1e3, "ms")
	b.tell(name+", a step", seconds*1e3, "ms")
	b.tell(name, rate, "images/s")
	if peak, ok := peakOf(b.Card().Name, precision); ok {
		// Forward, and about as much again for the images' and for the weights' gradients.
		b.tell(name+", share of the card's peak", 100*3*rate*b.ImageFLOP/(peak*1e12), "%")
	}
	return nil
}

// towers has two towers on one device share a step, and holds them against one
// tower that takes each share alone.
func (b *Bench) towers(ctx context.Context) (err error) {
	size, pair := 64, []string{b.Device, b.Device}
	if b.onCPU() {
		size, pair = 8, []string{"cpu:0", "cpu:1"}
	}
	pixels, err := b.drawings(2 * size)
	if err != nil {
		return err
	}
	half := len(pixels) / 2
	one, two := bench.AllPairs(pixels[:half], size, perClass), bench.AllPairs(pixels[half:], size, perClass)
	want := 0.0
	for _, share := range []train.Batch{one, two} {
		losses, err := b.steps(ctx, b.Device, nil, "float32", share)
		if err != nil {
			return err
		}
		want += losses[0] / 2
	}
	both := bench.Shared(one, two)
	got, err := b.steps(ctx, towerDevice(b.Device), pair, "float32", both)
	if err != nil {
		return err
	}
	b.tellAtMost("loss of two towers, off the mean of one tower's, against it", math.Abs(got[0]/want-1), "", stepBar)
	learner, err := b.OpenTrainer(towerDevice(b.Device), pair, "float32")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, learner.Close()) }()
	return b.stepRate(ctx, learner, fmt.Sprintf("two towers of %d images", size), "float32", both)
}

// towerDevice is the device that a trainer of towers is opened on: towers name
// GPUs as TensorFlow counts all of them.
func towerDevice(device string) string {
	if device == "cpu" {
		return device
	}
	return "auto"
}
