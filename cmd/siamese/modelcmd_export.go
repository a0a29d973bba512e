package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"siamese/tfmodel"
	"siamese/train/checkpoint"
	"siamese/weights"
)

type modelImportCommand struct {
	In    string `arg:"" help:"A weight file (Keras HDF5 or safetensors) or a SavedModel folder."`
	Out   string `arg:"" help:"The file to write, OUT.safetensors. The card of IN, if it has one, becomes OUT.json."`
	DType string `help:"What values are kept as: float32, or float16 at half the size." name:"dtype" enum:"float32,float16" default:"float32"`
}

// Run writes the safetensors file. A file without a card may hold a part of the
// network, such as published VGG16 weights.
func (c *modelImportCommand) Run(ctx context.Context, s streams) error {
	format := formatSafetensors
	if c.DType == "float16" {
		format = formatSafetensorsFP16
	}
	if err := checkEnding(c.Out, format); err != nil {
		return err
	}
	hasCard, err := exists(tfmodel.CardPath(c.In))
	if err != nil {
		return err
	}
	if hasCard || isFolder(c.In) {
		source, err := readSource(ctx, c.In)
		if err != nil {
			return err
		}
		return writeWithCard(s.out, c.Out, source, format)
	}
	return c.withoutCard(s)
}

func (c *modelImportCommand) withoutCard(s streams) error {
	card := tfmodel.CardPath(c.Out)
	taken, err := exists(card)
	if err != nil {
		return err
	}
	if taken {
		return fmt.Errorf("%s is there already and would be taken for the card of %s, which has none: remove it or name another file", card, c.Out)
	}
	set, err := weights.Read(c.In)
	if err != nil {
		return err
	}
	if err := checkpoint.Replace(c.Out, func(w io.Writer) error {
		return weights.WriteSafetensors(w, set, dtypes[c.DType], nil)
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: %d tensors, without a card\n", c.Out, set.Len())
	return err
}

// dtypes are the values of --dtype.
var dtypes = map[string]weights.DType{"float32": weights.Float32, "float16": weights.Float16}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

type modelExportCommand struct {
	Out    string `arg:"" help:"The file to write, with its card beside it, or the folder, such as models/NAME/1, which must not exist."`
	Format string `help:"safetensors, safetensors-fp16 (half the size), keras-h5 (a Siamese-keras checkpoint) or savedmodel." enum:"safetensors,safetensors-fp16,keras-h5,savedmodel" required:""`
	Model  string `help:"The model to export: a weight file or a SavedModel folder. Default: the built-in model." placeholder:"IN"`
}

// The values of --format.
const (
	formatSafetensors     = "safetensors"
	formatSafetensorsFP16 = "safetensors-fp16"
	formatKeras           = "keras-h5"
	formatSavedModel      = "savedmodel"
)

// Run writes the model.
func (c *modelExportCommand) Run(ctx context.Context, s streams) error {
	if err := checkEnding(c.Out, c.Format); err != nil {
		return err
	}
	source, err := readSource(ctx, c.Model)
	if err != nil {
		return err
	}
	if c.Format != formatSavedModel {
		return writeWithCard(s.out, c.Out, source, c.Format)
	}
	if err := tfmodel.Export(ctx, c.Out, source, tfmodel.Options{Device: tfmodel.DeviceCPU}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: SavedModel of %s\n", c.Out, source.Card.Name)
	return err
}

// checkEnding holds a file's name against its format: a name that ends in .json
// would be its own card's.
func checkEnding(path, format string) error {
	want := ".safetensors"
	switch format {
	case formatSavedModel:
		return nil
	case formatKeras:
		want = ".h5"
	}
	if got := filepath.Ext(path); got != want {
		return usageError{fmt.Errorf("%q ends in %q, want a name that ends in %q", path, got, want)}
	}
	return nil
}
