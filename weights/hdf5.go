package weights

import (
	"fmt"
	"io"

	"siamese/weights/internal/hdf5"
)

// Marks by which a Keras file's layout is recognised.
const (
	layerNamesAttribute  = "layer_names"
	weightNamesAttribute = "weight_names"
	modelWeightsGroup    = "model_weights"
	layersGroup          = "layers"
	variablesGroup       = "vars"
	nameAttribute        = "name"
)

// ReadHDF5 reads a weight file that Keras wrote, of size bytes: the VGG16 "notop" file
// (Keras 1), Siamese-keras checkpoints (Keras 2), tf.keras' and Keras 3's .h5 files,
// whole-model .h5 files of either, and Keras 3's .weights.h5.
//
// The Set holds "<layer>/kernel" and "<layer>/bias" in network order, the layers named as
// Siamese-keras names them: block1_conv1 to block5_conv3, dense_1, dense_2. Files that
// name their layers otherwise (tf.keras calls the head dense and dense_1, an unnamed
// Keras 3 network conv2d to conv2d_12) are read by order, which takes all 13 convolutions
// or both layers of the head, each fitting the one before it. A file without a head, or
// with some of the named convolutions, gives a Set without the rest.
//
// Values must be finite. Errors are ErrCorrupt, ErrUnsupported (a part of HDF5 that Keras' weights do not need,
// or a network that is not this one; the message names it) or r's own.
func ReadHDF5(r io.ReaderAt, size int64) (*Set, error) {
	set, err := readKeras(r, size)
	if err != nil {
		return nil, fmt.Errorf("hdf5: %w", err)
	}
	if err := set.CheckFinite(); err != nil {
		return nil, fmt.Errorf("hdf5: %w: %w", ErrCorrupt, err)
	}
	return set, nil
}

func readKeras(r io.ReaderAt, size int64) (*Set, error) {
	root, err := hdf5.Open(r, size)
	if err != nil {
		return nil, err
	}
	layers, err := kerasLayers(root)
	if err != nil {
		return nil, err
	}
	if err := nameLayers(layers); err != nil {
		return nil, err
	}
	return readLayers(layers)
}

// kerasLayers finds the weighted layers by the layout that the root group shows.
func kerasLayers(root *hdf5.Group) ([]layer, error) {
	switch {
	case root.HasAttribute(layerNamesAttribute):
		return namedLayers(root)
	case root.Has(modelWeightsGroup):
		group, err := root.Group(modelWeightsGroup)
		if err != nil {
			return nil, err
		}
		return namedLayers(group)
	case root.Has(layersGroup):
		return keras3Layers(root, layersGroup, 0)
	}
	return nil, fmt.Errorf("%w: no Keras weights: want an attribute %q, or a group %q or %q, got members %q",
		ErrUnsupported, layerNamesAttribute, modelWeightsGroup, layersGroup, root.Members())
}
