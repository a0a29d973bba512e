package train

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/sample"
)

// feedAhead is how many batches are ready before they are asked for, beside the one
// in the making: a device that takes less time on average than the feed must not
// wait when one batch takes longer, by a collection or by other work on the cores.
// Each is 8.5 MB of 256 images at 105x105.
const feedAhead = 3

// fed is a batch that is ready for the device.
type fed struct {
	batch   Batch
	width   int // of each image, in pixels
	height  int
	names   []string // the images' names
	sampler []byte   // the sampler's state after this batch
	err     error
}

// feeder draws, decodes and augments batches ahead of the device, in order.
type feeder struct {
	data    *dataset.Dataset
	sampler sample.Sampler
	augment augment.Augmenter
	domains map[string]augment.Augmenter
	target  float64 // of pairs of one kind
	seed    uint64
	workers int
	towers  int
	ready   chan fed
	stop    context.CancelFunc
	ended   chan struct{}
}

// Feed makes batches as Run does and hands each to take, which returns when it is
// done with it: a training run without the network, for measuring. It uses the
// setup's Data, Sampler and Augment.
func Feed(ctx context.Context, setup Setup, batches int, take func(Batch)) error {
	f := newFeeder(ctx, setup, 0)
	defer f.close()
	for range batches {
		next, err := f.next(ctx)
		if err != nil {
			return err
		}
		take(next.batch)
	}
	return nil
}

// newFeeder starts a feeder at a step. The caller closes it.
func newFeeder(ctx context.Context, setup Setup, step int64) *feeder {
	ctx, stop := context.WithCancel(ctx)
	f := &feeder{
		data: setup.Data, sampler: setup.Sampler, augment: setup.Augment, domains: setup.AugmentDomains, target: setup.KindTarget, seed: setup.Seed, workers: setup.Workers, towers: max(1, setup.Towers),
		ready: make(chan fed, feedAhead), stop: stop, ended: make(chan struct{}),
	}
	if f.workers == 0 {
		f.workers = runtime.GOMAXPROCS(0)
	}
	go f.run(ctx, step)
	return f
}

func (f *feeder) close() {
	f.stop()
	<-f.ended
}

// next waits for a batch.
func (f *feeder) next(ctx context.Context) (fed, error) {
	select {
	case next := <-f.ready:
		return next, next.err
	case <-ctx.Done():
		return fed{}, ctx.Err()
	}
}

func (f *feeder) run(ctx context.Context, step int64) {
	defer close(f.ended)
	for ; ; step++ {
		made := f.make(step)
		select {
		case f.ready <- made:
		case <-ctx.Done():
			return
		}
	}
}

// make draws the batch of a step, a share for each tower. Its chance depends on
// seed, step and place alone, so that a resumed run sees what an uninterrupted
// one would have seen.
func (f *feeder) make(step int64) fed {
	var images []dataset.Image
	var batch Batch
	for range f.towers {
		drawn := f.sampler.Next()
		batch.add(drawn, f.target)
		images = append(images, drawn.Images...)
	}
	if f.towers == 1 {
		batch.Shares = nil
	}
	state, err := f.sampler.State()
	if err != nil {
		return fed{err: err}
	}
	made := fed{sampler: state, names: make([]string, len(images))}
	for i, image := range images {
		made.names[i] = image.Name
	}
	made.width, made.height = f.augment.Size()
	batch.Pixels = make([]byte, len(images)*made.width*made.height*3)
	if err := f.pictures(step, images, batch.Pixels); err != nil {
		return fed{err: err}
	}
	made.batch = batch
	return made
}

