package training

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
	"siamese/train"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/sample"
	"siamese/train/schedule"
	"siamese/weights"
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

// sameData holds the data of a run that goes on against those that it began with: the
// sampler would draw others by the same numbers.
func (c *Command) sameData(report dataset.Report) error {
	if c.Resume != "" && c.DataDigest != "" && c.DataDigest != report.Digest {
		return fmt.Errorf("train: %s holds other pictures than the run was begun with (%d in %d classes): --resume goes on with the same alone, wherever they lie; begin a new run with --start %s",
			c.DataPath, report.Images, report.Classes, quoted(filepath.Join(c.Resume, "last_epoch_weights.h5")))
	}
	if c.Resume == "" {
		c.DataDigest = report.Digest
	}
	return nil
}

// dataAdvice says which flag helps where data can't be opened.
func (c *Command) dataAdvice(err error) error {
	if _, ok := errors.AsType[*dataset.UnreadableError](err); ok && c.Unreadable == "stop" {
		return fmt.Errorf("%w; --unreadable skip leaves unreadable pictures out", err)
	}
	if errors.Is(err, fs.ErrNotExist) && c.Resume != "" {
		return fmt.Errorf("%w; --data PATH says where the data lie now", err)
	}
	return err
}

// warnOfParts tells what is held out, and by image names classes that nothing is learnt
// from.
func warnOfParts(byImage bool, learn, held *dataset.Dataset, logger *slog.Logger) {
	if held == nil {
		return
	}
	known := map[string]bool{}
	for _, class := range learn.Classes() {
		known[class.Name] = true
	}
	var lost []string
	for _, class := range held.Classes() {
		if !known[class.Name] {
			lost = append(lost, class.Name)
		}
	}
	logger.Info("parts", "learnt_from", parts(learn), "held_out", parts(held))
	if byImage && len(lost) > 0 {
		logger.Warn("nothing is learnt from some classes: all of their pictures are held out", "classes", datasets.Shortened(lost))
	}
}

// parts is "18 pictures of 4 classes".
func parts(data *dataset.Dataset) string {
	return fmt.Sprintf("%d pictures of %d classes", datasets.CountImages(data), len(data.Classes()))
}

