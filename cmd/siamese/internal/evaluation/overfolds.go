package evaluation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/cmd/siamese/internal/evaluation/crossval"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/folds"
)

// overFolds finds one scale and shift on the networks of all folds.
func (c *CalibrateCommand) overFolds(ctx context.Context, s cli.Streams) error {
	if err := c.checkFolds(); err != nil {
		return cli.Usage(fmt.Errorf("calibrate: %w", err))
	}
	weights, err := c.weights()
	if err != nil {
		return err
	}
	models, err := crossval.Models(c.Model, crossval.All(c.Folds))
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	runner := &crossval.Runner{
		Data: c.DataConfig(c.Data, 0), Logger: slog.New(slog.NewTextHandler(s.Err, nil)),
		Flags: network.RunFlags{Device: c.Device, Precision: c.Precision, TrustFlags: c.TrustFlags},
	}
	runner.Data.Split, runner.Data.Forbidden = c.foldSplit(), c.Forbidden
	pairs, err := c.foldPairs(ctx, runner, models, slices.Sorted(maps.Keys(weights)))
	if err := errors.Join(err, runner.Close()); err != nil {
		return err
	}
	measured, err := folds.Calibrate(pairs, weights)
	if err != nil {
		return err
	}
	return errors.Join(measured.Print(s.Out), writeJSON(c.JSON, measured))
}

// checkFolds reports flags that say nothing where folds are calibrated on.
func (c *CalibrateCommand) checkFolds() error {
	switch {
	case c.Folds < 2:
		return fmt.Errorf("--model names networks of folds, and --folds is %d: expected 2 or more", c.Folds)
	case c.Fold != 0:
		return fmt.Errorf("--fold is %d, and --model names the networks of all folds: leave one of them out", c.Fold)
	case c.Data == "":
		return errors.New("--data is needed, of which each network has not seen its fold")
	case c.Out != "" || c.From != "" || c.Scale != 0 || c.Shift != 0:
		return errors.New("--model prints a scale and a shift, and writes no weights: leave OUT, --from, --scale and --shift out")
	case c.Plot != "" || len(c.Groups) > 0 || c.Level != "thing":
		return errors.New("--plot, --groups and --level are not for --model: leave them out")
	case len(c.Of) > 0 || c.HoldOut != 0 || len(c.HoldOutOf) > 0 || c.HoldOutIn != "":
		return errors.New("--of and --hold-out choose a part of the data, and --model takes all of it, fold by fold: leave them out")
	case c.Split == "image":
		return errors.New("--folds are parts of the classes or alphabets, and change nothing with --split image: expected --split class or alphabet")
	}
	return nil
}

// foldSplit is what the folds are of: alphabets where nothing is said.
func (c *CalibrateCommand) foldSplit() string {
	if c.Split == "none" {
		return dataset.ByAlphabet.String()
	}
	return c.Split
}

// foldPairs scores pairs of each fold by kind, by the network that has not seen it.
func (c *CalibrateCommand) foldPairs(ctx context.Context, runner *crossval.Runner, models []crossval.Model, kinds []evaluate.PairKind) (pairs [][]evaluate.KindPair, err error) {
	config := evaluate.KindsConfig{Pairs: c.Pairs, Seed: c.Seed, Kinds: kinds}
	if config.Forbidden, err = datasets.ReadForbidden(c.Forbidden); err != nil {
		return nil, err
	}
	err = runner.Each(ctx, models, func(network folds.Network, held *dataset.Dataset) error {
		scored, err := evaluate.ScoreKinds(ctx, network, held, config)
		pairs = append(pairs, scored)
		return err
	})
	return pairs, err
}
