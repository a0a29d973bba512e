package training

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/weights"
)

// HeadCommand is `siamese head`.
type HeadCommand struct {
	Out  string `arg:"" help:"The weight file to write, safetensors; a card is written beside it."`
	Data string `help:"Names the images to learn from, as for train." required:"" placeholder:"PATH"`
	From string `help:"Names the weight file to take encoder and head from." required:"" placeholder:"FILE"`

	Begin         string  `help:"Chooses the head to begin with: file (the file's own), untrained (random), distance (a weighted distance of the embeddings, which stays one), standardized (a distance of numbers divided by their deviation within classes) or residual (a distance, and hidden units that learn to correct it)." enum:"file,untrained,distance,standardized,residual" default:"distance"`
	Hidden        int     `help:"Sets how many hidden units correct the distance, with --begin residual. 0: 32." default:"0"`
	Whiten        bool    `help:"Fills the network's projection with one that whitens the embeddings within things and kinds. Adds the projection, as wide as the embedding, to a pooled network that has none, and scales embeddings to length 1."`
	Things        int     `help:"Limits how many classes are encoded, drawn by chance, evenly over kinds. 0: all." default:"0"`
	Forbidden     string  `help:"Names a file of classes that must not count as different (docs/training.md). Empty: none." placeholder:"FILE"`
	Augment       string  `help:"Chooses how images are varied, as in train." enum:"auto,affine,autoaugment,edits,jitter,none" default:"auto"`
	KeptSize      int     `help:"Sets height and width at which pictures are kept for augmentation, in pixels. 0: the input's." default:"0"`
	Pooling       string  `help:"Chooses how the last feature map becomes the embedding, where --from has none or another: flatten, average or gem. Empty: as in the file." enum:",flatten,average,gem" default:""`
	InputSize     int     `help:"Sets height and width of the network's input, in pixels; a network that flattens takes a new head. 0: as in the file." default:"0"`
	Copies        int     `help:"Sets how many augmented drawings of each class are encoded." default:"4"`
	Steps         int     `help:"Sets the steps on these embeddings. An untrained head needs 2,000 or more." default:"200"`
	Pairs         int     `help:"Sets the pairs of a step, half of them same." default:"512"`
	AlphabetShare float64 `help:"Sets the share of the different pairs that are within one alphabet." default:"0.7"`
	Rate          float64 `help:"Sets the highest learning rate, of Adam. An untrained head takes 0.001." default:"0.0002"`
	WeightDecay   float64 `help:"Sets the decoupled weight decay. 0: none." default:"0"`
	Dropout       float64 `help:"Sets the share of hidden units that each pair of a step does without, below 1. 0: none." default:"0"`
	Shift         float64 `help:"Sets the largest shift of augmentation, in pixels. 0: none." default:"8"`
	Device        string  `help:"Chooses where to train: auto, cpu or gpu:N." default:"auto"`
	Precision     string  `help:"Chooses what the encoder is computed in: float32, tf32 (GPU) or bfloat16." enum:"float32,tf32,bfloat16" default:"float32"`

	datasets.HeldFlags
	network.TrustFlags
}

// Run trains the head alone, on embeddings of the part of the data that was not
// held out.
func (c *HeadCommand) Run(ctx context.Context, s cli.Streams) error {
	if err := cli.NotNegative(*c); err != nil {
		return cli.Usage(err)
	}
	if c.Hidden > 0 && c.Begin != "residual" {
		return cli.Usage(fmt.Errorf("head: --hidden says how many units correct the distance of --begin residual, and changes nothing with --begin %s: leave it out", c.Begin))
	}
	cli.OutliveReaders()
	source, err := c.source(ctx)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(s.Err, nil))
	set, err := c.learn(ctx, &source, logger)
	if err != nil {
		return err
	}
	card := source.Card
	card.ThresholdNote = uncalibrated // what it said was of the head before
	return modelfile.WriteNew(c.Out, card, set, modelfile.Safetensors)
}

// source reads --from, of the form that --pooling and --input-size ask for. A file of
// ImageNet's convolutions alone serves too.
func (c *HeadCommand) source(ctx context.Context) (tfmodel.Source, error) {
	set, err := c.ReadWeights(ctx, c.From)
	if err != nil {
		return tfmodel.Source{}, err
	}
	source := tfmodel.Source{Card: newCard("head", tfmodel.VGG16(tfmodel.DefaultSide, tfmodel.DefaultSide)), Weights: set}
	_, whole := set.Get("dense_2/kernel")
	if whole {
		if source, err = c.ReadSource(ctx, c.From); err != nil {
			return tfmodel.Source{}, err
		}
	}
	architecture := &source.Card.Architecture
	if c.Pooling != "" {
		architecture.Pooling = tfmodel.Pooling(c.Pooling)
		if architecture.Pooling != tfmodel.GeM {
			architecture.GeMPower = 0
		}
	}
	if c.InputSize > 0 {
		architecture.Height, architecture.Width = c.InputSize, c.InputSize
	}
	if err := architecture.Validate(); err != nil {
		return tfmodel.Source{}, err
	}
	if whole && (c.Pooling != "" || c.InputSize > 0) { // another model
		source.Card = newCard(strings.TrimSuffix(filepath.Base(c.Out), filepath.Ext(c.Out)), *architecture)
		architecture = &source.Card.Architecture
	}
	if source.Weights, err = network.Reshape(source.Weights, *architecture, c.Seed); err == nil && !whole {
		source.Weights, err = tfmodel.FoldInput(source.Weights, tfmodel.ImageNetScaling())
	}
	return source, err
}

