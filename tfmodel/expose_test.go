package tfmodel

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"
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

// RoundGraph has a graph's convolutions computed in bfloat16.
func RoundGraph(graph *framework.GraphDef) error {
	_, err := roundGraph(graph)
	return err
}

// RoundedTower is the graph of a trainer's tower in bfloat16.
func RoundedTower(architecture Architecture, config TrainerConfig) (*framework.GraphDef, error) {
	tower, err := newTower(architecture, config.withDefaults())
	if err != nil {
		return nil, err
	}
	if err := roundTower(tower); err != nil {
		return nil, err
	}
	graph := &framework.GraphDef{}
	return graph, proto.Unmarshal(tower.definition, graph)
}

// Rounded are options by which BFloat16 rewrites the graph wherever it runs, as
// it does for a GPU.
func Rounded(options Options) Options {
	options.Precision, options.rounds = BFloat16, true
	return options
}
