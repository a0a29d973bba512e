package main

import (
	"context"
	"fmt"

	"siamese/tfmodel"
)

type exportCommand struct {
	Dir   string `arg:"" help:"The folder to write, such as models/NAME/1. It must not exist."`
	Model string `help:"The weight file to export (safetensors or Keras HDF5). Default: the built-in model." placeholder:"FILE"`
}

// Run writes the SavedModel.
func (c *exportCommand) Run(ctx context.Context, s streams) error {
	source, err := tfmodel.ReadSource(c.Model)
	if err != nil {
		return err
	}
	if err := tfmodel.Export(ctx, c.Dir, source, tfmodel.Options{Device: tfmodel.DeviceCPU}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: SavedModel of %s\n", c.Dir, source.Card.Name)
	return err
}
