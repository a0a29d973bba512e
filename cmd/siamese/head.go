package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"siamese/tfmodel"
	"siamese/tfmodel/weights"
	"siamese/train"
	"siamese/train/checkpoint"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
)

type headCommand struct {
	Out  string `arg:"" help:"The weight file to write, safetensors; a card is written beside it."`
	Data string `help:"The images to learn from, as for train." required:"" placeholder:"PATH"`
	From string `help:"The weight file to take encoder and head from." required:"" placeholder:"FILE"`

	Begin         string  `help:"What to begin with: file (the file's own head), untrained (by chance), distance (a weighted distance of the embeddings, which it stays)." enum:"file,untrained,distance" default:"distance"`
	Copies        int     `help:"Augmented drawings of each class that are encoded." default:"8"`
	Steps         int     `help:"Steps on these embeddings." default:"4000"`
	Pairs         int     `help:"Pairs of a step, half of them same." default:"512"`
	AlphabetShare float64 `help:"Share of the different pairs that are within one alphabet." default:"0.7"`
	Rate          float64 `help:"Highest learning rate, of Adam." default:"0.001"`
	WeightDecay   float64 `help:"Decoupled weight decay." default:"0"`
	Shift         float64 `help:"Augmentation: the largest shift in pixels." default:"8"`
	Device        string  `help:"Where to train: auto, cpu or gpu:N." default:"auto"`
	Precision     string  `help:"What the encoder is computed in: float32 or bfloat16." enum:"float32,bfloat16" default:"float32"`

	heldFlags
}

// Run trains the head alone, on embeddings of the part of the data that was not
// held out.
func (c *headCommand) Run(ctx context.Context, s streams) error {
	source, err := tfmodel.ReadSource(c.From)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(s.err, nil))
	set, err := c.learn(ctx, source, logger)
	if err != nil {
		return err
	}
	return writeModel(c.Out, source.Card, set)
}

func (c *headCommand) learn(ctx context.Context, source tfmodel.Source, logger *slog.Logger) (*weights.Set, error) {
	architecture := source.Card.Architecture
	flags := trainFlags{
		DataPath: c.Data, Layout: c.Layout, Unreadable: "stop", InputSize: architecture.Height,
		Split: c.Split, HoldOut: c.HoldOut, HoldOutOf: c.HoldOutOf, Seed: c.Seed, Augment: "auto",
		Rotation: 10, Shear: 0.3, ScaleLow: 0.8, ScaleHigh: 1.2, Shift: c.Shift, PartProbability: 0.8,
	}
	data, err := flags.open(ctx, logger)
	if err != nil {
		return nil, err
	}
	defer func() { _ = data.Close() }() // only read
	learn, _, err := flags.parts(data)
	if err != nil {
		return nil, err
	}
	augmenter, err := flags.augmenter(learn)
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
	config := train.HeadConfig{Copies: c.Copies, Steps: c.Steps, Pairs: c.Pairs, AlphabetShare: c.AlphabetShare, Rate: c.Rate, Seed: c.Seed}
	if c.Begin == "distance" {
		config.Begin = func(distance float64) (*weights.Set, error) {
			return tfmodel.DistanceHead(architecture, set, distance)
		}
	}
	if err := train.Head(ctx, trainModel{trainer}, learn, augmenter, config, logger); err != nil {
		return nil, errors.Join(err, trainer.Close())
	}
	trained, err := trainer.Weights()
	return trained, errors.Join(err, trainer.Close())
}

