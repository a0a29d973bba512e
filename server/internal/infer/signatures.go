package infer

import "slices"

// Signature is a signature of a model's SavedModel, for protocols in which calls name
// one.
type Signature struct {
	Name            string
	Inputs, Outputs []Tensor
}

// Tensor is an input or output of a signature.
type Tensor struct {
	Name  string  // by which calls name it
	Graph string  // in the model's graph, such as "serving_default/a/images:0"
	Type  int32   // TensorFlow's number for the type of its elements, such as 4 for uint8
	Shape []int64 // -1: any size
}

// LoadedVersions returns the versions of a model that are loaded, sorted, and whether
// there is a model of this name.
func (r *Registry) LoadedVersions(name string) (loaded []string, isModel bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.modelLocked(name)
	if m == nil {
		return nil, false
	}
	for version := range m.byVersion {
		loaded = append(loaded, version)
	}
	slices.Sort(loaded)
	return loaded, true
}
