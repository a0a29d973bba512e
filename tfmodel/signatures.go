package tfmodel

import (
	"cmp"
	"maps"
	"slices"

	binding "github.com/galeone/tensorflow/tensorflow/go"
)

// Signature is a signature of a SavedModel.
type Signature struct {
	Name            string
	Inputs, Outputs []Tensor // by their names
}

// Tensor is an input or output of a signature.
type Tensor struct {
	Name  string  // by which callers know it
	Graph string  // in the graph, such as "encode/images:0"
	Type  int32   // TensorFlow's DataType of its elements
	Shape []int64 // -1: any size; nil where even the number of dimensions is open
}

// Signatures are the signatures of the SavedModel, by their names: "encode" and
// "compare", which every model has, and what else it was written with. They must not be
// changed.
func (m *Model) Signatures() []Signature { return m.signatures }

// knownSignatures are the signatures that were loaded, without what TensorFlow keeps
// for itself.
func knownSignatures(loaded map[string]binding.Signature) []Signature {
	var all []Signature
	for name, signature := range loaded {
		if len(signature.Outputs) == 0 || name == initSignature {
			continue
		}
		all = append(all, Signature{name, tensorsOf(signature.Inputs), tensorsOf(signature.Outputs)})
	}
	slices.SortFunc(all, func(a, b Signature) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// initSignature is what TensorFlow 2 restores a SavedModel by.
const initSignature = "__saved_model_init_op"

func tensorsOf(loaded map[string]binding.TensorInfo) []Tensor {
	var all []Tensor
	for _, name := range slices.Sorted(maps.Keys(loaded)) {
		info := loaded[name]
		shape, err := info.Shape.ToSlice()
		if err != nil { // of a shape whose number of dimensions is open
			shape = nil
		}
		all = append(all, Tensor{name, info.Name, int32(info.DType), shape})
	}
	return all
}
