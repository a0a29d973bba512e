package weights

import (
	"fmt"
	"io"
	"slices"

	"siamese/weights/internal/hdf5"
)

// The Keras that Siamese-keras checkpoints come from. The version decides how a loading
// Keras treats the file, so it names the layout, not us.
const (
	siameseKerasBackend = "tensorflow"
	siameseKerasVersion = "2.1.5"
)

// siameseKerasLayers are all layers of Siamese-keras' model, weightless ones too, in the
// order of its checkpoints.
var siameseKerasLayers = []string{
	"input_1", "input_2",
	"block1_conv1", "block1_conv2", "block1_pool",
	"block2_conv1", "block2_conv2", "block2_pool",
	"block3_conv1", "block3_conv2", "block3_conv3", "block3_pool",
	"block4_conv1", "block4_conv2", "block4_conv3", "block4_pool",
	"block5_conv1", "block5_conv2", "block5_conv3", "block5_pool",
	"flatten", "lambda_1", "dense_1", "dense_2",
}

// WriteSiameseKeras writes s as a checkpoint that Siamese-keras' load_weights takes, by
// order and by name, and so do tf.keras' and Keras 3's: HDF5 as Keras 2.1.5 writes it,
// float32. The same Set gives the same bytes.
//
// Where s has a layer "projection", as a pooled network may, it stands before the head;
// such a checkpoint is for a Keras model that has it too.
//
// It returns ErrInvalid, before anything is written, unless s holds exactly kernel and
// bias of the 15 or 16 layers, in shapes that fit each other, all values finite.
func WriteSiameseKeras(w io.Writer, s *Set) error {
	if err := checkNetwork(s); err != nil {
		return err
	}
	if err := s.CheckFinite(); err != nil {
		return err
	}
	layers := siameseKerasLayers
	if hasProjection(s) {
		layers = slices.Insert(slices.Clone(layers), slices.Index(layers, "lambda_1"), projectionName)
	}
	root := hdf5.Tree{Attributes: []hdf5.Attribute{
		{Name: layerNamesAttribute, Values: layers},
		{Name: "backend", Values: []string{siameseKerasBackend}, Scalar: true},
		{Name: "keras_version", Values: []string{siameseKerasVersion}, Scalar: true},
	}}
	for _, name := range layers {
		root.Groups = append(root.Groups, siameseKerasGroup(s, name))
	}
	if err := hdf5.Write(w, root); err != nil {
		return fmt.Errorf("hdf5: %w", err)
	}
	return nil
}

// siameseKerasGroup returns the group of one layer. A weight's name repeats the layer's,
// so the datasets lie one group deeper.
func siameseKerasGroup(s *Set, name string) hdf5.Tree {
	var weights []string
	inner := hdf5.Tree{Name: name}
	for _, part := range []string{kernelPart, biasPart} {
		if t, ok := s.Get(name + "/" + part); ok {
			weights = append(weights, t.Name+":0")
			inner.Arrays = append(inner.Arrays, hdf5.Array{Name: part + ":0", Shape: t.Shape, Data: t.Data})
		}
	}
	group := hdf5.Tree{Name: name, Attributes: []hdf5.Attribute{{Name: weightNamesAttribute, Values: weights}}}
	if len(weights) > 0 {
		group.Groups = []hdf5.Tree{inner}
	}
	return group
}

// hasProjection reports whether s is of a network with a projection.
func hasProjection(s *Set) bool {
	_, ok := s.Get(projectionName + "/" + kernelPart)
	return ok
}

// checkNetwork makes sure that s is the whole network and nothing else.
func checkNetwork(s *Set) error {
	inputs := 0
	layers := slices.Concat(convolutionNames, headNames)
	if hasProjection(s) {
		layers = slices.Insert(layers, len(convolutionNames), projectionName)
	}
	for i, name := range layers {
		kernel, haveKernel := s.Get(name + "/" + kernelPart)
		bias, haveBias := s.Get(name + "/" + biasPart)
		if !haveKernel || !haveBias {
			return fmt.Errorf("%w: no kernel or no bias of layer %q, want both", ErrInvalid, name)
		}
		want := []int{convolutionSide, convolutionSide}
		if i >= len(convolutionNames) {
			want = nil
		}
		if len(kernel.Shape) != len(want)+2 || !slices.Equal(kernel.Shape[:len(want)], want) {
			return fmt.Errorf("%w: %q has shape %d, want %d and two more", ErrInvalid, kernel.Name, kernel.Shape, want)
		}
		in, out := kernel.Shape[len(want)], kernel.Shape[len(want)+1]
		// The first layer takes any number of channels; the head, the last block's map of
		// any size.
		if fits := i == 0 || in == inputs || i == len(convolutionNames) && in%inputs == 0; !fits {
			return fmt.Errorf("%w: %q takes %d inputs, want %d as the layer before gives", ErrInvalid, kernel.Name, in, inputs)
		}
		if !slices.Equal(bias.Shape, []int{out}) {
			return fmt.Errorf("%w: %q has shape %d, want [%d]", ErrInvalid, bias.Name, bias.Shape, out)
		}
		inputs = out
	}
	if want := 2 * len(layers); s.Len() != want {
		return fmt.Errorf("%w: %d tensors, want the network's %d: got %q", ErrInvalid, s.Len(), want, s.Names())
	}
	return nil
}
