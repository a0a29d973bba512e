package main

import (
	"context"
	"os"

	"siamese/tfmodel"
	"siamese/weights"
)

// modelCommand looks at models and turns them from one form into another.
type modelCommand struct {
	Info   modelInfoCommand   `cmd:"" help:"Say what a model is."`
	Import modelImportCommand `cmd:"" help:"Turn a weight file of Keras or a SavedModel folder into safetensors."`
	Export modelExportCommand `cmd:"" help:"Write a model in another form."`
}

// readSource reads a model in any of its forms; "" is the built-in one.
func readSource(ctx context.Context, path string) (tfmodel.Source, error) {
	if isFolder(path) {
		// Nothing is computed: a GPU would only be filled for it.
		return tfmodel.ReadSavedModel(ctx, path, tfmodel.Options{Device: tfmodel.DeviceCPU})
	}
	return tfmodel.ReadSource(path)
}

// readWeights reads the weights of a SavedModel folder, or of a file that need
// not hold the whole network.
func readWeights(ctx context.Context, path string) (*weights.Set, error) {
	if isFolder(path) {
		set, _, err := tfmodel.ReadWeights(ctx, path, tfmodel.Options{Device: tfmodel.DeviceCPU})
		return set, err
	}
	return weights.Read(path)
}

// isFolder tells a folder from all else, a path with nothing there too.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
