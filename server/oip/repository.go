package oip

import (
	"context"
	"strconv"
	"strings"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
)

// The states of a model in the repository.
const (
	stateReady       = "READY"
	stateUnavailable = "UNAVAILABLE"
)

// RepositoryIndex lists the versions that are loaded, and the models without any.
func (s *Service) RepositoryIndex(_ context.Context, request *inference.RepositoryIndexRequest) (*inference.RepositoryIndexResponse, error) {
	if err := checkRepository(request.GetRepositoryName()); err != nil {
		return nil, err
	}
	response := &inference.RepositoryIndexResponse{}
	for _, model := range s.models() {
		for _, version := range model.versions {
			response.Models = append(response.Models, &inference.RepositoryIndexResponse_ModelIndex{Name: model.name, Version: version, State: stateReady})
		}
		if len(model.versions) == 0 && !request.GetReady() {
			response.Models = append(response.Models, &inference.RepositoryIndexResponse_ModelIndex{
				Name: model.name, State: stateUnavailable, Reason: "no version is loaded: it is being loaded, or does not hold",
			})
		}
	}
	return response, nil
}

func checkRepository(name string) error {
	if name == "" {
		return nil
	}
	return fault.TensorName("received repository %s, expected none: there is one, without a name", fault.Quote(name)).At("repository_name")
}

// RepositoryModelLoad loads a version, or looks for new ones.
func (s *Service) RepositoryModelLoad(ctx context.Context, request *inference.RepositoryModelLoadRequest) (*inference.RepositoryModelLoadResponse, error) {
	version, err := s.checkChange(request)
	if err != nil {
		return nil, err
	}
	return &inference.RepositoryModelLoadResponse{}, s.repository.Load(ctx, s.modelOf(request.GetModelName()), version)
}

// RepositoryModelUnload lets go of a version.
func (s *Service) RepositoryModelUnload(ctx context.Context, request *inference.RepositoryModelUnloadRequest) (*inference.RepositoryModelUnloadResponse, error) {
	version, err := s.checkChange(request)
	if err != nil {
		return nil, err
	}
	return &inference.RepositoryModelUnloadResponse{}, s.repository.Unload(ctx, s.modelOf(request.GetModelName()), version)
}

// modelOf is the serving name of a model of the protocol: an encoder is loaded with its
// model, unless a model is called so itself.
func (s *Service) modelOf(name string) string {
	if s.isModel(name) {
		return name
	}
	return strings.TrimSuffix(name, encodeSuffix)
}

// checkChange returns the version that a request to load or unload names, empty for
// none.
func (s *Service) checkChange(request interface {
	GetRepositoryName() string
	GetParameters() map[string]*inference.ModelRepositoryParameter
},
) (version string, err error) {
	if s.repository == nil {
		return "", fault.NotOperator("models are loaded and unloaded by operators, and this server was told of none: expected siamese serve with --admin-addr and --admin-tokens, and a token of that file")
	}
	if err := checkRepository(request.GetRepositoryName()); err != nil {
		return "", err
	}
	for name, value := range request.GetParameters() {
		switch name {
		case "version":
			version = versionOf(value)
		case "unload_dependents": // models have none
		default:
			return "", fault.NotOffered("received parameter " + fault.Quote(name) + ", expected version or none: a model's files and configuration are in its folder").At("parameters[" + fault.Quote(name) + "]")
		}
	}
	return version, nil
}

func versionOf(value *inference.ModelRepositoryParameter) string {
	if number, ok := value.GetParameterChoice().(*inference.ModelRepositoryParameter_Int64Param); ok {
		return strconv.FormatInt(number.Int64Param, 10)
	}
	return value.GetStringParam()
}
