package tfmodel

import (
	"fmt"
	"slices"

	binding "github.com/galeone/tensorflow/tensorflow/go"

	"siamese/tfmodel/internal/tf"
)

// The signatures of a SavedModel and the names of their tensors.
const (
	encodeSignature  = "encode"          // images -> embeddings
	compareSignature = "compare"         // a, b -> similarity
	defaultSignature = "serving_default" // image_a, image_b -> similarity

	imagesInput      = "images"
	embeddingsOutput = "embeddings"
	aInput           = "a"
	bInput           = "b"
	imageAInput      = "image_a"
	imageBInput      = "image_b"
	similarityOutput = "similarity"
)

// checkedTensor looks a tensor of a signature up and holds it against what the
// network must have: TensorFlow enforces neither names nor shapes.
func checkedTensor(signature string, tensors map[string]binding.TensorInfo, name string, dataType binding.DataType, shape ...int64) (string, error) {
	info, ok := tensors[name]
	if !ok {
		return "", fmt.Errorf("signature %q has no tensor %q", signature, name)
	}
	got, err := info.Shape.ToSlice()
	if err != nil {
		got = nil
	}
	if info.DType != dataType || !slices.Equal(got, shape) {
		return "", fmt.Errorf("signature %q: %q is of type %d and shape %v, want type %d and shape %v",
			signature, name, info.DType, got, dataType, shape)
	}
	return info.Name, nil
}

// endpoints are the tensors that Encode and Compare feed and fetch.
type endpoints struct {
	images, embeddings tf.Output
	a, b, similarity   tf.Output
}

// findEndpoints reads the signatures of a loaded model.
func findEndpoints(session *tf.Session, signatures map[string]binding.Signature, architecture Architecture) (endpoints, error) {
	height, width := int64(architecture.Height), int64(architecture.Width)
	length := int64(architecture.EmbeddingLength())
	encode, compare := signatures[encodeSignature], signatures[compareSignature]
	var found endpoints
	wanted := []struct {
		into      *tf.Output
		signature string
		tensors   map[string]binding.TensorInfo
		name      string
		dataType  binding.DataType
		shape     []int64
	}{
		{&found.images, encodeSignature, encode.Inputs, imagesInput, binding.Uint8, []int64{-1, height, width, 3}},
		{&found.embeddings, encodeSignature, encode.Outputs, embeddingsOutput, binding.Float, []int64{-1, length}},
		{&found.a, compareSignature, compare.Inputs, aInput, binding.Float, []int64{-1, length}},
		{&found.b, compareSignature, compare.Inputs, bInput, binding.Float, []int64{-1, length}},
		{&found.similarity, compareSignature, compare.Outputs, similarityOutput, binding.Float, []int64{-1}},
	}
	for _, want := range wanted {
		name, err := checkedTensor(want.signature, want.tensors, want.name, want.dataType, want.shape...)
		if err != nil {
			return endpoints{}, err
		}
		output, err := session.Output(name)
		if err != nil {
			return endpoints{}, fmt.Errorf("signature %q: %w", want.signature, err)
		}
		*want.into = output
	}
	return found, nil
}
