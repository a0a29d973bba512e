package training

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"siamese/cmd/siamese/internal/datasets"
	"siamese/train/dataset"
)

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
