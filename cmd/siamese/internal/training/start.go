package training

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"siamese/cmd/siamese/internal/datasets"
	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
	"siamese/weights"
)

// startFrom lays a weight file, or a SavedModel's weights, over the initial weights, by name.
func (f trainFlags) startFrom(ctx context.Context, set *weights.Set, logger *slog.Logger) (*weights.Set, error) {
	path, isBuiltIn := builtInStart(f.Start)
	file, err := f.readStart(ctx, path, isBuiltIn, logger)
	if err != nil {
		return nil, err
	}
	merged, taken, passed, err := tfmodel.Overlay(set, file)
	if err != nil {
		return nil, err
	}
	if len(taken) == 0 {
		return nil, fmt.Errorf("%s holds no weights of the network", f.Start)
	}
	var fresh []string
	for tensor := range set.All() {
		if !slices.Contains(taken, tensor.Name) {
			fresh = append(fresh, tensor.Name)
		}
	}
	logger.Info("start", "from", f.Start, "taken", len(taken), "of_other_shape", len(passed), "from_scratch", datasets.Shortened(fresh))
	_, hasHead := file.Get("dense_2/kernel")
	if f.StartScale == "imagenet" || f.StartScale == "auto" && !hasHead {
		return tfmodel.FoldInput(merged, tfmodel.ImageNetScaling())
	}
	return merged, nil
}

// builtInStart reports whether --start names a built-in model, and returns the path to open.
// A file of such a name is named by ./builtin.
func builtInStart(start string) (path string, is bool) {
	if start == "builtin" {
		return builtin.General, true
	}
	name, prefixed := strings.CutPrefix(start, "builtin:")
	if _, known := builtin.Find(name); !known || name == "" {
		return start, false
	}
	if _, err := os.Stat(start); err == nil && !prefixed {
		return start, false
	}
	return name, true
}

// readStart reads the weights to begin with. Of a built-in model whose embedding is made
// otherwise than this network's they are those of the convolutions alone: its head would
// take numbers of another meaning, even where their shape is the same.
func (f trainFlags) readStart(ctx context.Context, path string, isBuiltIn bool, logger *slog.Logger) (*weights.Set, error) {
	if !isBuiltIn {
		return f.ReadWeights(ctx, path)
	}
	source, err := f.ReadSource(ctx, path)
	if err != nil || alikeEmbeddings(source.Card.Architecture, f.architecture()) {
		return source.Weights, err
	}
	logger.Warn("convolutions alone", "warning", fmt.Sprintf("this network makes other embeddings than the model %s, whose head can't be taken; its own network is %s", path, networkFlags(source.Card.Architecture)))
	var convolutions []weights.Tensor
	for tensor := range source.Weights.All() {
		if strings.HasPrefix(tensor.Name, "block") {
			convolutions = append(convolutions, tensor)
		}
	}
	return weights.New(convolutions...)
}

// alikeEmbeddings reports whether two networks make embeddings of one meaning. Pooled ones
// do so from inputs of any size.
func alikeEmbeddings(a, b tfmodel.Architecture) bool {
	sized := a.Height == b.Height && a.Width == b.Width
	pooled := a.Pooling != "" && a.Pooling != tfmodel.Flatten
	return cmp.Or(a.Pooling, tfmodel.Flatten) == cmp.Or(b.Pooling, tfmodel.Flatten) &&
		a.GeMPower == b.GeMPower && a.Projection == b.Projection && a.Unit == b.Unit && (pooled || sized)
}

// networkFlags are the flags by which a network of such embeddings is made.
func networkFlags(a tfmodel.Architecture) string {
	flags := fmt.Sprintf("--pooling %s --input-size %d", cmp.Or(a.Pooling, tfmodel.Flatten), a.Height)
	if a.GeMPower != 0 {
		flags += fmt.Sprintf(" --gem-power %v", a.GeMPower)
	}
	if a.Projection != 0 {
		flags += fmt.Sprintf(" --projection %d", a.Projection)
	}
	if a.Unit {
		flags += " --unit"
	}
	return flags
}

// checkStart reports a start that is no file, before the data are opened.
func (f trainFlags) checkStart() error {
	if f.Start == "" {
		return nil
	}
	path, isBuiltIn := builtInStart(f.Start)
	if isBuiltIn {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("train: --start %s: there is no such file or folder, and nothing is fetched: --start builtin takes the convolutions of the built-in model general, VGG16's of ImageNet trained further on pictures of things (builtin:omniglot: on handwriting); others come from a file, such as Keras' vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", f.Start)
}
