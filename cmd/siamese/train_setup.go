package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"siamese/imaging"
	"siamese/tfmodel"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/checkpoint"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/sample"
	"siamese/train/schedule"
	"siamese/weights"
)

// trainModel makes a tfmodel.Trainer a train.Model.
type trainModel struct{ *tfmodel.Trainer }

// Step converts between the two packages' names for the same thing.
func (m trainModel) Step(ctx context.Context, batch train.Batch, learningRate float64) (train.Losses, error) {
	result, err := m.Trainer.Step(ctx, tfmodel.TrainBatch(batch), learningRate)
	return train.Losses(result), err
}

// setup opens the data and builds all that a run works with.
func (f trainFlags) setup(ctx context.Context, logger *slog.Logger) (setup train.Setup, cleanUp func() error, err error) {
	data, err := f.open(ctx, logger)
	if err != nil {
		return train.Setup{}, nil, err
	}
	learn, validation, err := f.parts(data)
	if err == nil {
		learn, err = f.variants(ctx, learn, logger)
	}
	if err != nil {
		return train.Setup{}, nil, errors.Join(err, data.Close())
	}
	setup, trainer, err := f.assemble(ctx, learn, validation, logger)
	if err != nil {
		return train.Setup{}, nil, errors.Join(err, data.Close())
	}
	return setup, func() error { return errors.Join(trainer.Close(), data.Close()) }, nil
}

func (f trainFlags) open(ctx context.Context, logger *slog.Logger) (*dataset.Dataset, error) {
	preparer, err := imaging.New(imaging.Config{Width: f.InputSize, Height: f.InputSize})
	if err != nil {
		return nil, err
	}
	layout, err := dataset.ParseLayout(f.Layout)
	if err != nil {
		return nil, err
	}
	unreadable, err := dataset.ParseUnreadable(f.Unreadable)
	if err != nil {
		return nil, err
	}
	pixelBytes := int64(f.DataMemory) << 20
	if f.DataMemory < 1 {
		pixelBytes = -1
	}
	data, report, err := dataset.Open(ctx, dataset.Config{
		Path: f.DataPath, Layout: layout, Unreadable: unreadable, Preparer: preparer, PixelBytes: pixelBytes,
	})
	if err != nil {
		return nil, err
	}
	logger.Info("data", "layout", report.Layout.String(), "alphabets", report.Alphabets, "classes", report.Classes,
		"images", report.Images, "hidden", report.Hidden, "not_images", report.NotImages, "unreadable", len(report.Unreadable))
	for _, name := range report.Unreadable {
		logger.Warn("unreadable image skipped", "image", name)
	}
	return data, nil
}

// parts splits the data; the validation part is nil with --split none.
func (f trainFlags) parts(data *dataset.Dataset) (learn, validation *dataset.Dataset, err error) {
	if f.Split != "none" {
		by, err := dataset.ParseSplitBy(f.Split)
		if err != nil {
			return nil, nil, err
		}
		return data.Split(dataset.Split{By: by, HoldOut: f.HoldOut, Names: f.HoldOutOf, Seed: f.Seed})
	}
	return data, nil, nil
}

// variants adds the turned and mirrored classes that the flags ask for.
func (f trainFlags) variants(ctx context.Context, learn *dataset.Dataset, logger *slog.Logger) (*dataset.Dataset, error) {
	variants := dataset.VariantsConfig{Rotations: f.Rotations, Mirrors: f.Mirrors, Distinct: f.Distinct || f.Mirrors}
	if variants.PerClass() == 1 {
		return learn, nil
	}
	all := len(learn.Classes()) * variants.PerClass()
	learn, err := learn.Variants(ctx, variants)
	if err != nil {
		return nil, err
	}
	kept := len(learn.Classes())
	logger.Info("variants", "classes", kept, "left_out", all-kept)
	return learn, nil
}

func (f trainFlags) assemble(ctx context.Context, learn, held *dataset.Dataset, logger *slog.Logger) (train.Setup, *tfmodel.Trainer, error) {
	sampler, err := f.sampler(learn)
	if err != nil {
		return train.Setup{}, nil, err
	}
	augmenter, err := f.augmenter(learn)
	if err != nil {
		return train.Setup{}, nil, err
	}
	validation, err := f.validation(held)
	if err != nil {
		return train.Setup{}, nil, err
	}
	steps := f.StepsPerEpoch
	if steps == 0 {
		steps = max(1, images(learn)/f.Batch)
	}
	if f.Epochs > 0 {
		if warning := schedule.BudgetWarning(f.Optimizer, steps, f.Epochs); warning != "" {
			logger.Warn("few steps: " + warning)
		}
	}
	trainer, err := f.trainerFor(ctx, sampler.Classes(), logger)
	if err != nil {
		return train.Setup{}, nil, err
	}
	return train.Setup{
		Config: train.Config{
			Epochs: f.Epochs, StepsPerEpoch: steps, TimeLimit: time.Duration(f.TimeLimit), Schedule: f.schedule(steps), Seed: f.Seed,
			Averaged: f.AverageDecay > 0, SavePeriod: f.SavePeriod, Patience: f.Patience, LogSteps: f.LogSteps,
		},
		Model:      trainModel{trainer},
		Sampler:    sampler,
		Data:       learn,
		Augment:    augmenter,
		Validation: validation,
		Workers:    f.Workers,
		Towers:     f.towers(),
		Log:        logger,
	}, trainer, nil
}

