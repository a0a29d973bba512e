package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"

	"siamese/bench"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/imaging"
	"siamese/tfmodel"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/sample"
	"siamese/train/schedule"
	"siamese/weights"
)

type trainCommand struct {
	output
	Device string `help:"Chooses where to train: auto, cpu or gpu:N." default:"auto"`
	kerasFlags
}

// Run measures training on this machine.
func (c *trainCommand) Run(ctx context.Context, s cli.Streams) error {
	rows, err := c.training(ctx, c.Device, s)
	if err != nil {
		return err
	}
	return c.write(s, rows)
}

// training measures VGG16 at 105×105 from random weights.
func (f kerasFlags) training(ctx context.Context, device string, s cli.Streams) (rows []bench.Row, err error) {
	dir, err := os.MkdirTemp("", "siamese-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	set, err := tfmodel.Initial(trained, 1)
	if err != nil {
		return nil, err
	}
	data, err := newDrawings(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	keras, err := f.kerasCommand(dir, device, set, s.Err)
	if err != nil {
		return nil, err
	}
	return bench.Training{
		Open: func(precision string) (bench.Learner, error) {
			trainer, err := tfmodel.NewTrainer(trained, set,
				tfmodel.TrainerConfig{Optimizer: tfmodel.SGD, Momentum: 0.9, Nesterov: true, PairWeight: 1},
				tfmodel.Options{Device: device, Precision: tfmodel.Precision(precision)})
			if err != nil {
				return nil, err
			}
			return network.Trainer{Trainer: trainer}, nil
		},
		Draw: data.draw,
		Loop: func(ctx context.Context, model train.Model, images, steps int) error {
			return data.loop(ctx, filepath.Join(dir, "run"), model, images, steps)
		},
		Feed:     data.feed,
		Keras:    keras,
		Progress: s.Err,
	}.Run(ctx)
}

// trained is what is trained.
var trained = tfmodel.VGG16(tfmodel.DefaultSide, tfmodel.DefaultSide)

// drawings is a small dataset made of the built-in model's drawings.
type drawings struct {
	path     string
	files    [][]byte // PNG
	preparer *imaging.Preparer
	affine   augment.Augmenter
}

// The sizes of the dataset: enough for batches of 256.
const (
	classCount     = 64
	imagesPerClass = 4
)

// newDrawings writes the dataset into a folder.
func newDrawings(path string) (*drawings, error) {
	d := &drawings{path: path}
	a, b, err := goldenFiles()
	if err != nil {
		return nil, err
	}
	d.files = [][]byte{a, b}
	if d.preparer, err = imaging.New(imaging.Config{Width: trained.Width, Height: trained.Height}); err != nil {
		return nil, err
	}
	if d.affine, err = augment.New("affine", augment.Config{Width: trained.Width, Height: trained.Height}); err != nil {
		return nil, err
	}
	for class := range classCount {
		folder := filepath.Join(path, fmt.Sprint("class", class))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		for image := range imagesPerClass {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(image, ".png")), d.files[image%len(d.files)], 0o600); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// draw decodes, prepares and varies one of the drawings.
func (d *drawings) draw(random *rand.Rand) ([]byte, error) {
	picture, err := d.preparer.Prepare(d.files[random.IntN(len(d.files))])
	if err != nil {
		return nil, err
	}
	return d.affine.Apply(random, picture).Pix, nil
}

// feed makes batches as `siamese train` does for a network, with all pictures in
// memory.
func (d *drawings) feed(ctx context.Context, images, batches int, take func(train.Batch)) error {
	return d.with(ctx, images, func(setup train.Setup) error { return train.Feed(ctx, setup, batches, take) })
}

// loop trains as `siamese train` does, in a run folder, and keeps no weights.
func (d *drawings) loop(ctx context.Context, dir string, model train.Model, images, steps int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return d.with(ctx, images, func(setup train.Setup) error {
		setup.Config = train.Config{
			Epochs: 1, StepsPerEpoch: steps, LogSteps: 1,
			Schedule: schedule.Config{Kind: schedule.Constant, Rate: 1e-4, Epochs: 1, StepsPerEpoch: steps},
		}
		setup.Describe, setup.Dir, setup.Model = json.RawMessage(`{}`), dir, model
		setup.Save = func(string, *weights.Set) error { return nil }
		setup.Log = slog.New(slog.DiscardHandler)
		return train.Run(ctx, setup)
	})
}

// with opens the dataset for batches of a number of images.
func (d *drawings) with(ctx context.Context, images int, use func(train.Setup) error) (err error) {
	data, _, err := dataset.Open(ctx, dataset.Config{Path: d.path, Preparer: d.preparer})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	sampler, err := sample.NewAllPairs(data, sample.AllPairsConfig{Images: images, Seed: 1})
	if err != nil {
		return err
	}
	return use(train.Setup{Data: data, Sampler: sampler, Augment: d.affine})
}
