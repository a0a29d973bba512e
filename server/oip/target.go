package oip

import (
	"errors"
	"slices"
	"strings"

	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// encodeSuffix follows the name of a model in that of its encoder.
const encodeSuffix = "-encode"

// target is a model of the protocol in use. It must be released.
type target struct {
	handle  *infer.Handle
	name    string // by which metadata tells it, such as "general-encode"
	encodes bool   // it makes embeddings, and does not score pairs
}

// acquire returns the model that a request names: a model of the server, with a version
// or label of it or none, or the encoder of such a model. Errors: *[fault.Fault].
func (s *Service) acquire(name, version string) (*target, error) {
	handle, err := s.cfg.Registry.Acquire(qualify(name, version))
	if err == nil {
		return &target{handle: handle, name: s.nameOf(name, handle)}, nil
	}
	base, isEncoder := strings.CutSuffix(name, encodeSuffix)
	var unknown *fault.Fault
	if !isEncoder || base == "" || !errors.As(err, &unknown) || unknown.Reason() != fault.ReasonModelNotFound {
		return nil, err
	}
	if base == infer.Auto {
		return nil, fault.NotOffered("received model " + fault.Quote(name) + ", expected the encoder of one model: embeddings of different models differ in length and can't share a tensor")
	}
	handle, encoderErr := s.cfg.Registry.Acquire(qualify(base, version))
	if encoderErr != nil {
		return nil, encoderErr
	}
	return &target{handle: handle, name: handle.Info().ServingName + encodeSuffix, encodes: true}, nil
}

// qualify is a model and its version as native calls name them.
func qualify(name, version string) string {
	if name == "" || version == "" {
		return name + version
	}
	return name + "/" + version
}

// nameOf is the serving name of what a request names.
func (s *Service) nameOf(name string, handle *infer.Handle) string {
	if name == "" {
		name = s.cfg.Registry.Catalogue().Default
	}
	if name == infer.Auto {
		return infer.Auto
	}
	return handle.Info().ServingName
}

func (t *target) release() { t.handle.Release() }

// tensor is an input or output of a model.
type tensor struct {
	name     string
	datatype string  // of the protocol
	dims     []int64 // its shape behind the number of items
}

// The datatypes that are spoken here.
const (
	typeBytes = "BYTES"
	typeUint8 = "UINT8"
	typeFloat = "FP32"
	typeBool  = "BOOL"
)

// The names of tensors.
const (
	inputA            = "image_a"
	inputB            = "image_b"
	inputImage        = "image"
	outputSimilarity  = "similarity"
	outputSame        = "same"
	outputA           = "familiarity_a"
	outputB           = "familiarity_b"
	outputEmbedding   = "embedding"
	outputFamiliarity = "familiarity"
)

// inputs are what the model takes, as metadata tells it: as BYTES. UINT8 is taken too.
func (t *target) inputs() []tensor {
	names := []string{inputA, inputB}
	if t.encodes {
		names = []string{inputImage}
	}
	var inputs []tensor
	for _, name := range names {
		inputs = append(inputs, tensor{name, typeBytes, []int64{1}})
	}
	return inputs
}

// outputs are what the model gives.
func (t *target) outputs() []tensor {
	info := t.handle.Info()
	if t.encodes {
		outputs := []tensor{{outputEmbedding, typeFloat, []int64{int64(info.EmbeddingLength)}}}
		if info.Familiarity != nil {
			outputs = append(outputs, tensor{outputFamiliarity, typeFloat, nil})
		}
		return outputs
	}
	outputs := []tensor{{outputSimilarity, typeFloat, nil}, {outputSame, typeBool, nil}}
	if info.Familiarity != nil {
		outputs = append(outputs, tensor{outputA, typeFloat, nil}, tensor{outputB, typeFloat, nil})
	}
	return outputs
}

func names(tensors []tensor) []string {
	var all []string
	for _, t := range tensors {
		all = append(all, t.name)
	}
	return all
}

// models lists the names of the models that there are, with their loaded versions; a
// model without any is told as well.
func (s *Service) models() []served {
	var all []served
	for _, model := range s.cfg.Registry.Reading().Models {
		versions, _ := s.cfg.Registry.LoadedVersions(model.Name)
		all = append(all, served{name: model.Name, model: model.Name, versions: versions})
		if encoder := model.Name + encodeSuffix; !s.isModel(encoder) {
			all = append(all, served{name: encoder, model: model.Name, versions: versions})
		}
	}
	if auto, err := s.acquire(infer.Auto, ""); err == nil {
		defer auto.release()
		all = append(all, served{name: infer.Auto, model: auto.handle.Info().ServingName, versions: []string{auto.handle.Info().Version}})
	}
	return all
}

// isModel reports whether a model of the server has this name, which hides an encoder.
func (s *Service) isModel(name string) bool {
	_, is := s.cfg.Registry.LoadedVersions(name)
	return is
}

// served is a model of the protocol.
type served struct {
	name     string
	model    string // the serving name of the model that it is made of
	versions []string
}

// find returns the model of this name.
func (s *Service) find(name string) (served, bool) {
	all := s.models()
	i := slices.IndexFunc(all, func(m served) bool { return m.name == name })
	if i < 0 {
		return served{}, false
	}
	return all[i], true
}
