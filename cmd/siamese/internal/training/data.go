package training

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"siamese"
	"siamese/cmd/internal/cli"
	"siamese/imaging"
	"siamese/train/augment"
	"siamese/train/dataset"
)

// dataConfig says which images a command reads, and which of them are held out.
type dataConfig struct {
	path, layout string
	unreadable   string // "stop" or "skip"
	side         int    // pixels, height and width of the prepared images
	memoryMiB    int    // of decoded images; 0: none is kept

	split     string // "none": nothing is held out
	holdOut   int    // classes or alphabets; 0: a tenth
	holdOutOf []string
	holdOutIn string // a file of such names; "": none
	forbidden string // a file of classes that must not count as different; "": none
	foldFlags
	seed uint64
}

// open opens all of the data. The caller closes it.
func (c dataConfig) open(ctx context.Context, logger *slog.Logger) (*dataset.Dataset, error) {
	data, _, err := c.openReport(ctx, logger)
	return data, err
}

// openReport opens all of the data and tells what was found. The caller closes it.
func (c dataConfig) openReport(ctx context.Context, logger *slog.Logger) (*dataset.Dataset, dataset.Report, error) {
	config, err := c.dataset()
	if err != nil {
		return nil, dataset.Report{}, err
	}
	data, report, err := dataset.Open(ctx, config)
	if err != nil {
		return nil, dataset.Report{}, err
	}
	forbidden, err := readForbidden(c.forbidden)
	if err == nil && forbidden != nil {
		err = forbidden.Check(data)
	}
	if err != nil {
		return nil, dataset.Report{}, errors.Join(err, data.Close())
	}
	tell(report, logger)
	return data, report, nil
}

// dataset is the configuration in dataset's terms.
func (c dataConfig) dataset() (dataset.Config, error) {
	if err := c.foldConflict(c.split, c.holdOut > 0 || len(c.holdOutOf) > 0 || c.holdOutIn != ""); err != nil {
		return dataset.Config{}, cli.Usage(err)
	}
	preparer, err := imaging.New(imaging.Config{Width: c.side, Height: c.side, Limits: siamese.DefaultLimits()})
	if err != nil {
		return dataset.Config{}, err
	}
	layout, err := dataset.ParseLayout(c.layout)
	if err != nil {
		return dataset.Config{}, err
	}
	unreadable, err := dataset.ParseUnreadable(c.unreadable)
	if err != nil {
		return dataset.Config{}, err
	}
	pixelBytes := int64(c.memoryMiB) << 20
	if c.memoryMiB < 1 {
		pixelBytes = -1
	}
	return dataset.Config{Path: c.path, Layout: layout, Unreadable: unreadable, Preparer: preparer, PixelBytes: pixelBytes}, nil
}

// tell logs what was found, and warns of what was not taken.
func tell(report dataset.Report, logger *slog.Logger) {
	found := []any{"layout", report.Layout.String(), "alphabets", report.Alphabets, "classes", report.Classes, "images", report.Images}
	for _, beside := range []struct {
		name  string
		count int
	}{{"hidden", report.Hidden}, {"not_images", report.NotImages}, {"unreadable", len(report.Unreadable)}} {
		if beside.count > 0 {
			found = append(found, beside.name, beside.count)
		}
	}
	logger.Info("data", found...)
	if report.Others != "" {
		logger.Info("files that are no pictures are passed over", "files", report.Others)
	}
	if report.Summary != "" {
		logger.Warn("unreadable pictures are left out", "unreadable", len(report.Unreadable), "files", report.Summary)
	}
	for _, name := range report.Unreadable[:min(len(report.Unreadable), maxNamed)] {
		logger.Warn("unreadable picture left out", "image", name)
	}
	for _, folder := range report.Lost {
		logger.Warn("a folder without a readable picture is no class", "folder", folder)
	}
	if len(report.Repeated) > 0 {
		logger.Warn("names stand in the archive more than once: the last of each is taken", "names", shortened(report.Repeated))
	}
}

