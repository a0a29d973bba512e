package tfserving

import (
	"slices"

	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// form is what the inputs of a signature are.
type form int

// The forms of inputs.
const (
	pixels     form = iota // uint8 [N,H,W,3] RGB
	files                  // strings [N], each the bytes of an image file
	embeddings             // float32 [N,E]
)

// signature is a computation that calls can name.
type signature struct {
	name   string
	inputs []string // two images that are scored against each other, or one to be encoded
	form   form     // of all inputs
	output string
}

// isPair reports whether images are scored, not encoded.
func (s signature) isPair() bool { return len(s.inputs) == 2 }

const (
	defaultSignature = "serving_default"
	similarityOutput = "similarity" // float32 [N]
	embeddingsOutput = "embeddings" // float32 [N,E]
)

// savedSignatures are those that SavedModels of this network have.
var savedSignatures = []signature{
	{defaultSignature, []string{"image_a", "image_b"}, pixels, similarityOutput},
	{"encode", []string{"images"}, pixels, embeddingsOutput},
	{"compare", []string{"a", "b"}, embeddings, similarityOutput},
}

// ownSignatures are those for image files, which no SavedModel of this network reads.
var ownSignatures = []signature{
	{"encoded", []string{"image_a", "image_b"}, files, similarityOutput},
	{"encode_files", []string{"images"}, files, embeddingsOutput},
}

// signaturesOf returns the signatures by which a model answers: those of savedSignatures
// that its SavedModel has, and ownSignatures. infer.Auto has those alone that score
// images: of an embedding nobody could tell which model has made it.
func signaturesOf(model infer.ModelInfo, isAuto bool) []signature {
	var all []signature
	for _, s := range slices.Concat(savedSignatures, ownSignatures) {
		isOwn := slices.ContainsFunc(ownSignatures, func(own signature) bool { return own.name == s.name })
		switch {
		case isAuto && (s.form == embeddings || !s.isPair()):
		case isOwn || model.Signatures == nil || s.isAmong(model.Signatures):
			all = append(all, s)
		}
	}
	return all
}

// isAmong reports whether a SavedModel has the signature with its inputs.
func (s signature) isAmong(saved []infer.Signature) bool {
	return slices.ContainsFunc(saved, func(other infer.Signature) bool {
		if other.Name != s.name || len(other.Inputs) != len(s.inputs) {
			return false
		}
		return !slices.ContainsFunc(other.Inputs, func(input infer.Tensor) bool { return !slices.Contains(s.inputs, input.Name) })
	})
}

// find returns the signature of this name, the default one for an empty name.
func find(all []signature, name string) (signature, error) {
	if name == "" {
		name = defaultSignature
	}
	var names []string
	for _, s := range all {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return signature{}, fault.SignatureNotFound(name, names).At("model_spec.signature_name")
}
