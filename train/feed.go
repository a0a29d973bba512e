package train

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"

	"siamese/imaging"
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
	seed    uint64
	workers int
	towers  int
	ready   chan fed
	stop    context.CancelFunc
	ended   chan struct{}
}

// newFeeder starts a feeder at a step. The caller closes it.
func newFeeder(ctx context.Context, setup Setup, step int64) *feeder {
	ctx, stop := context.WithCancel(ctx)
	f := &feeder{
		data: setup.Data, sampler: setup.Sampler, augment: setup.Augment, seed: setup.Seed, workers: setup.Workers, towers: max(1, setup.Towers),
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
		batch.add(drawn)
		images = append(images, drawn.Images...)
	}
	if f.towers == 1 {
		batch.Shares = nil
	}
	state, err := f.sampler.State()
	if err != nil {
		return fed{err: err}
	}
	pictures, err := f.pictures(step, images)
	if err != nil {
		return fed{err: err}
	}
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = image.Name
		batch.Pixels = append(batch.Pixels, pictures[i].Pix...)
	}
	return fed{batch: batch, width: pictures[0].Width, height: pictures[0].Height, names: names, sampler: state}
}

// add appends what was drawn as a further share.
func (b *Batch) add(drawn sample.Batch) {
	offset := int32(len(b.Labels))
	for i := range drawn.A {
		b.A, b.B = append(b.A, drawn.A[i]+offset), append(b.B, drawn.B[i]+offset)
	}
	b.Same = append(b.Same, drawn.Same...)
	b.Weights = append(b.Weights, balanced(drawn.Same)...)
	b.Labels = append(b.Labels, drawn.Labels...)
	b.Shares = append(b.Shares, len(drawn.Images))
}

// pictures decodes and augments images, some at a time.
func (f *feeder) pictures(step int64, images []dataset.Image) ([]*imaging.Picture, error) {
	pictures := make([]*imaging.Picture, len(images))
	var group errgroup.Group
	group.SetLimit(f.workers)
	for i, image := range images {
		group.Go(func() error {
			picture, err := f.data.Picture(image)
			if err != nil {
				return err
			}
			random := rand.New(rand.NewPCG(f.seed, uint64(step)<<16|uint64(i)))
			pictures[i] = f.augment.Apply(random, picture)
			return nil
		})
	}
	return pictures, group.Wait()
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