// beginning is what training begins with: the file's weights, with an untrained
// head where that is asked for.
func (c *headCommand) beginning(source tfmodel.Source) (*weights.Set, error) {
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

// writeModel writes weights as safetensors, with a card beside them.
func writeModel(path string, card tfmodel.Card, set *weights.Set) error {
	err := checkpoint.Replace(path, func(w io.Writer) error {
		return weights.WriteSafetensors(w, set, weights.Float32, nil)
	})
	if err != nil {
		return err
	}
	// Golden pairs, hashes and measurements are of the weights before.
	card.Weights = tfmodel.WeightsCard{Digest: set.Digest()}
	card.GoldenPairs, card.Files, card.Verification = nil, nil, nil
	data, err := json.MarshalIndent(card, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.Replace(tfmodel.CardPath(path), writeBytes(data))
}

type calibrateCommand struct {
	Out  string `arg:"" help:"The weight file to write, safetensors; a card is written beside it."`
	Data string `help:"Data that the model was not trained on." required:"" placeholder:"PATH"`
	From string `help:"The weight file to calibrate." required:"" placeholder:"FILE"`

	Pairs int    `help:"Pairs to calibrate on: so many with negatives of any class, and as many of one alphabet." default:"10000"`
	Plot  string `help:"Write the reliability plot, before and after, to this PNG file." placeholder:"FILE"`

	heldFlags
	Device    string `help:"Where to run: auto, cpu or gpu:N." default:"auto"`
	Precision string `help:"What the encoder is computed in: float32 or bfloat16." enum:"float32,bfloat16" default:"float32"`
}

// Run folds a scale and a shift of the logit into the last layer, so that
// similarities can be read as probabilities.
func (c *calibrateCommand) Run(ctx context.Context, s streams) error {
	source, err := tfmodel.ReadSource(c.From)
	if err != nil {
		return err
	}
	scores, err := c.scores(ctx)
	if err != nil {
		return err
	}
	var logits []float64
	var same []bool
	for _, score := range scores {
		logits, same = append(logits, evaluate.Logit(score.Similarity)), append(same, score.Same)
	}
	scale, shift, err := evaluate.Calibrate(logits, same)
	if err != nil {
		return err
	}
	if err := c.report(s, scores, scale, shift); err != nil {
		return err
	}
	calibrated, err := tfmodel.RescaleLogit(source.Weights, scale, shift)
	if err != nil {
		return err
	}
	return writeModel(c.Out, source.Card, calibrated)
}

// scores judges pairs of both kinds of negatives.
func (c *calibrateCommand) scores(ctx context.Context) ([]evaluate.Score, error) {
	var scores []evaluate.Score
	flags := modelFlags{Model: c.From, Device: c.Device, Precision: c.Precision}
	err := withModel(ctx, flags, func(model *openModel) error {
		data, err := c.open(ctx, c.Data, model.Card().Architecture.Height)
		if err != nil {
			return err
		}
		defer func() { _ = data.Close() }() // only read
		for _, negatives := range negativesOf(data) {
			result, err := evaluate.Verify(ctx, model, data, evaluate.VerifyConfig{Pairs: c.Pairs, Seed: c.Seed, Negatives: negatives})
			if err != nil {
				return err
			}
			scores = append(scores, result.Scores...)
		}
		return nil
	})
	return scores, err
}

// negativesOf are the kinds of different pairs that the data have.
func negativesOf(data *dataset.Dataset) []evaluate.Negatives {
	if len(data.Alphabets()) == 0 {
		return []evaluate.Negatives{evaluate.Any}
	}
	return []evaluate.Negatives{evaluate.Any, evaluate.SameAlphabet}
}

func (c *calibrateCommand) report(s streams, scores []evaluate.Score, scale, shift float64) error {
	before, err := evaluate.Measure(scores, evaluate.DefaultThreshold)
	if err != nil {
		return err
	}
	after, err := evaluate.Measure(evaluate.Rescale(scores, scale, shift), evaluate.DefaultThreshold)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.out, "logit × %.4f %+.4f: calibration error %.4f → %.4f, accuracy at 0.5 %.2f %% → %.2f %%\n",
		scale, shift, before.ECE, after.ECE, 100*before.Accuracy, 100*after.Accuracy); err != nil {
		return err
	}
	if c.Plot == "" {
		return nil
	}
	picture, err := record.Reliability(reliabilityCurve("before calibration", before), reliabilityCurve("after", after))
	if err != nil {
		return err
	}
	return os.WriteFile(c.Plot, picture, 0o644)
}
