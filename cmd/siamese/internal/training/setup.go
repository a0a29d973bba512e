package training

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/tfmodel"
	"siamese/train"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/sample"
	"siamese/train/schedule"
)

// setup opens the data and builds all that a run works with. It settles what the flags
// leave to the data.
func (c *Command) setup(ctx context.Context, logger *slog.Logger) (setup train.Setup, cleanUp func() error, err error) {
	data, report, err := c.data().OpenReport(ctx, logger)
	if err != nil {
		return train.Setup{}, nil, c.dataAdvice(err)
	}
	if err := c.sameData(report); err != nil {
		return train.Setup{}, nil, errors.Join(err, data.Close())
	}
	learn, validation, err := c.data().Parts(data)
	if err == nil {
		err = c.idleWith(learn)
	}
	if err != nil {
		return train.Setup{}, nil, errors.Join(err, data.Close())
	}
	warnOfParts(c.Split == "image", learn, validation, logger)
	if learn, err = c.variants(ctx, learn, logger); err == nil {
		learn, err = c.withStrokes(ctx, learn, logger)
	}
	if err != nil {
		return train.Setup{}, nil, errors.Join(err, data.Close())
	}
	setup, trainer, err := c.assemble(ctx, learn, validation, logger)
	if err != nil {
		return train.Setup{}, nil, errors.Join(err, data.Close())
	}
	teachers, err := c.teachers(ctx, logger)
	if err != nil {
		return train.Setup{}, nil, errors.Join(err, trainer.Close(), data.Close())
	}
	c.learnFrom(&setup, teachers)
	return setup, func() error { return errors.Join(teachers.Close(), trainer.Close(), data.Close()) }, nil
}

func (c *Command) assemble(ctx context.Context, learn, held *dataset.Dataset, logger *slog.Logger) (train.Setup, *tfmodel.Trainer, error) {
	sampler, err := c.sampler(learn)
	if err != nil {
		return train.Setup{}, nil, err
	}
	augmenter, err := c.augmenter(learn)
	if err != nil {
		return train.Setup{}, nil, err
	}
	augmenters, err := c.domainAugmenters(learn)
	if err != nil {
		return train.Setup{}, nil, err
	}
	validation, err := c.validation(held, logger)
	if err != nil {
		return train.Setup{}, nil, err
	}
	c.StepsPerEpoch = c.steps(datasets.CountImages(learn))
	steps := c.StepsPerEpoch
	logger.Info("epoch length", "steps_per_epoch", steps, "pictures", datasets.CountImages(learn), "batch", c.Batch)
	if c.Epochs > 0 {
		if warning := schedule.BudgetWarning(c.Optimizer, steps, c.Epochs); warning != "" {
			logger.Warn("few steps", "warning", warning)
		}
	}
	trainer, err := c.trainerFor(ctx, sampler.Classes(), logger)
	if err != nil {
		return train.Setup{}, nil, err
	}
	return train.Setup{
		Config: train.Config{
			Epochs: c.Epochs, StepsPerEpoch: steps, TimeLimit: time.Duration(c.TimeLimit), Schedule: c.schedule(steps), Seed: c.Seed,
			SaveEvery: time.Duration(c.SaveEvery), KindTarget: c.KindTarget, Hard: c.Hard, HardSteps: c.HardSteps, HardThings: c.HardThings,
			Averaged: c.AverageDecay > 0, SavePeriod: c.SavePeriod, Patience: c.Patience, LogSteps: c.LogSteps,
			Contrastive: c.ContrastiveWeight > 0, Classified: c.ClassWeight > 0,
		},
		Resume:  c.Resume != "",
		Model:   network.Trainer{Trainer: trainer},
		Sampler: sampler,
		Data:    learn,
		Augment: augmenter,

		AugmentDomains: augmenters,

		Validation: validation,
		Workers:    c.Workers,
		Towers:     c.towers(),
		Log:        logger,
	}, trainer, nil
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
		Alphabets: f.Alphabets, OnePose: f.OnePose, Combine: f.Combine, HardShare: f.HardShare,
		Redraw: f.Redraw, Twins: f.Twins,
	})
}

func (f trainFlags) validation(held *dataset.Dataset, logger *slog.Logger) (*train.Validation, error) {
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
	if errors.Is(err, evaluate.ErrNoRuns) {
		logger.Warn("no one-shot trials", "reason", "they take two classes of two pictures of one alphabet, which are not held out")
		return validation, nil
	}
	return validation, err
}

// trainerFor makes the trainer with the weights to begin with; those of a run that goes
// on come from its checkpoint.
func (c *Command) trainerFor(ctx context.Context, classes int, logger *slog.Logger) (*tfmodel.Trainer, error) {
	architecture := c.architecture()
	if err := architecture.Validate(); err != nil {
		return nil, err
	}
	set, err := tfmodel.Initial(architecture, c.Seed)
	if err != nil {
		return nil, err
	}
	if c.Start != "" && c.Resume == "" {
		if set, err = c.startFrom(ctx, set, logger); err != nil {
			return nil, err
		}
	}
	if c.ClassWeight == 0 {
		classes = 0
	}
	return tfmodel.NewTrainer(architecture, set, c.trainer(classes), c.options())
}
