package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/internal/atomicfile"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/weights"
)

type importCommand struct {
	In    string `arg:"" help:"A weight file (Keras HDF5 or safetensors) or a SavedModel folder."`
	Out   string `arg:"" help:"The file to write, OUT.safetensors. The card of IN, if it has one, becomes OUT.json."`
	DType string `help:"Chooses what values are kept as: float32, or float16 at half the size." name:"dtype" enum:"float32,float16" default:"float32"`

	network.TrustFlags
}

// Run writes the safetensors file. A file without a card may hold a part of the
// network, such as published VGG16 weights.
func (c *importCommand) Run(ctx context.Context, s cli.Streams) error {
	format := modelfile.Safetensors
	if c.DType == "float16" {
		format = modelfile.SafetensorsFP16
	}
	if err := checkEnding(c.Out, format); err != nil {
		return err
	}
	hasCard, err := exists(tfmodel.CardPath(c.In))
	if err != nil {
		return err
	}
	if !hasCard && !network.IsFolder(c.In) {
		return c.withoutCard(ctx, s)
	}
	source, err := c.ReadSource(ctx, c.In)
	if err != nil {
		return err
	}
	return writeFile(s.Out, c.Out, source, format)
}

func (c *importCommand) withoutCard(ctx context.Context, s cli.Streams) error {
	card := tfmodel.CardPath(c.Out)
	taken, err := exists(card)
	if err != nil {
		return err
	}
	if taken {
		return fmt.Errorf("%s is there already and would be taken for the card of %s, which has none: remove it or name another file", card, c.Out)
	}
	set, err := c.ReadWeights(ctx, c.In)
	if err != nil {
		return err
	}
	if err := atomicfile.Replace(c.Out, func(w io.Writer) error {
		return weights.WriteSafetensors(w, set, dtypes[c.DType], nil)
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s: %d tensors, without a card\n", c.Out, set.Len())
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

// writeFile writes a weight file with its card and tells of it.
func writeFile(out io.Writer, file string, source tfmodel.Source, format modelfile.Format) error {
	if err := modelfile.Write(file, source, format); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s: %s of %s\n", file, format, source.Card.Name)
	return err
}

type exportCommand struct {
	Out    string `arg:"" help:"The file to write, with its card beside it, or the folder, such as models/NAME/1, which must not exist."`
	Format string `help:"Chooses the form: safetensors, safetensors-fp16 (half the size), keras-h5 (a Siamese-keras checkpoint) or savedmodel." enum:"safetensors,safetensors-fp16,keras-h5,savedmodel" required:""`
	Model  string `help:"Names the model to export: a weight file or a SavedModel folder. A built-in model goes by its name, general or omniglot. Empty: general." placeholder:"IN"`

	network.TrustFlags
}

// Run writes the model.
func (c *exportCommand) Run(ctx context.Context, s cli.Streams) error {
	if c.Format == "savedmodel" {
		return (&SavedModelCommand{Dir: c.Out, Model: c.Model, TrustFlags: c.TrustFlags}).Run(ctx, s)
	}
	format := modelfile.Format(c.Format)
	if err := checkEnding(c.Out, format); err != nil {
		return err
	}
	source, err := c.ReadSource(ctx, c.Model)
	if err != nil {
		return err
	}
	return writeFile(s.Out, c.Out, source, format)
}

// SavedModelCommand is `siamese export`.
type SavedModelCommand struct {
	Dir   string `arg:"" help:"The folder to write, such as models/NAME/1. It must not exist."`
	Model string `help:"Names the model to export: a weight file or a SavedModel folder. A built-in model goes by its name, general or omniglot. Empty: general." placeholder:"IN"`

	network.TrustFlags
}

// Run writes the SavedModel.
func (c *SavedModelCommand) Run(ctx context.Context, s cli.Streams) error {
	source, err := c.ReadSource(ctx, c.Model)
	if err != nil {
		return err
	}
	if err := tfmodel.Export(ctx, c.Dir, source, tfmodel.Options{Device: tfmodel.DeviceCPU}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s: SavedModel of %s\n", c.Dir, source.Card.Name)
	return err
}

// checkEnding holds a file's name against its format: a name that ends in .json
// would be its own card's.
func checkEnding(path string, format modelfile.Format) error {
	if got, want := filepath.Ext(path), format.Ending(); got != want {
		return cli.Usage(fmt.Errorf("%q ends in %q, want a name that ends in %q", path, got, want))
	}
	return nil
}
