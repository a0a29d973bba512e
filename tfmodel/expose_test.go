package tfmodel

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	framework "github.com/galeone/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"

	"siamese/weights"
)

// Rehash rewrites a folder's card for its present files, as if model and card had
// been changed together.
func Rehash(dir string, change func(*Card)) error {
	card, err := readCard(dir)
	if err != nil {
		return err
	}
	change(&card)
	return writeCard(context.Background(), dir, card)
}

// Processor is what AutoPrecision goes by.
type Processor struct {
	OnCPU, HasBFloat16 bool
	Capability         string
}

// Candidates are the precisions that AutoPrecision tries there.
func (p Processor) Candidates() (precisions []Precision, missing string) {
	return processor{p.OnCPU, p.HasBFloat16, p.Capability}.candidates()
}

// LoadOn is Load on a processor.
func LoadOn(ctx context.Context, dir string, options Options, on Processor) (*Model, error) {
	return loadOn(ctx, dir, options, func(Options) (processor, error) {
		return processor{on.OnCPU, on.HasBFloat16, on.Capability}, nil
	})
}

// OpenFirst tries candidates whose opening ends with the given errors, and
// returns those that were opened, in order.
func OpenFirst(ctx context.Context, precisions []Precision, refused map[Precision]error) (model *Model, opened []Precision, err error) {
	model, err = openFirst(ctx, precisions, "", func(precision Precision) (*Model, error) {
		opened = append(opened, precision)
		if err := refused[precision]; err != nil {
			return nil, err
		}
		return &Model{precision: precision}, nil
	})
	return model, opened, err
}

// ReadGoldenPicture reads a golden picture of a folder as uint8 [H,W,3].
func ReadGoldenPicture(dir, name string, architecture Architecture) ([]byte, error) {
	return readGoldenPicture(os.DirFS(filepath.Join(dir, extraFolder)), name, architecture)
}

// ScratchPrefix is scratchPrefix.
const ScratchPrefix = scratchPrefix

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

// RunImages is the largest run of a model on a device.
func (o Options) RunImages(device string) int { return o.runImages(device) }

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

// SetValue writes a folder's variables again with one value changed, and its card with
// them, as somebody would who has both.
func SetValue(dir string, set *weights.Set, name string, index int, value float32) error {
	tensor, _ := set.Get(name)
	tensor.Data[index] = value
	card, err := readCard(dir)
	if err != nil {
		return err
	}
	for _, file := range []string{".index", ".data-00000-of-00001"} {
		if err := os.Remove(filepath.Join(dir, variablesFile+file)); err != nil {
			return err
		}
	}
	if err := writeBundle(filepath.Join(dir, variablesFile), card.Architecture.Variables(), set); err != nil {
		return err
	}
	return Rehash(dir, func(card *Card) { card.Weights.Digest = set.Digest() })
}
