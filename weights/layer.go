package weights

import (
	"cmp"
	"fmt"
	"slices"

	"siamese/weights/internal/hdf5"
)

// Names of the network's weighted layers, in network order.
var (
	convolutionNames = []string{
		"block1_conv1", "block1_conv2",
		"block2_conv1", "block2_conv2",
		"block3_conv1", "block3_conv2", "block3_conv3",
		"block4_conv1", "block4_conv2", "block4_conv3",
		"block5_conv1", "block5_conv2", "block5_conv3",
	}
	headNames = []string{"dense_1", "dense_2"}
	// projectionName is the dense layer that a pooled network may have before its
	// head.
	projectionName = "projection"
)

const (
	kernelRankConvolution = 4
	kernelRankDense       = 2
	convolutionSide       = 3
)

// layer is a weighted layer found in a file, its values unread.
type layer struct {
	name         string // as the file has it, then as the network has it
	container    string // the list it was found in; order means something within one only
	kernel, bias *hdf5.Dataset
}

// check makes sure that the layer is one of the network's two kinds.
func (l layer) check() error {
	kernel, bias := l.kernel.Shape(), l.bias.Shape()
	switch len(kernel) {
	case kernelRankConvolution:
		if kernel[0] != convolutionSide || kernel[1] != convolutionSide {
			return fmt.Errorf("%w: layer %q has kernel shape %d, want [3 3 in out]", ErrUnsupported, l.name, kernel)
		}
	case kernelRankDense:
	default:
		return fmt.Errorf("%w: layer %q has kernel shape %d, want [3 3 in out] or [in out]", ErrUnsupported, l.name, kernel)
	}
	if len(bias) != 1 || bias[0] != l.outputs() {
		return fmt.Errorf("%w: layer %q has bias shape %d, want [%d]", ErrUnsupported, l.name, bias, l.outputs())
	}
	return nil
}

func (l layer) inputs() int {
	shape := l.kernel.Shape()
	return shape[len(shape)-2]
}

func (l layer) outputs() int {
	shape := l.kernel.Shape()
	return shape[len(shape)-1]
}

// nameLayers checks the layers, gives them the network's names and sorts them into its
// order.
func nameLayers(layers []layer) error {
	for _, l := range layers {
		if err := l.check(); err != nil {
			return err
		}
	}
	slices.SortStableFunc(layers, func(a, b layer) int { // convolutions first
		return cmp.Compare(len(b.kernel.Shape()), len(a.kernel.Shape()))
	})
	convolutions := slices.IndexFunc(layers, func(l layer) bool { return len(l.kernel.Shape()) == kernelRankDense })
	if convolutions < 0 {
		convolutions = len(layers)
	}
	if err := nameConvolutions(layers[:convolutions]); err != nil {
		return err
	}
	if err := nameHead(layers[convolutions:]); err != nil {
		return err
	}
	order := slices.Concat(convolutionNames, []string{projectionName}, headNames)
	slices.SortFunc(layers, func(a, b layer) int {
		return cmp.Compare(slices.Index(order, a.name), slices.Index(order, b.name))
	})
	return nil
}

// nameConvolutions keeps the network's names, and otherwise goes by order.
func nameConvolutions(layers []layer) error {
	if named(layers, convolutionNames) {
		return nil
	}
	return nameByOrder(layers, convolutionNames)
}

// nameHead keeps the network's names where both are there, and otherwise goes by order:
// dense_1 alone says nothing, it is the first layer here and the second in tf.keras.
func nameHead(layers []layer) error {
	names := headNames
	if slices.ContainsFunc(layers, func(l layer) bool { return l.name == projectionName }) {
		names = slices.Concat([]string{projectionName}, headNames)
	}
	if len(layers) == 0 {
		return nil
	}
	if len(layers) != len(names) || !named(layers, names) {
		return nameByOrder(layers, names)
	}
	slices.SortFunc(layers, func(a, b layer) int {
		return cmp.Compare(slices.Index(names, a.name), slices.Index(names, b.name))
	})
	for i, next := range layers[1:] {
		if layers[i].outputs() != next.inputs() {
			return fmt.Errorf("%w: layer %q gives %d outputs, want %d as %q takes",
				ErrUnsupported, layers[i].name, layers[i].outputs(), next.inputs(), next.name)
		}
	}
	return nil
}

// named reports whether all layers bear different names from the list.
func named(layers []layer, names []string) bool {
	seen := make(map[string]bool)
	for _, l := range layers {
		if seen[l.name] || !slices.Contains(names, l.name) {
			return false
		}
		seen[l.name] = true
	}
	return true
}

// nameByOrder gives the layers the names. There must be one for each, all in one list,
// and each must take what the one before gives.
func nameByOrder(layers []layer, names []string) error {
	if len(layers) != len(names) {
		found := make([]string, len(layers))
		for i, l := range layers {
			found[i] = l.name
		}
		return fmt.Errorf("%w: %d layers %q, want %d for %s to %s", ErrUnsupported, len(layers), found, len(names), names[0], names[len(names)-1])
	}
	for i := range layers[1:] {
		before, after := layers[i], layers[i+1]
		if before.container != after.container {
			return fmt.Errorf("%w: layers %q and %q lie in %s and %s, want one list since they go by order",
				ErrUnsupported, before.name, after.name, before.container, after.container)
		}
		if before.outputs() != after.inputs() {
			return fmt.Errorf("%w: layer %q takes %d inputs, want %d as %q before it gives",
				ErrUnsupported, after.name, after.inputs(), before.outputs(), before.name)
		}
	}
	for i := range layers {
		layers[i].name = names[i]
	}
	return nil
}

// readLayers reads the values.
func readLayers(layers []layer) (*Set, error) {
	var tensors []Tensor
	for _, l := range layers {
		for _, part := range []struct {
			name string
			data *hdf5.Dataset
		}{{kernelPart, l.kernel}, {biasPart, l.bias}} {
			values, err := part.data.Float32s()
			if err != nil {
				return nil, err
			}
			tensors = append(tensors, Tensor{Name: l.name + "/" + part.name, Shape: part.data.Shape(), Data: values})
		}
	}
	if len(tensors) == 0 {
		return nil, fmt.Errorf("%w: no layer with weights", ErrUnsupported)
	}
	return New(tensors...)
}
