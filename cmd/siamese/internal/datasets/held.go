package datasets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"siamese/train/dataset"
)

// FoldFlags choose one of several parts that are held out in turn.
type FoldFlags struct {
	Folds int `help:"Cuts the classes or alphabets, shuffled by --seed, into this many parts of which --fold is held out. 0: --hold-out says what is." default:"0" json:"folds,omitempty"`
	Fold  int `help:"Chooses which part of --folds is held out, from 1. 0: none." default:"0" json:"fold,omitempty"`
}

// FoldConflict returns an error where the flags contradict each other or --split; others says
// whether something else chooses what is held out.
func (f FoldFlags) FoldConflict(split string, others bool) error {
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

// HeldFlags choose the part of the data that a command measures on.
type HeldFlags struct {
	Split     string   `help:"Takes only the part that training with the same --split, --hold-out and --seed held out. none: all of the data." enum:"none,image,class,alphabet" default:"none"`
	HoldOut   int      `help:"Says how many classes or alphabets were held out. 0: a tenth." default:"0"`
	HoldOutOf []string `help:"Names the classes or alphabets that were held out. Empty: drawn by --seed." placeholder:"NAME"`
	HoldOutIn string   `help:"Names a file of the classes, kinds or domains that were held out, one a line; with --split class. Empty: none." placeholder:"FILE"`

	FoldFlags

	Level  string `help:"Chooses what counts as the same: a thing (a character, a class), or a kind (an alphabet)." enum:"thing,kind" default:"thing"`
	Layout string `help:"Says how the data is laid out: auto, omniglot (alphabet/character/image), things (kind/thing/image), domains (domain/kind/thing/image) or own (class/image)." enum:"auto,omniglot,things,domains,own" default:"auto"`
	Seed   uint64 `help:"Seeds the split and what is drawn." default:"1"`

	Unreadable string `help:"Chooses what to do about unreadable pictures: stop or skip, as training did." enum:"stop,skip" default:"stop"`
}

// DataConfig is what the flags say of the data at path; side is the height and width of the
// prepared images, in pixels.
func (f HeldFlags) DataConfig(path string, side int) Config {
	return Config{
		Path: path, Layout: f.Layout, Unreadable: f.Unreadable, Side: side,
		Split: f.Split, HoldOut: f.HoldOut, HoldOutOf: f.HoldOutOf, HoldOutIn: f.HoldOutIn, FoldFlags: f.FoldFlags, Seed: f.Seed,
	}
}

// OpenData opens the part of the data at path that the flags choose, with kinds for classes
// where --level says so. Warnings go to standard error. The caller closes what is returned.
func (f HeldFlags) OpenData(ctx context.Context, path string, side int) (*dataset.Dataset, error) {
	config := f.DataConfig(path, side)
	data, err := config.Open(ctx, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if _, ok := errors.AsType[*dataset.UnreadableError](err); ok && f.Unreadable == "stop" {
		err = fmt.Errorf("%w; --unreadable skip leaves unreadable pictures out", err)
	}
	if err != nil {
		return nil, err
	}
	all, held, err := config.Parts(data)
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

// WithData opens the part of the data as OpenData does, for the time of a call: use must not
// keep it.
func (f HeldFlags) WithData(ctx context.Context, path string, side int, use func(*dataset.Dataset) error) error {
	data, err := f.OpenData(ctx, path, side)
	if err != nil {
		return err
	}
	return errors.Join(use(data), data.Close())
}

// DescribeData says in words which part of the data is measured on.
func (f HeldFlags) DescribeData() string {
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