func images(data *dataset.Dataset) int {
	count := 0
	for _, class := range data.Classes() {
		count += len(class.Images)
	}
	return count
}

func (f trainFlags) sampler(learn *dataset.Dataset) (sample.Sampler, error) {
	if f.Sampler == "pairs" {
		return sample.NewPairs(learn, f.Batch, f.Seed)
	}
	return sample.NewAllPairs(learn, sample.AllPairsConfig{
		Images: f.Batch, PerClass: f.PerClass, AlphabetShare: f.AlphabetShare, Seed: f.Seed,
		Alphabets: f.Alphabets, OnePose: f.OnePose, Combine: f.Combine,
	})
}

func (f trainFlags) augmenter(learn *dataset.Dataset) (augment.Augmenter, error) {
	name := f.Augment
	if name == "auto" {
		name = "autoaugment"
		if len(learn.Alphabets()) > 0 {
			name = "affine"
		}
	}
	affine := augment.DefaultAffine()
	affine.RotationDegrees, affine.Shear = f.Rotation, f.Shear
	affine.ScaleLow, affine.ScaleHigh = f.ScaleLow, f.ScaleHigh
	affine.ShiftPixels, affine.Probability = f.Shift, f.PartProbability
	if f.Stroke > 0 {
		affine.StrokePixels, affine.StrokeProbability = f.Stroke, f.PartProbability
	}
	affine.ElasticPixels, affine.ElasticSpacing, affine.ElasticProbability = f.Elastic, f.ElasticSpacing, f.PartProbability
	return augment.New(name, augment.Config{Width: f.InputSize, Height: f.InputSize, Affine: affine})
}

func (f trainFlags) validation(held *dataset.Dataset) (*train.Validation, error) {
	if held == nil {
		return nil, nil //nolint:nilnil // nothing is held out: there is no validation
	}
	validation := &train.Validation{Data: held, Pairs: f.ValPairs, Seed: f.Seed}
	if f.Split == "image" || f.OneShotTrials == 0 {
		return validation, nil
	}
	var err error
	validation.Runs, err = evaluate.MakeRuns(held, evaluate.MakeRunsConfig{Trials: f.OneShotTrials, Seed: f.Seed})
	return validation, err
}

// trainerFor makes the trainer with the weights to begin with.
func (f trainFlags) trainerFor(ctx context.Context, classes int, logger *slog.Logger) (*tfmodel.Trainer, error) {
	architecture := tfmodel.VGG16(f.InputSize, f.InputSize)
	set, err := tfmodel.Initial(architecture, f.Seed)
	if err != nil {
		return nil, err
	}
	if f.Start != "" {
		if set, err = f.startFrom(ctx, set, logger); err != nil {
			return nil, err
		}
	}
	if f.ClassWeight == 0 {
		classes = 0
	}
	return tfmodel.NewTrainer(architecture, set, f.trainer(classes), f.options())
}

// startFrom lays a weight file, or a SavedModel's weights, over the initial weights, by name.
func (f trainFlags) startFrom(ctx context.Context, set *weights.Set, logger *slog.Logger) (*weights.Set, error) {
	file, err := readWeights(ctx, f.Start)
	if err != nil {
		return nil, err
	}
	merged, taken, passed, err := tfmodel.Overlay(set, file)
	if err != nil {
		return nil, err
	}
	if len(taken) == 0 {
		return nil, fmt.Errorf("%s holds no weights of the network", f.Start)
	}
	logger.Info("start", "file", f.Start, "taken", len(taken), "of_other_shape", passed)
	_, hasHead := file.Get("dense_2/kernel")
	if f.StartScale == "imagenet" || f.StartScale == "auto" && !hasHead {
		return tfmodel.FoldInput(merged, tfmodel.ImageNetScaling())
	}
	return merged, nil
}

// weightSaver writes weights as a Siamese-keras checkpoint, with a card beside.
func weightSaver(dir string, flags trainFlags) func(name string, set *weights.Set) error {
	return func(name string, set *weights.Set) error {
		path := filepath.Join(dir, name)
		err := checkpoint.Replace(path+".h5", func(w io.Writer) error { return weights.WriteSiameseKeras(w, set) })
		if err != nil {
			return err
		}
		card, err := trainedCard(name, flags, set)
		if err != nil {
			return err
		}
		return checkpoint.Replace(path+".json", writeBytes(card))
	}
}

// trainedCard is the card of weights of a run.
func trainedCard(name string, flags trainFlags, set *weights.Set) ([]byte, error) {
	how, err := json.Marshal(flags)
	if err != nil {
		return nil, err
	}
	architecture := tfmodel.VGG16(flags.InputSize, flags.InputSize)
	card := tfmodel.Card{
		Name:          name,
		Architecture:  architecture,
		Parameters:    architecture.Parameters(),
		Input:         "uint8 RGB at height × width; inside the graph float32 in [0,1]",
		Weights:       tfmodel.WeightsCard{Digest: set.Digest()},
		Threshold:     0.5,
		ThresholdNote: "Not calibrated: `siamese eval verify` measures the errors at it.",
		Training:      how,
	}
	return json.MarshalIndent(card, "", "  ")
}

func writeBytes(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := bytes.NewReader(data).WriteTo(w)
		return err
	}
}
