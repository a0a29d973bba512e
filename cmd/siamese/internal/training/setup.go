package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"siamese/cmd/internal/network"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/sample"
	"siamese/train/schedule"
	"siamese/weights"
)

// setup opens the data and builds all that a run works with.
func (f trainFlags) setup(ctx context.Context, logger *slog.Logger) (setup train.Setup, cleanUp func() error, err error) {
	data, err := f.data().open(ctx, logger)
	if err != nil {
		return train.Setup{}, nil, err
	}
	learn, validation, err := f.data().parts(data)
	if err == nil {
		err = f.idleWith(learn)
	}
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

// data is the part of the configuration that says which images there are.
func (f trainFlags) data() dataConfig {
	return dataConfig{
		path: f.DataPath, layout: f.Layout, unreadable: f.Unreadable, side: max(f.InputSize, f.KeptSize), memoryMiB: f.DataMemory,
		split: f.Split, holdOut: f.HoldOut, holdOutOf: f.HoldOutOf, holdOutIn: f.HoldOutIn, forbidden: f.Forbidden, seed: f.Seed,
	}
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
	augmenters, err := f.domainAugmenters(learn)
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
			logger.Warn("few steps", "warning", warning)
		}
	}
	trainer, err := f.trainerFor(ctx, sampler.Classes(), logger)
	if err != nil {
		return train.Setup{}, nil, err
	}
	return train.Setup{
		Config: train.Config{
			Epochs: f.Epochs, StepsPerEpoch: steps, TimeLimit: time.Duration(f.TimeLimit), Schedule: f.schedule(steps), Seed: f.Seed,
			SaveEvery: time.Duration(f.SaveEvery), KindTarget: f.KindTarget, Hard: f.Hard, HardThings: f.HardThings,
			Averaged: f.AverageDecay > 0, SavePeriod: f.SavePeriod, Patience: f.Patience, LogSteps: f.LogSteps,
		},
		Model:   network.Trainer{Trainer: trainer},
		Sampler: sampler,
		Data:    learn,
		Augment: augmenter,

		AugmentDomains: augmenters,

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
	switch f.Sampler {
	case "pairs":
		return sample.NewPairs(learn, f.Batch, f.Seed)
	case "levels":
		return f.levels(learn)
	}
	return sample.NewAllPairs(learn, sample.AllPairsConfig{
		Images: f.Batch, PerClass: f.PerClass, AlphabetShare: f.AlphabetShare, Seed: f.Seed,
		Alphabets: f.Alphabets, OnePose: f.OnePose, Combine: f.Combine,
	})
}

func (f trainFlags) augmenter(learn *dataset.Dataset) (augment.Augmenter, error) {
	return f.augmenterNamed(f.Augment, learn)
}

func (f trainFlags) augmenterNamed(name string, learn *dataset.Dataset) (augment.Augmenter, error) {
	affine := augment.DefaultAffine()
	affine.RotationDegrees, affine.Shear = f.Rotation, f.Shear
	affine.ScaleLow, affine.ScaleHigh = f.ScaleLow, f.ScaleHigh
	affine.ShiftPixels, affine.Probability = f.Shift, f.PartProbability
	if f.Stroke > 0 {
		affine.StrokePixels, affine.StrokeProbability = f.Stroke, f.PartProbability
	}
	affine.ElasticPixels, affine.ElasticSpacing, affine.ElasticProbability = f.Elastic, f.ElasticSpacing, f.PartProbability
	return newAugmenter(name, learn, augment.Config{Width: f.InputSize, Height: f.InputSize, Affine: affine, Edits: f.edits()})
}

func (f trainFlags) validation(held *dataset.Dataset) (*train.Validation, error) {
	if held == nil {
		return nil, nil //nolint:nilnil // nothing is held out: there is no validation
	}
	held = held.Shown(f.InputSize, f.InputSize)
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
	architecture := f.architecture()
	if err := architecture.Validate(); err != nil {
		return nil, err
	}
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
	file, err := f.ReadWeights(ctx, f.Start)
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

// uncalibrated is the note of a threshold at which nothing was measured.
const uncalibrated = "Not calibrated: `siamese eval verify` measures the errors at it."

// newCard is the card of weights that were just made.
func newCard(name string, architecture tfmodel.Architecture) tfmodel.Card {
	return tfmodel.Card{
		Name:          name,
		Architecture:  architecture,
		Input:         "uint8 RGB at height × width; inside the graph float32 in [0,1]",
		Threshold:     evaluate.DefaultThreshold,
		ThresholdNote: uncalibrated,
	}
}

// weightSaver writes weights as a Siamese-keras checkpoint, with a card beside.
func weightSaver(dir string, flags trainFlags) func(name string, set *weights.Set) error {
	return func(name string, set *weights.Set) error {
		how, err := json.Marshal(flags)
		if err != nil {
			return err
		}
		card := newCard(name, flags.architecture())
		card.Training = how
		return modelfile.WriteNew(filepath.Join(dir, name)+".h5", card, set, modelfile.Keras)
	}
}
