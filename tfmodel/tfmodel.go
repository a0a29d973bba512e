// Package tfmodel is the VGG16 Siamese network as a Go type: its graph, its
// form on disk (a SavedModel with a card) and its two operations.
//
// Encode turns images, uint8 [N,H,W,3] RGB as package imaging prepares them,
// into embeddings, float32 [N,E]; Compare turns two batches of embeddings into
// similarities, float32 [N] in 0..1. The network is the Keras-equivalent of
// bubbliiiing/Siamese-keras: thirteen convolutions of 3×3 in five blocks, each
// followed by ReLU and each block by max pooling, flattened; then |a-b|, a
// dense layer with ReLU, and one with a sigmoid. Widths, input size and what takes
// the place of flattening are parameters of Architecture.
//
// TensorFlow runs in this process. A run can't be interrupted: contexts are
// checked between runs, which are kept short (see Options.MaxRunImages).
package tfmodel

import "siamese/tfmodel/internal/tf"

// TensorFlowVersion is the version of the TensorFlow library in this process,
// such as "2.21.0".
func TensorFlowVersion() string {
	return tf.Version()
}

// OpenTensors is the number of native tensors that calls in flight hold: 0 when
// there is none. Tests end by checking that.
func OpenTensors() int64 {
	return tf.OpenTensors()
}

// Quiet keeps TensorFlow's own log below errors off standard error. It reports
// whether it could: it knows how for the pinned version of the library.
func Quiet() bool {
	return tf.Quiet()
}
