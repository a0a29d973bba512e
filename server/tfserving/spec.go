package tfserving

import (
	"cmp"
	"strconv"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// acquire returns a handle on the model and version that a call names and the model's
// name; the default model for a call that names none, where TensorFlow Serving refuses.
// The caller must Release it. Errors: *[fault.Fault].
func (s *Service) acquire(spec *apis.ModelSpec) (*infer.Handle, string, error) {
	name, err := s.modelName(spec)
	if err != nil {
		return nil, "", err
	}
	version := s.version(name, spec)
	if version != "" {
		version = "/" + version
	}
	handle, err := s.cfg.Registry.Acquire(name + version)
	return handle, name, err
}

// modelName returns the name of the model that a call is for: one that there is, or
// infer.Auto.
func (s *Service) modelName(spec *apis.ModelSpec) (string, error) {
	registry := s.cfg.Registry
	name := spec.GetName()
	if name == "" {
		name = registry.Catalogue().Default
	}
	if _, isModel := registry.LoadedVersions(name); isModel || name == infer.Auto {
		return name, nil
	}
	if err := registry.Ready(); err != nil && spec.GetName() == "" {
		return "", err
	}
	return "", fault.ModelNotFound(name, s.modelNames())
}

// modelNames are the models that answer now.
func (s *Service) modelNames() []string {
	var names []string
	for _, info := range s.cfg.Registry.Catalogue().Models {
		names = append(names, info.ServingName)
	}
	return names
}

// version returns the version or label that a call names, as the registry has it; empty
// where it names none.
func (s *Service) version(model string, spec *apis.ModelSpec) string {
	switch choice := spec.GetVersionChoice().(type) {
	case *apis.ModelSpec_Version:
		wanted := choice.Version.GetValue()
		loaded, _ := s.cfg.Registry.LoadedVersions(model)
		for _, version := range loaded {
			if numberOf(version) == wanted {
				return version // its folder may be written "0042"
			}
		}
		return strconv.FormatInt(wanted, 10)
	case *apis.ModelSpec_VersionLabel:
		return choice.VersionLabel
	}
	return ""
}

// numberOf is the number of a version: 0 where its name is none, as that of a model that
// is no folder of versions may be.
func numberOf(version string) int64 {
	n, err := strconv.ParseUint(version, 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}

// specOf names the model and version that have answered, and the signature.
func specOf(model infer.ModelInfo, signature string) *apis.ModelSpec {
	return &apis.ModelSpec{
		Name:          cmp.Or(model.ServingName, model.Name),
		VersionChoice: &apis.ModelSpec_Version{Version: wrapperspb.Int64(numberOf(model.Version))},
		SignatureName: signature,
	}
}
