package main

import "context"

// exportCommand is `model export --format savedmodel` by a shorter name.
type exportCommand struct {
	Dir   string `arg:"" help:"The folder to write, such as models/NAME/1. It must not exist."`
	Model string `help:"The model to export: a weight file or a SavedModel folder. Default: the built-in model." placeholder:"IN"`
}

// Run writes the SavedModel.
func (c *exportCommand) Run(ctx context.Context, s streams) error {
	export := modelExportCommand{Out: c.Dir, Format: formatSavedModel, Model: c.Model}
	return export.Run(ctx, s)
}
