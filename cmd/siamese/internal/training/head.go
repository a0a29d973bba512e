package training

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/train"
	"siamese/train/augment"
	"siamese/weights"
)

// HeadCommand is `siamese head`.
type HeadCommand struct {
	Out  string `arg:"" help:"The weight file to write, safetensors; a card is written beside it."`
	Data string `help:"Names the images to learn from, as for train." required:"" placeholder:"PATH"`
	From string `help:"Names the weight file to take encoder and head from." required:"" placeholder:"FILE"`

	Begin         string  `help:"Chooses the head to begin with: file (the file's own), untrained (random) or distance (a weighted distance of the embeddings, which stays one)." enum:"file,untrained,distance" default:"distance"`
	Copies        int     `help:"Sets how many augmented drawings of each class are encoded." default:"4"`
	Steps         int     `help:"Sets the steps on these embeddings. An untrained head needs 2,000 or more." default:"200"`
	Pairs         int     `help:"Sets the pairs of a step, half of them same." default:"512"`
	AlphabetShare float64 `help:"Sets the share of the different pairs that are within one alphabet." default:"0.7"`
	Rate          float64 `help:"Sets the highest learning rate, of Adam. An untrained head takes 0.001." default:"0.0002"`
	WeightDecay   float64 `help:"Sets the decoupled weight decay. 0: none." default:"0"`
	Shift         float64 `help:"Sets the largest shift of augmentation, in pixels. 0: none." default:"8"`
	Device        string  `help:"Chooses where to train: auto, cpu or gpu:N." default:"auto"`
	Precision     string  `help:"Chooses what the encoder is computed in: float32, tf32 (GPU) or bfloat16." enum:"float32,tf32,bfloat16" default:"float32"`

	heldFlags
	network.TrustFlags
}

// Run trains the head alone, on embeddings of the part of the data that was not
// held out.
func (c *HeadCommand) Run(ctx context.Context, s cli.Streams) error {
	if err := notNegative(*c); err != nil {
		return cli.Usage(err)
	}
	cli.OutliveReaders()
	source, err := c.ReadSource(ctx, c.From)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(s.Err, nil))
	set, err := c.learn(ctx, source, logger)
	if err != nil {
		return err
	}
	return modelfile.WriteNew(c.Out, source.Card, set, modelfile.Safetensors)
}

func (c *HeadCommand) learn(ctx context.Context, source tfmodel.Source, logger *slog.Logger) (*weights.Set, error) {
	architecture := source.Card.Architecture
	config := c.config(c.Data, architecture.Height)
	data, err := config.open(ctx, logger)
	if err != nil {
		return nil, err
	}
	defer func() { _ = data.Close() }() // only read
	learn, _, err := config.parts(data)
	if err != nil {
		return nil, err
	}
	affine := augment.DefaultAffine()
	affine.ShiftPixels, affine.Probability = c.Shift, 0.8
	augmenter, err := newAugmenter("auto", architecture.Height, learn, affine)
	if err != nil {
		return nil, err
	}
	set, err := c.beginning(source)
	if err != nil {
		return nil, err
	}
	trainer, err := tfmodel.NewTrainer(architecture, set, tfmodel.TrainerConfig{
		Optimizer: tfmodel.AdamW, Momentum: 0.9, WeightDecay: c.WeightDecay,
		FrozenBlocks: len(architecture.Blocks), PairWeight: 1, SparseHead: c.Begin == "distance",
	}, tfmodel.Options{Device: c.Device, Precision: tfmodel.Precision(c.Precision)})
	if err != nil {
		return nil, err
	}
	head := train.HeadConfig{Copies: c.Copies, Steps: c.Steps, Pairs: c.Pairs, AlphabetShare: c.AlphabetShare, Rate: c.Rate, Seed: c.Seed}
	if c.Begin == "distance" {
		head.Begin = func(distance float64) (*weights.Set, error) {
			return tfmodel.DistanceHead(architecture, set, distance)
		}
	}
	if err := train.Head(ctx, network.Trainer{Trainer: trainer}, learn, augmenter, head, logger); err != nil {
		return nil, errors.Join(err, trainer.Close())
	}
	trained, err := trainer.Weights()
	return trained, errors.Join(err, trainer.Close())
}

// beginning is what training begins with: the file's weights, with an untrained
// head where that is asked for.
func (c *HeadCommand) beginning(source tfmodel.Source) (*weights.Set, error) {
	if c.Begin != "untrained" {
		return source.Weights, nil
	}
	initial, err := tfmodel.Initial(source.Card.Architecture, c.Seed)
	if err != nil {
		return nil, err
	}
	var encoder []weights.Tensor
	for tensor := range source.Weights.All() {
		if strings.HasPrefix(tensor.Name, "block") {
			encoder = append(encoder, tensor)
		}
	}
	over, err := weights.New(encoder...)
	if err != nil {
		return nil, err
	}
	merged, _, _, err := tfmodel.Overlay(initial, over)
	return merged, err
}