// parts splits the data; the part held out is nil where there is none.
func (c dataConfig) parts(data *dataset.Dataset) (learn, held *dataset.Dataset, err error) {
	if c.split == "none" {
		return data, nil, nil
	}
	by, err := dataset.ParseSplitBy(c.split)
	if err != nil {
		return nil, nil, err
	}
	if by == dataset.ByImage && (c.holdOut > 0 || len(c.holdOutOf) > 0 || c.holdOutIn != "") {
		return nil, nil, cli.Usage(errors.New("--hold-out, --hold-out-of and --hold-out-in are about classes or alphabets, and change nothing with --split image: leave one of them out"))
	}
	names := c.holdOutOf
	if c.holdOutIn != "" {
		listed, err := readNames(c.holdOutIn)
		if err != nil {
			return nil, nil, err
		}
		names = append(slices.Clone(names), listed...)
	}
	learn, held, err = data.Split(dataset.Split{By: by, HoldOut: c.holdOut, Names: names, Folds: c.Folds, Fold: c.Fold, Seed: c.seed})
	if err != nil {
		return nil, nil, splitAdvice(err, by, len(data.Classes()), c.Folds > 0)
	}
	return learn, held, nil
}

// splitAdvice says which flag helps where data can't be parted.
func splitAdvice(err error, by dataset.SplitBy, classes int, folded bool) error {
	const learnAll = "--split none learns from all of it and validates on nothing"
	const leastClasses = 4 // two of each part
	switch {
	case errors.Is(err, dataset.ErrNoAlphabets):
		return fmt.Errorf("%w; --split class holds out classes, --split image pictures", err)
	case errors.Is(err, dataset.ErrUnknownName), folded, by == dataset.ByAlphabet && errors.Is(err, dataset.ErrNoPairs):
		return err
	case by == dataset.ByClass && classes < leastClasses:
		return fmt.Errorf("%w; each part takes two classes, and there are %d: --split image holds out pictures, and %s", err, classes, learnAll)
	case by == dataset.ByClass:
		return fmt.Errorf("%w; each part takes two classes, one of them of two pictures, and there are %d: another --hold-out may do, --split image holds out pictures, and %s", err, classes, learnAll)
	case by == dataset.ByAlphabet:
		return fmt.Errorf("%w; another --hold-out may do, --split class holds out classes, --split image pictures, and %s", err, learnAll)
	}
	return fmt.Errorf("%w; each part takes two pictures of one class and one of another: more pictures do, and %s", err, learnAll)
}

// foldFlags choose one of several parts that are held out in turn.
type foldFlags struct {
	Folds int `help:"Cuts the classes or alphabets, shuffled by --seed, into this many parts of which --fold is held out. 0: --hold-out says what is." default:"0" json:"folds,omitempty"`
	Fold  int `help:"Chooses which part of --folds is held out, from 1. 0: none." default:"0" json:"fold,omitempty"`
}

// foldConflict reports flags that contradict each other; others says whether something else
// chooses what is held out.
func (f foldFlags) foldConflict(split string, others bool) error {
	switch {
	case f.Folds == 0 && f.Fold == 0:
		return nil
	case f.Folds < 2:
		return fmt.Errorf("--folds is %d and --fold %d, expected 2 folds or more", f.Folds, f.Fold)
	case f.Fold < 1 || f.Fold > f.Folds:
		return fmt.Errorf("--fold is %d and --folds %d, expected a fold of 1 to %d", f.Fold, f.Folds, f.Folds)
	case split != "class" && split != "alphabet":
		return fmt.Errorf("--folds are parts of the classes or alphabets, and change nothing with --split %s: expected --split class or alphabet", split)
	case others:
		return errors.New("--hold-out, --hold-out-of and --hold-out-in say what is held out, and so do --folds and --fold: leave one of them out")
	}
	return nil
}

