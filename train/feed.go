package train

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"

	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/sample"
)

// errNotThere is what a missing checkpoint is told by.
var errNotThere = fs.ErrNotExist

// feedAhead is how many batches are ready before they are asked for: one to
// take, one in the making.
const feedAhead = 1

// fed is a batch that is ready for the device.
type fed struct {
	batch   Batch
	names   []string // the images' names
	sampler []byte   // the sampler's state after this batch
	err     error
}

// feeder draws, decodes and augments batches ahead of the device, in order.
type feeder struct {
	data    *dataset.Dataset
	sampler sample.Sampler
	augment augment.Augmenter
	seed    uint64
	ready   chan fed
	stop    context.CancelFunc
	ended   chan struct{}
}

// newFeeder starts a feeder at a step. The caller closes it.
func newFeeder(ctx context.Context, data *dataset.Dataset, sampler sample.Sampler, augmenter augment.Augmenter, seed uint64, step int64) *feeder {
	ctx, stop := context.WithCancel(ctx)
	f := &feeder{
		data: data, sampler: sampler, augment: augmenter, seed: seed,
		ready: make(chan fed, feedAhead), stop: stop, ended: make(chan struct{}),
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

// make draws the batch of a step. Its chance depends on seed, step and place
// alone, so that a resumed run sees what an uninterrupted one would have seen.
func (f *feeder) make(step int64) fed {
	drawn := f.sampler.Next()
	state, err := f.sampler.State()
	if err != nil {
		return fed{err: err}
	}
	pixels := make([][]byte, len(drawn.Images))
	names := make([]string, len(drawn.Images))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, image := range drawn.Images {
		names[i] = image.Name
		group.Go(func() error {
			picture, err := f.data.Picture(image)
			if err != nil {
				return err
			}
			random := rand.New(rand.NewPCG(f.seed, uint64(step)<<16|uint64(i)))
			pixels[i] = f.augment.Apply(random, picture).Pix
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fed{err: err}
	}
	batch := Batch{A: drawn.A, B: drawn.B, Same: drawn.Same, Weights: balanced(drawn.Same), Labels: drawn.Labels}
	for _, one := range pixels {
		batch.Pixels = append(batch.Pixels, one...)
	}
	return fed{batch: batch, names: names, sampler: state}
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