// add appends what was drawn as a further share; kindTarget is the target of pairs of
// one kind.
func (b *Batch) add(drawn sample.Batch, kindTarget float64) {
	offset := int32(len(b.Labels))
	b.A, b.B = slices.Grow(b.A, len(drawn.A)), slices.Grow(b.B, len(drawn.B))
	for i := range drawn.A {
		b.A, b.B = append(b.A, drawn.A[i]+offset), append(b.B, drawn.B[i]+offset)
	}
	for _, pair := range drawn.Unknown {
		b.Unknown = append(b.Unknown, [2]int32{pair[0] + offset, pair[1] + offset})
	}
	b.Same = append(b.Same, drawn.Same...)
	b.Weights = append(b.Weights, weighted(drawn)...)
	b.Labels = append(b.Labels, drawn.Labels...)
	b.Shares = append(b.Shares, len(drawn.Images))
	if drawn.Kinds == nil {
		return
	}
	b.Kinds = append(b.Kinds, drawn.Kinds...)
	for i, same := range drawn.Same {
		target := float32(0)
		if same {
			target = 1
		} else if related(drawn, i) {
			target = float32(kindTarget)
		}
		b.Targets = append(b.Targets, target)
	}
}

// related reports whether a pair is of two things of one kind.
func related(b sample.Batch, pair int) bool {
	return b.Kinds != nil && !b.Same[pair] && b.Kinds[b.A[pair]] == b.Kinds[b.B[pair]]
}

// weighted weighs pairs so that same and different ones count half each, and of the
// different ones those of one kind as much as all others.
func weighted(b sample.Batch) []float32 {
	weights := balanced(b.Same)
	kinds, different := 0, 0
	for i, same := range b.Same {
		if !same {
			different++
		}
		if related(b, i) {
			kinds++
		}
	}
	if kinds == 0 || kinds == different {
		return weights
	}
	for i, same := range b.Same {
		switch {
		case same:
		case related(b, i):
			weights[i] *= float32(different) / float32(2*kinds)
		default:
			weights[i] *= float32(different) / float32(2*(different-kinds))
		}
	}
	return weights
}

// pictures takes and augments images into pixels, [N,H,W,3], some at a time.
func (f *feeder) pictures(step int64, images []dataset.Image, pixels []byte) error {
	var group errgroup.Group
	var taken atomic.Int64
	each := len(pixels) / len(images)
	for range min(f.workers, len(images)) {
		group.Go(func() error {
			chance := new(rand.PCG)
			random := rand.New(chance)
			for i := int(taken.Add(1)) - 1; i < len(images); i = int(taken.Add(1)) - 1 {
				chance.Seed(f.seed, uint64(step)<<16|uint64(i))
				if err := f.picture(random, images[i], pixels[i*each:(i+1)*each]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// picture augments an image into its place in a batch.
func (f *feeder) picture(random *rand.Rand, image dataset.Image, out []byte) error {
	augmenter := f.augmenterOf(image)
	if gray, ok := augmenter.(augment.GrayAugmenter); ok {
		if pixels, ok := f.data.Gray(image); ok {
			width, height := f.data.Size()
			gray.ApplyGray(random, augment.Gray{Width: width, Height: height, Pix: pixels}, out)
			return nil
		}
	}
	picture, err := f.data.Picture(image)
	if err != nil {
		return err
	}
	copy(out, augmenter.Apply(random, picture).Pix)
	return nil
}

// augmenterOf is the augmenter for an image's domain.
func (f *feeder) augmenterOf(image dataset.Image) augment.Augmenter {
	domain, _, _ := strings.Cut(image.Name, "/")
	if augmenter, ok := f.domains[domain]; ok {
		return augmenter
	}
	return f.augment
}

// balanced weighs pairs so that same and different ones count half each.
func balanced(same []bool) []float32 {
	count := 0
	for _, is := range same {
		if is {
			count++
		}
	}
	forSame, forDifferent := 0.5/float32(count), 0.5/float32(len(same)-count)
	if count == 0 || count == len(same) {
		forSame, forDifferent = 1/float32(len(same)), 1/float32(len(same))
	}
	weights := make([]float32, len(same))
	for i, is := range same {
		weights[i] = forDifferent
		if is {
			weights[i] = forSame
		}
	}
	return weights
}
