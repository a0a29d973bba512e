package weights

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"siamese/weights/internal/hdf5"
)

// The two parts of a layer, as the tensors' names end.
const (
	kernelPart = "kernel"
	biasPart   = "bias"
)

// namedLayers finds the weighted layers of a group in the layout of Keras 1 and 2 and
// tf.keras: the attribute layer_names lists groups in network order, each group's
// attribute weight_names lists the datasets in it.
func namedLayers(group *hdf5.Group) ([]layer, error) {
	names, err := group.Strings(layerNamesAttribute)
	if err != nil {
		return nil, missing(err)
	}
	var layers []layer
	for _, name := range names {
		member, err := group.Group(name)
		if err != nil {
			return nil, fmt.Errorf("layer %q: %w", name, missing(err))
		}
		found, err := groupLayers(member, name)
		if err != nil {
			return nil, fmt.Errorf("layer %q: %w", name, missing(err))
		}
		layers = append(layers, found...)
	}
	return layers, nil
}

// missing makes what a Keras file lists, but does not hold, a corrupt file.
func missing(err error) error {
	if errors.Is(err, hdf5.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// groupLayers finds the layers in one listed group: none, one, or those of a nested model.
func groupLayers(group *hdf5.Group, name string) ([]layer, error) {
	weights, err := group.Strings(weightNamesAttribute)
	if err != nil {
		return nil, err
	}
	var layers []layer
	index := make(map[string]int)
	for _, weight := range weights {
		owner, part, ok := splitWeightName(weight)
		if !ok {
			return nil, fmt.Errorf("%w: weight %q, want a kernel or a bias", ErrUnsupported, weight)
		}
		if _, ok := index[owner]; !ok {
			index[owner] = len(layers)
			layers = append(layers, layer{name: owner})
		}
		data, err := group.Dataset(weight)
		if err != nil {
			return nil, err
		}
		if err := layers[index[owner]].set(part, data); err != nil {
			return nil, err
		}
	}
	for _, l := range layers {
		if l.kernel == nil || l.bias == nil {
			return nil, fmt.Errorf("%w: weights %q, want a kernel and a bias for each layer", ErrUnsupported, weights)
		}
	}
	if len(layers) == 1 {
		// Keras 2 counts up the names of weights, not of layers, when a network is made
		// twice in one process: block1_conv1 may hold block1_conv1_1/kernel:0.
		layers[0].name = name
	}
	return layers, nil
}

// set fills one part of l.
func (l *layer) set(part string, data *hdf5.Dataset) error {
	place := &l.kernel
	if part == biasPart {
		place = &l.bias
	}
	if *place != nil {
		return fmt.Errorf("%w: layer %q has its %s twice", ErrCorrupt, l.name, part)
	}
	*place = data
	return nil
}

// splitWeightName splits a weight's name into its layer and the part that it is:
// "encoder/block1_conv1/kernel:0" as Keras 2 and 3 write it (":0" is the output of a
// TensorFlow variable), or "block1_conv1_W_1:0" as Keras 1 does.
func splitWeightName(weight string) (layer, part string, ok bool) {
	weight, _, _ = strings.Cut(weight, ":")
	if folder, part := path.Split(weight); folder != "" {
		return path.Base(folder), part, part == kernelPart || part == biasPart
	}
	weight, _ = cutNumber(weight)
	if layer, ok := strings.CutSuffix(weight, "_W"); ok {
		return layer, kernelPart, true
	}
	layer, ok = strings.CutSuffix(weight, "_b")
	return layer, biasPart, ok
}
