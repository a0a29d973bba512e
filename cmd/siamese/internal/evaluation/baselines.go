package evaluation

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"siamese/cmd/internal/network"
	"siamese/tfmodel"
	"siamese/train/evaluate"
)

// besideFlags choose what is measured beside the model.
type besideFlags struct {
	Baseline []string `help:"Measures the cosine of another model's embeddings beside: any model, or ImageNet's VGG16 file, whose last map is then averaged." placeholder:"FILE"`
}

// baselineFlags choose that, and the form of the result.
type baselineFlags struct {
	besideFlags
	ROC  string `help:"Writes the ROC curves to this PNG file. Empty: none." placeholder:"FILE"`
	JSON bool   `help:"Prints a JSON object."`
}

// hashName is what the perceptual hash is called in tables.
const hashName = "perceptual hash"

// untrainedName is what convolutions without a head are called.
const untrainedName = "untrained"

// beside opens the baselines for the time of a call; the perceptual hash is always one.
func (f besideFlags) beside(ctx context.Context, like *network.Model, flags network.ModelFlags, use func([]evaluate.Baseline) error) (err error) {
	var baselines []evaluate.Baseline
	for _, file := range f.Baseline {
		baseline, closeModel, err := openBaseline(ctx, file, like.Card().Architecture, flags)
		if err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
		defer func() { err = errors.Join(err, closeModel()) }()
		baselines = append(baselines, baseline)
	}
	return use(append(baselines, evaluate.Baseline{Name: hashName}))
}

// openBaseline opens a model of the same input size, or convolutions alone as a network
// that averages their last map.
func openBaseline(ctx context.Context, file string, like tfmodel.Architecture, flags network.ModelFlags) (evaluate.Baseline, func() error, error) {
	set, err := flags.ReadWeights(ctx, file)
	if err != nil {
		return evaluate.Baseline{}, nil, err
	}
	if _, whole := set.Get("dense_2/kernel"); whole {
		flags.Model = file
		model, err := flags.Open(ctx, network.Warnings())
		if err != nil {
			return evaluate.Baseline{}, nil, err
		}
		if got := model.Card().Architecture; got.Height != like.Height || got.Width != like.Width {
			return evaluate.Baseline{}, nil, errors.Join(fmt.Errorf("%s takes %d×%d, want %d×%d as the model that is measured", file, got.Height, got.Width, like.Height, like.Width), model.Close())
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		return evaluate.Baseline{Name: name, Model: model}, model.Close, nil
	}
	architecture := tfmodel.VGG16(like.Height, like.Width)
	architecture.Pooling = tfmodel.Average
	if set, err = network.Reshape(set, architecture, 1); err != nil {
		return evaluate.Baseline{}, nil, err
	}
	if set, err = tfmodel.FoldInput(set, tfmodel.ImageNetScaling()); err != nil {
		return evaluate.Baseline{}, nil, err
	}
	trainer, err := tfmodel.NewTrainer(architecture, set, tfmodel.TrainerConfig{PairWeight: 1, FrozenBlocks: len(architecture.Blocks)}, flags.Options(network.Warnings()))
	if err != nil {
		return evaluate.Baseline{}, nil, err
	}
	return evaluate.Baseline{Name: untrainedName, Model: trainer}, trainer.Close, nil
}
