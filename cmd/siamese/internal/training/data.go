package training

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"siamese"
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
	seed      uint64
}

// open opens all of the data. The caller closes it.
func (c dataConfig) open(ctx context.Context, logger *slog.Logger) (*dataset.Dataset, error) {
	preparer, err := imaging.New(imaging.Config{Width: c.side, Height: c.side, Limits: siamese.DefaultLimits()})
	if err != nil {
		return nil, err
	}
	layout, err := dataset.ParseLayout(c.layout)
	if err != nil {
		return nil, err
	}
	unreadable, err := dataset.ParseUnreadable(c.unreadable)
	if err != nil {
		return nil, err
	}
	pixelBytes := int64(c.memoryMiB) << 20
	if c.memoryMiB < 1 {
		pixelBytes = -1
	}
	data, report, err := dataset.Open(ctx, dataset.Config{
		Path: c.path, Layout: layout, Unreadable: unreadable, Preparer: preparer, PixelBytes: pixelBytes,
	})
	if err != nil {
		return nil, err
	}
	forbidden, err := readForbidden(c.forbidden)
	if err == nil && forbidden != nil {
		err = forbidden.Check(data)
	}
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	logger.Info("data", "layout", report.Layout.String(), "alphabets", report.Alphabets, "classes", report.Classes,
		"images", report.Images, "hidden", report.Hidden, "not_images", report.NotImages, "unreadable", len(report.Unreadable))
	for _, name := range report.Unreadable {
		logger.Warn("unreadable image skipped", "image", name)
	}
	return data, nil
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
	names := c.holdOutOf
	if c.holdOutIn != "" {
		listed, err := readNames(c.holdOutIn)
		if err != nil {
			return nil, nil, err
		}
		names = append(slices.Clone(names), listed...)
	}
	return data.Split(dataset.Split{By: by, HoldOut: c.holdOut, Names: names, Seed: c.seed})
}

// heldFlags choose the part of the data that a command measures on.
type heldFlags struct {
	Split     string   `help:"Takes only the part that training with the same --split, --hold-out and --seed held out. none: all of the data." enum:"none,image,class,alphabet" default:"none"`
	HoldOut   int      `help:"Says how many classes or alphabets were held out. 0: a tenth." default:"0"`
	HoldOutOf []string `help:"Names the classes or alphabets that were held out. Empty: drawn by --seed." placeholder:"NAME"`
	HoldOutIn string   `help:"Names a file of the classes, kinds or domains that were held out, one a line; with --split class. Empty: none." placeholder:"FILE"`
	Level     string   `help:"Chooses what counts as the same: a thing (a character, a class), or a kind (an alphabet)." enum:"thing,kind" default:"thing"`
	Layout    string   `help:"Says how the data is laid out: auto, omniglot (alphabet/character/image), things (kind/thing/image), domains (domain/kind/thing/image) or own (class/image)." enum:"auto,omniglot,things,domains,own" default:"auto"`
	Seed      uint64   `help:"Seeds the split and what is drawn." default:"1"`
}

func (f heldFlags) config(path string, side int) dataConfig {
	return dataConfig{
		path: path, layout: f.Layout, unreadable: "stop", side: side,
		split: f.Split, holdOut: f.HoldOut, holdOutOf: f.HoldOutOf, holdOutIn: f.HoldOutIn, seed: f.Seed,
	}
}

// open opens the part of the data.
func (f heldFlags) open(ctx context.Context, path string, side int) (*dataset.Dataset, error) {
	config := f.config(path, side)
	data, err := config.open(ctx, slog.New(slog.DiscardHandler))
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
