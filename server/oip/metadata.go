package oip

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// platform is what models are made for, as Triton calls it.
const platform = "tensorflow_savedmodel"

// extensions are those of the protocol that are offered, as Triton calls them.
var extensions = []string{"binary_tensor_data", "model_configuration", "model_repository", "parameters", "statistics"}

// ServerLive tells that the server answers.
func (s *Service) ServerLive(context.Context, *inference.ServerLiveRequest) (*inference.ServerLiveResponse, error) {
	return &inference.ServerLiveResponse{Live: true}, nil
}

// ServerReady reports whether the server's default model answers.
func (s *Service) ServerReady(context.Context, *inference.ServerReadyRequest) (*inference.ServerReadyResponse, error) {
	return &inference.ServerReadyResponse{Ready: s.cfg.Serving("")}, nil
}

// ModelReady reports whether a model answers.
func (s *Service) ModelReady(_ context.Context, request *inference.ModelReadyRequest) (*inference.ModelReadyResponse, error) {
	t, err := s.acquire(request.GetName(), request.GetVersion())
	var refused *fault.Fault
	switch {
	case errors.As(err, &refused) && refused.Reason() == fault.ReasonNotReady:
		return &inference.ModelReadyResponse{}, nil
	case err != nil:
		return nil, err
	}
	defer t.release()
	// Health tells of default versions.
	ready := request.GetVersion() != "" || s.cfg.Serving(t.handle.Info().ServingName)
	return &inference.ModelReadyResponse{Ready: ready}, nil
}

// ServerMetadata names the server.
func (s *Service) ServerMetadata(context.Context, *inference.ServerMetadataRequest) (*inference.ServerMetadataResponse, error) {
	return &inference.ServerMetadataResponse{Name: "siamese", Version: s.cfg.Version, Extensions: extensions}, nil
}

// ModelMetadata tells a model's tensors.
func (s *Service) ModelMetadata(_ context.Context, request *inference.ModelMetadataRequest) (*inference.ModelMetadataResponse, error) {
	t, err := s.acquire(request.GetName(), request.GetVersion())
	if err != nil {
		return nil, err
	}
	defer t.release()
	told := &inference.ModelMetadataResponse{
		Name: t.name, Platform: platform,
		Inputs: describeTensors(t.inputs()), Outputs: describeTensors(t.outputs()),
	}
	if model, ok := s.find(t.name); ok {
		told.Versions = model.versions
	}
	return told, nil
}

func describeTensors(tensors []tensor) []*inference.ModelMetadataResponse_TensorMetadata {
	var told []*inference.ModelMetadataResponse_TensorMetadata
	for _, t := range tensors {
		told = append(told, &inference.ModelMetadataResponse_TensorMetadata{
			Name: t.name, Datatype: t.datatype, Shape: append([]int64{-1}, t.dims...),
		})
	}
	return told
}

// configTypes are Triton's names of datatypes in configurations.
var configTypes = map[string]inference.DataType{
	typeBytes: inference.DataType_TYPE_STRING, typeFloat: inference.DataType_TYPE_FP32, typeBool: inference.DataType_TYPE_BOOL,
}

// ModelConfig tells a model's tensors and limits in Triton's words.
func (s *Service) ModelConfig(_ context.Context, request *inference.ModelConfigRequest) (*inference.ModelConfigResponse, error) {
	t, err := s.acquire(request.GetName(), request.GetVersion())
	if err != nil {
		return nil, err
	}
	defer t.release()
	config := &inference.ModelConfig{
		Name: t.name, Platform: platform, Backend: "tensorflow", MaxBatchSize: int32(s.limit(t)),
		InstanceGroup:          []*inference.ModelInstanceGroup{instances(t)},
		SchedulingChoice:       &inference.ModelConfig_DynamicBatching{DynamicBatching: &inference.ModelDynamicBatching{}},
		ModelTransactionPolicy: &inference.ModelTransactionPolicy{},
		Parameters:             configParameters(t.handle.Info()),
	}
	for _, input := range t.inputs() {
		config.Input = append(config.Input, &inference.ModelInput{Name: input.name, DataType: configTypes[input.datatype], Dims: input.dims})
	}
	for _, output := range t.outputs() {
		config.Output = append(config.Output, &inference.ModelOutput{Name: output.name, DataType: configTypes[output.datatype], Dims: output.dims})
	}
	return &inference.ModelConfigResponse{Config: config}, nil
}

func instances(t *target) *inference.ModelInstanceGroup {
	kind := inference.ModelInstanceGroup_KIND_CPU
	if device := t.handle.Info().Device; !strings.HasPrefix(device, "cpu") && device != "" {
		kind = inference.ModelInstanceGroup_KIND_GPU
	}
	return &inference.ModelInstanceGroup{Name: t.name, Kind: kind}
}

func configParameters(info infer.ModelInfo) map[string]*inference.ModelParameter {
	return map[string]*inference.ModelParameter{
		"digest":       {StringValue: info.Digest},
		"threshold":    {StringValue: strconv.FormatFloat(float64(info.Threshold), 'g', -1, 32)},
		"input_height": {StringValue: strconv.Itoa(info.Height)},
		"input_width":  {StringValue: strconv.Itoa(info.Width)},
	}
}
