package tfmodel

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Rehash rewrites a folder's card for its present files, as if model and card had
// been changed together.
func Rehash(dir string, change func(*Card)) error {
	card, err := readCard(dir)
	if err != nil {
		return err
	}
	change(&card)
	return writeCard(dir, card)
}

// LoadOn is Load on a processor that has instructions for bfloat16, or has not.
func LoadOn(ctx context.Context, dir string, options Options, fast bool) (*Model, error) {
	return loadOn(ctx, dir, options, fast)
}

// ReadGoldenPicture reads a golden picture of a folder as uint8 [H,W,3].
func ReadGoldenPicture(dir, name string, architecture Architecture) ([]byte, error) {
	return readGoldenPicture(os.DirFS(filepath.Join(dir, extraFolder)), name, architecture)
}

// LeftoverAge is leftoverAge.
const LeftoverAge = leftoverAge

// TowerDevices are the devices of a trainer's backward convolutions, by tower.
func TowerDevices(architecture Architecture, config TrainerConfig, options Options) (map[string][]string, error) {
	devices, err := options.towerDevices()
	if err != nil {
		return nil, err
	}
	graph, err := newTrainerGraph(architecture, config.withDefaults(), devices, false)
	if err != nil {
		return nil, err
	}
	found := make(map[string][]string)
	for _, operation := range graph.definition.Operations() {
		if operation.Type() == "Conv2DBackpropFilter" {
			tower, _, _ := strings.Cut(operation.Name(), "/")
			found[tower] = append(found[tower], operation.Device())
		}
	}
	return found, nil
}

// Steps is the number of updates that were done.
func (t *Trainer) Steps() int64 { return t.steps }

// Rounded are options by which BFloat16 rewrites the graph wherever it runs, as
// it does for a GPU.
func Rounded(options Options) Options {
	options.Precision, options.rounds = BFloat16, true
	return options
}
