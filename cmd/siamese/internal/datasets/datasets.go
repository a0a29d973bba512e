// Package datasets opens the data that training and evaluation share, and splits what is
// learnt from off what is held out. What it returns holds for all commands alike: a model is
// measured on what its training held out if both are told the same split and seed.
package datasets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"siamese"
	"siamese/cmd/internal/cli"
	"siamese/imaging"
	"siamese/train/dataset"
)

// Config says which images a command reads, and which of them are held out.
type Config struct {
	Path       string // of a folder or zip file
	Layout     string // as [dataset.ParseLayout] takes it
	Unreadable string // "stop" or "skip"
	Side       int    // pixels, height and width of the prepared images
	MemoryMiB  int    // of decoded images; 0: none is kept

	Split     string // as [dataset.ParseSplitBy] takes it, or "none": nothing is held out
	HoldOut   int    // classes or alphabets; 0: a tenth
	HoldOutOf []string
	HoldOutIn string // a file of such names; "": none
	Forbidden string // a file of classes that must not count as different; "": none
	FoldFlags
	Seed uint64
}

// Open opens all of the data, and logs what was found. The caller closes it. Besides errors of
// [dataset.Open] it returns those of flags that contradict each other, as [cli.Usage], and of
// forbidden classes that are not in the data.
func (c Config) Open(ctx context.Context, logger *slog.Logger) (*dataset.Dataset, error) {
	data, _, err := c.OpenReport(ctx, logger)
	return data, err
}

// OpenReport opens all of the data as Open does, and returns what was found, too.
func (c Config) OpenReport(ctx context.Context, logger *slog.Logger) (*dataset.Dataset, dataset.Report, error) {
	config, err := c.dataset()
	if err != nil {
		return nil, dataset.Report{}, err
	}
	data, report, err := dataset.Open(ctx, config)
	if err != nil {
		return nil, dataset.Report{}, err
	}
	forbidden, err := ReadForbidden(c.Forbidden)
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
func (c Config) dataset() (dataset.Config, error) {
	if err := c.FoldConflict(c.Split, c.HoldOut > 0 || len(c.HoldOutOf) > 0 || c.HoldOutIn != ""); err != nil {
		return dataset.Config{}, cli.Usage(err)
	}
	preparer, err := imaging.New(imaging.Config{Width: c.Side, Height: c.Side, Limits: siamese.DefaultLimits()})
	if err != nil {
		return dataset.Config{}, err
	}
	layout, err := dataset.ParseLayout(c.Layout)
	if err != nil {
		return dataset.Config{}, err
	}
	unreadable, err := dataset.ParseUnreadable(c.Unreadable)
	if err != nil {
		return dataset.Config{}, err
	}
	pixelBytes := int64(c.MemoryMiB) << 20
	if c.MemoryMiB < 1 {
		pixelBytes = -1
	}
	return dataset.Config{Path: c.Path, Layout: layout, Unreadable: unreadable, Preparer: preparer, PixelBytes: pixelBytes}, nil
}

// Parts splits the data, which it leaves open: the parts are valid until data is closed. held
// is nil where nothing is held out. Errors say which flag helps where the data can't be split
// so.
func (c Config) Parts(data *dataset.Dataset) (learn, held *dataset.Dataset, err error) {
	if c.Split == "none" {
		return data, nil, nil
	}
	by, err := dataset.ParseSplitBy(c.Split)
	if err != nil {
		return nil, nil, err
	}
	if by == dataset.ByImage && (c.HoldOut > 0 || len(c.HoldOutOf) > 0 || c.HoldOutIn != "") {
		return nil, nil, cli.Usage(errors.New("--hold-out, --hold-out-of and --hold-out-in are about classes or alphabets, and change nothing with --split image: leave one of them out"))
	}
	names := c.HoldOutOf
	if c.HoldOutIn != "" {
		listed, err := readNames(c.HoldOutIn)
		if err != nil {
			return nil, nil, err
		}
		names = append(slices.Clone(names), listed...)
	}
	learn, held, err = data.Split(dataset.Split{By: by, HoldOut: c.HoldOut, Names: names, Folds: c.Folds, Fold: c.Fold, Seed: c.Seed})
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
		logger.Warn("names stand in the archive more than once: the last of each is taken", "names", Shortened(report.Repeated))
	}
}

// CountImages returns the number of images of all classes.
func CountImages(data *dataset.Dataset) int {
	count := 0
	for _, class := range data.Classes() {
		count += len(class.Images)
	}
	return count
}