// data is the part of the configuration that says which images there are.
func (f trainFlags) data() datasets.Config {
	return datasets.Config{
		Path: f.DataPath, Layout: f.Layout, Unreadable: f.Unreadable, Side: max(f.InputSize, f.KeptSize), MemoryMiB: f.DataMemory,
		Split: f.Split, HoldOut: f.HoldOut, HoldOutOf: f.HoldOutOf, HoldOutIn: f.HoldOutIn, Forbidden: f.Forbidden, FoldFlags: f.FoldFlags, Seed: f.Seed,
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

// startFrom lays a weight file, or a SavedModel's weights, over the initial weights, by name.
func (f trainFlags) startFrom(ctx context.Context, set *weights.Set, logger *slog.Logger) (*weights.Set, error) {
	path, isBuiltIn := builtInStart(f.Start)
	file, err := f.readStart(ctx, path, isBuiltIn, logger)
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
	var fresh []string
	for tensor := range set.All() {
		if !slices.Contains(taken, tensor.Name) {
			fresh = append(fresh, tensor.Name)
		}
	}
	logger.Info("start", "from", f.Start, "taken", len(taken), "of_other_shape", len(passed), "from_scratch", datasets.Shortened(fresh))
	_, hasHead := file.Get("dense_2/kernel")
	if f.StartScale == "imagenet" || f.StartScale == "auto" && !hasHead {
		return tfmodel.FoldInput(merged, tfmodel.ImageNetScaling())
	}
	return merged, nil
}

// builtInStart reports whether --start names a built-in model, and returns the path to open.
// A file of such a name is named by ./builtin.
func builtInStart(start string) (path string, is bool) {
	if start == "builtin" {
		return builtin.General, true
	}
	name, prefixed := strings.CutPrefix(start, "builtin:")
	if _, known := builtin.Find(name); !known || name == "" {
		return start, false
	}
	if _, err := os.Stat(start); err == nil && !prefixed {
		return start, false
	}
	return name, true
}

// readStart reads the weights to begin with. Of a built-in model whose embedding is made
// otherwise than this network's they are those of the convolutions alone: its head would
// take numbers of another meaning, even where their shape is the same.
func (f trainFlags) readStart(ctx context.Context, path string, isBuiltIn bool, logger *slog.Logger) (*weights.Set, error) {
	if !isBuiltIn {
		return f.ReadWeights(ctx, path)
	}
	source, err := f.ReadSource(ctx, path)
	if err != nil || alikeEmbeddings(source.Card.Architecture, f.architecture()) {
		return source.Weights, err
	}
	logger.Warn("convolutions alone", "warning", fmt.Sprintf("this network makes other embeddings than the model %s, whose head can't be taken; its own network is %s", path, networkFlags(source.Card.Architecture)))
	var convolutions []weights.Tensor
	for tensor := range source.Weights.All() {
		if strings.HasPrefix(tensor.Name, "block") {
			convolutions = append(convolutions, tensor)
		}
	}
	return weights.New(convolutions...)
}

// alikeEmbeddings reports whether two networks make embeddings of one meaning. Pooled ones
// do so from inputs of any size.
func alikeEmbeddings(a, b tfmodel.Architecture) bool {
	sized := a.Height == b.Height && a.Width == b.Width
	pooled := a.Pooling != "" && a.Pooling != tfmodel.Flatten
	return cmp.Or(a.Pooling, tfmodel.Flatten) == cmp.Or(b.Pooling, tfmodel.Flatten) &&
		a.GeMPower == b.GeMPower && a.Projection == b.Projection && a.Unit == b.Unit && (pooled || sized)
}

// networkFlags are the flags by which a network of such embeddings is made.
func networkFlags(a tfmodel.Architecture) string {
	flags := fmt.Sprintf("--pooling %s --input-size %d", cmp.Or(a.Pooling, tfmodel.Flatten), a.Height)
	if a.GeMPower != 0 {
		flags += fmt.Sprintf(" --gem-power %v", a.GeMPower)
	}
	if a.Projection != 0 {
		flags += fmt.Sprintf(" --projection %d", a.Projection)
	}
	if a.Unit {
		flags += " --unit"
	}
	return flags
}

// checkStart reports a start that is no file, before the data are opened.
func (f trainFlags) checkStart() error {
	if f.Start == "" {
		return nil
	}
	path, isBuiltIn := builtInStart(f.Start)
	if isBuiltIn {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("train: --start %s: there is no such file or folder, and nothing is fetched: --start builtin takes the convolutions of the built-in model general, VGG16's of ImageNet trained further on pictures of things (builtin:omniglot: on handwriting); others come from a file, such as Keras' vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", f.Start)
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

// folderName is the last part of a run folder's path.
func folderName(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return filepath.Base(dir)
}

// weightSaver writes weights as a Siamese-keras checkpoint, with a card beside.
func weightSaver(dir string, flags trainFlags) func(name string, set *weights.Set) error {
	return func(name string, set *weights.Set) error {
		how, err := json.Marshal(flags)
		if err != nil {
			return err
		}
		card := newCard(cmp.Or(flags.Name, folderName(dir)), flags.architecture())
		card.Training = how
		return modelfile.WriteNew(filepath.Join(dir, name)+".h5", card, set, modelfile.Keras)
	}
}

// Recorded returns the data that a model was trained on, with what was held out of them, and
// their digest (dataset.Report.Digest), as the model's card has them of its run's
// configuration. ok is false where it has none.
func Recorded(card tfmodel.Card) (data datasets.Config, digest string, ok bool) {
	flags, err := defaultFlags()
	if err != nil || json.Unmarshal(card.Training, &flags) != nil || flags.DataDigest == "" {
		return datasets.Config{}, "", false
	}
	return flags.data(), flags.DataDigest, true
}