func (c *HeadCommand) learn(ctx context.Context, source *tfmodel.Source, logger *slog.Logger) (*weights.Set, error) {
	architecture := source.Card.Architecture
	config := c.DataConfig(c.Data, max(architecture.Height, c.KeptSize))
	config.Forbidden = c.Forbidden
	data, err := config.Open(ctx, logger)
	if err != nil {
		return nil, err
	}
	defer func() { _ = data.Close() }() // only read
	learn, _, err := config.Parts(data)
	if err != nil {
		return nil, err
	}
	affine := augment.DefaultAffine()
	affine.ShiftPixels, affine.Probability = c.Shift, 0.8
	augmenter, err := newAugmenter(c.Augment, learn, augment.Config{Width: architecture.Width, Height: architecture.Height, Affine: affine})
	if err != nil {
		return nil, err
	}
	head := train.HeadConfig{
		Copies: c.Copies, Things: c.Things, Steps: c.Steps, Pairs: c.Pairs, AlphabetShare: c.AlphabetShare, Rate: c.Rate, Seed: c.Seed,
	}
	if head.Forbidden, err = datasets.ReadForbidden(c.Forbidden); err != nil {
		return nil, err
	}
	if c.Whiten {
		if err := c.whiten(ctx, source, learn, augmenter, head); err != nil {
			return nil, err
		}
		logger.Info("whitened", "embedding", source.Card.Architecture.EmbeddingLength())
	}
	return c.train(ctx, *source, learn, augmenter, head, logger)
}

// train lets the head learn.
func (c *HeadCommand) train(ctx context.Context, source tfmodel.Source, learn *dataset.Dataset, augmenter augment.Augmenter, head train.HeadConfig, logger *slog.Logger) (*weights.Set, error) {
	set, err := c.beginning(source)
	if err != nil {
		return nil, err
	}
	trainer, err := c.trainer(source.Card.Architecture, set)
	if err != nil {
		return nil, err
	}
	if c.isDistance() {
		head.Standardize = c.Begin == "standardized"
		head.Begin = func(found train.HeadStatistics) (*weights.Set, error) {
			return tfmodel.DistanceHead(source.Card.Architecture, set, tfmodel.DistanceConfig{
				Distance: found.Distance, Scales: found.Scales, Residual: c.residual(), Seed: c.Seed,
			})
		}
	}
	if err := train.Head(ctx, network.Trainer{Trainer: trainer}, learn, augmenter, head, logger); err != nil {
		return nil, errors.Join(err, trainer.Close())
	}
	trained, err := trainer.Weights()
	return trained, errors.Join(err, trainer.Close())
}

// isDistance reports whether the head begins as a distance.
func (c *HeadCommand) isDistance() bool {
	return c.Begin == "distance" || c.Begin == "standardized" || c.Begin == "residual"
}

// defaultResidual is how many units correct a distance where nobody says.
const defaultResidual = 32

// residual is how many hidden units correct the distance.
func (c *HeadCommand) residual() int {
	if c.Begin != "residual" {
		return 0
	}
	return cmp.Or(c.Hidden, defaultResidual)
}

// trainer makes a trainer of the head alone.
func (c *HeadCommand) trainer(architecture tfmodel.Architecture, set *weights.Set) (*tfmodel.Trainer, error) {
	return tfmodel.NewTrainer(architecture, set, tfmodel.TrainerConfig{
		Optimizer: tfmodel.AdamW, Momentum: 0.9, WeightDecay: c.WeightDecay,
		FrozenBlocks: len(architecture.Blocks), FrozenProjection: true, PairWeight: 1, SparseHead: c.isDistance(), HeadDropout: c.Dropout, Seed: c.Seed,
	}, tfmodel.Options{Device: c.Device, Precision: tfmodel.Precision(c.Precision)})
}

// whiten fills the network's projection.
func (c *HeadCommand) whiten(ctx context.Context, source *tfmodel.Source, learn *dataset.Dataset, augmenter augment.Augmenter, head train.HeadConfig) error {
	projected := source.Card.Architecture.Projected()
	plain := projected
	plain.Projection, plain.Unit = 0, false
	set, err := network.Reshape(source.Weights, plain, c.Seed)
	if err != nil {
		return err
	}
	trainer, err := c.trainer(plain, set)
	if err != nil {
		return err
	}
	kernel, err := train.Whiten(ctx, network.Trainer{Trainer: trainer}, learn, augmenter, head, projected.Projection)
	if err = errors.Join(err, trainer.Close()); err != nil {
		return err
	}
	if set, err = network.Reshape(source.Weights, projected, c.Seed); err != nil {
		return err
	}
	source.Card.Architecture = projected
	source.Weights, err = tfmodel.SetProjection(projected, set, kernel)
	return err
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