// heldFlags choose the part of the data that a command measures on.
type heldFlags struct {
	Split     string   `help:"Takes only the part that training with the same --split, --hold-out and --seed held out. none: all of the data." enum:"none,image,class,alphabet" default:"none"`
	HoldOut   int      `help:"Says how many classes or alphabets were held out. 0: a tenth." default:"0"`
	HoldOutOf []string `help:"Names the classes or alphabets that were held out. Empty: drawn by --seed." placeholder:"NAME"`
	HoldOutIn string   `help:"Names a file of the classes, kinds or domains that were held out, one a line; with --split class. Empty: none." placeholder:"FILE"`

	foldFlags

	Level  string `help:"Chooses what counts as the same: a thing (a character, a class), or a kind (an alphabet)." enum:"thing,kind" default:"thing"`
	Layout string `help:"Says how the data is laid out: auto, omniglot (alphabet/character/image), things (kind/thing/image), domains (domain/kind/thing/image) or own (class/image)." enum:"auto,omniglot,things,domains,own" default:"auto"`
	Seed   uint64 `help:"Seeds the split and what is drawn." default:"1"`

	Unreadable string `help:"Chooses what to do about unreadable pictures: stop or skip, as training did." enum:"stop,skip" default:"stop"`
}

func (f heldFlags) config(path string, side int) dataConfig {
	return dataConfig{
		path: path, layout: f.Layout, unreadable: f.Unreadable, side: side,
		split: f.Split, holdOut: f.HoldOut, holdOutOf: f.HoldOutOf, holdOutIn: f.HoldOutIn, foldFlags: f.foldFlags, seed: f.Seed,
	}
}

// open opens the part of the data.
func (f heldFlags) open(ctx context.Context, path string, side int) (*dataset.Dataset, error) {
	config := f.config(path, side)
	data, err := config.open(ctx, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if _, ok := errors.AsType[*dataset.UnreadableError](err); ok && f.Unreadable == "stop" {
		err = fmt.Errorf("%w; --unreadable skip leaves unreadable pictures out", err)
	}
	if err != nil {
		return nil, err
	}
	all, held, err := config.parts(data)
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	part := held
	if held == nil {
		part = all
	}
	if f.Level != "kind" {
		return part, nil
	}
	kinds, err := part.ByKind()
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return kinds, nil
}

// with opens the part of the data for the time of a call.
func (f heldFlags) with(ctx context.Context, path string, side int, use func(*dataset.Dataset) error) error {
	data, err := f.open(ctx, path, side)
	if err != nil {
		return err
	}
	return errors.Join(use(data), data.Close())
}

// describe says in words which part of the data is measured on.
func (f heldFlags) describe() string {
	switch {
	case f.Split == "none":
		return "all"
	case f.Folds > 0:
		return fmt.Sprintf("held out by %s: fold %d of %d, seed %d", f.Split, f.Fold, f.Folds, f.Seed)
	case f.HoldOutIn != "":
		return fmt.Sprintf("held out by %s: those of %s", f.Split, filepath.Base(f.HoldOutIn))
	case len(f.HoldOutOf) > 0:
		return fmt.Sprintf("held out by %s: %s", f.Split, strings.Join(f.HoldOutOf, ", "))
	case f.HoldOut > 0:
		return fmt.Sprintf("held out by %s: %d, seed %d", f.Split, f.HoldOut, f.Seed)
	}
	return fmt.Sprintf("held out by %s: a tenth, seed %d", f.Split, f.Seed)
}

// autoAugment is the augmenter that auto stands for: affine for Omniglot's layout, edits
// for things and domains, else autoaugment.
func autoAugment(learn *dataset.Dataset) string {
	switch learn.Layout() {
	case dataset.Omniglot:
		return "affine"
	case dataset.Things, dataset.Domains:
		return "edits"
	}
	return "autoaugment"
}

// newAugmenter makes the augmenter of a name, or what auto stands for.
func newAugmenter(name string, learn *dataset.Dataset, config augment.Config) (augment.Augmenter, error) {
	if name == "auto" {
		name = autoAugment(learn)
	}
	return augment.New(name, config)
}
