package oip

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/proto"

	"siamese/proto/inference"
	"siamese/server/internal/fault"
	"siamese/server/internal/httpapi"
)

// Prefix begins the protocol's paths.
const Prefix = "/v2"

const kindJSON = "application/json"

// Front returns the protocol as it is spoken by REST.
func (s *Service) Front() httpapi.Front {
	routes := []httpapi.Route{
		httpapi.NewRoute("GET /v2", inference.GRPCInferenceService_ServerMetadata_FullMethodName, none[inference.ServerMetadataRequest], told[*inference.ServerMetadataResponse]),
		httpapi.NewRoute("GET /v2/health/live", inference.GRPCInferenceService_ServerLive_FullMethodName, none[inference.ServerLiveRequest], toldReady[*inference.ServerLiveResponse]),
		httpapi.NewRoute("GET /v2/health/ready", inference.GRPCInferenceService_ServerReady_FullMethodName, none[inference.ServerReadyRequest], toldReady[*inference.ServerReadyResponse]),
		httpapi.NewRoute("GET /v2/models/stats", inference.GRPCInferenceService_ModelStatistics_FullMethodName, ofModel(statisticsRequest), told[*inference.ModelStatisticsResponse]),
		httpapi.NewRoute("POST /v2/repository/index", inference.GRPCInferenceService_RepositoryIndex_FullMethodName, readIndex, toldIndex),
		httpapi.NewRoute("POST /v2/repository/models/{model}/load", inference.GRPCInferenceService_RepositoryModelLoad_FullMethodName, readLoad, told[*inference.RepositoryModelLoadResponse]),
		httpapi.NewRoute("POST /v2/repository/models/{model}/unload", inference.GRPCInferenceService_RepositoryModelUnload_FullMethodName, readUnload, told[*inference.RepositoryModelUnloadResponse]),
		notOffered("/v2/systemsharedmemory/{rest...}", inference.GRPCInferenceService_SystemSharedMemoryStatus_FullMethodName),
		notOffered("/v2/cudasharedmemory/{rest...}", inference.GRPCInferenceService_CudaSharedMemoryStatus_FullMethodName),
		notOffered("/v2/trace/setting", inference.GRPCInferenceService_TraceSetting_FullMethodName),
		notOffered("/v2/logging", inference.GRPCInferenceService_LogSettings_FullMethodName),
	}
	for _, model := range []string{"/v2/models/{model}", "/v2/models/{model}/versions/{version}"} {
		routes = append(routes,
			httpapi.NewRoute("GET "+model, inference.GRPCInferenceService_ModelMetadata_FullMethodName, ofModel(metadataRequest), told[*inference.ModelMetadataResponse]),
			httpapi.NewRoute("GET "+model+"/ready", inference.GRPCInferenceService_ModelReady_FullMethodName, ofModel(readyRequest), toldReady[*inference.ModelReadyResponse]),
			httpapi.NewRoute("GET "+model+"/config", inference.GRPCInferenceService_ModelConfig_FullMethodName, ofModel(configRequest), toldConfig),
			httpapi.NewRoute("GET "+model+"/stats", inference.GRPCInferenceService_ModelStatistics_FullMethodName, ofModel(statisticsRequest), told[*inference.ModelStatisticsResponse]),
			httpapi.NewRoute("POST "+model+"/infer", inference.GRPCInferenceService_ModelInfer_FullMethodName, readInfer, writeInfer),
			notOffered(model+"/trace/setting", inference.GRPCInferenceService_TraceSetting_FullMethodName),
		)
	}
	return httpapi.Front{Prefix: Prefix, Routes: routes}
}

// none makes the request of a call that asks for nothing.
func none[T any](*http.Request, []byte) (*T, error) { return new(T), nil }

// notOffered is the route to a call that is not offered, by any method.
func notOffered(path, rpc string) httpapi.Route {
	return httpapi.NewRoute(path, rpc, none[inference.NotOfferedRequest], told[*inference.NotOfferedResponse])
}

// ofModel makes requests of the model and version in the path.
func ofModel[T any](request func(model, version string) T) func(*http.Request, []byte) (T, error) {
	return func(r *http.Request, _ []byte) (T, error) {
		return request(r.PathValue("model"), r.PathValue("version")), nil
	}
}

func metadataRequest(model, version string) *inference.ModelMetadataRequest {
	return &inference.ModelMetadataRequest{Name: model, Version: version}
}

func readyRequest(model, version string) *inference.ModelReadyRequest {
	return &inference.ModelReadyRequest{Name: model, Version: version}
}

func configRequest(model, version string) *inference.ModelConfigRequest {
	return &inference.ModelConfigRequest{Name: model, Version: version}
}

func statisticsRequest(model, version string) *inference.ModelStatisticsRequest {
	return &inference.ModelStatisticsRequest{Name: model, Version: version}
}

// told answers a message as JSON.
func told[Reply proto.Message, Request proto.Message](_ Request, reply Reply) (*httpapi.Answer, error) {
	return asJSON(http.StatusOK, appendMessage(nil, reply.ProtoReflect())), nil
}

func asJSON(status int, body []byte) *httpapi.Answer {
	return &httpapi.Answer{Status: status, Header: http.Header{"Content-Type": {kindJSON}}, Body: body}
}

// toldReady answers what is not ready with 503, so that probes see it by the status.
func toldReady[Reply proto.Message, Request proto.Message](_ Request, reply Reply) (*httpapi.Answer, error) {
	status := http.StatusOK
	if ready, ok := any(reply).(interface{ GetReady() bool }); ok && !ready.GetReady() {
		status = http.StatusServiceUnavailable
	}
	return asJSON(status, appendMessage(nil, reply.ProtoReflect())), nil
}

// toldConfig answers the configuration alone, as Triton does.
func toldConfig(_ *inference.ModelConfigRequest, reply *inference.ModelConfigResponse) (*httpapi.Answer, error) {
	return asJSON(http.StatusOK, appendMessage(nil, reply.GetConfig().ProtoReflect())), nil
}

// toldIndex answers the list alone, as Triton does.
func toldIndex(_ *inference.RepositoryIndexRequest, reply *inference.RepositoryIndexResponse) (*httpapi.Answer, error) {
	body := []byte{'['}
	for i, model := range reply.GetModels() {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendMessage(body, model.ProtoReflect())
	}
	return asJSON(http.StatusOK, append(body, ']')), nil
}

func readIndex(_ *http.Request, body []byte) (*inference.RepositoryIndexRequest, error) {
	var given struct {
		Ready bool `json:"ready"`
	}
	if err := readSmall(body, &given); err != nil {
		return nil, err
	}
	return &inference.RepositoryIndexRequest{Ready: given.Ready}, nil
}

func readLoad(r *http.Request, body []byte) (*inference.RepositoryModelLoadRequest, error) {
	given, err := readChange(body)
	return &inference.RepositoryModelLoadRequest{ModelName: r.PathValue("model"), Parameters: given}, err
}

func readUnload(r *http.Request, body []byte) (*inference.RepositoryModelUnloadRequest, error) {
	given, err := readChange(body)
	return &inference.RepositoryModelUnloadRequest{ModelName: r.PathValue("model"), Parameters: given}, err
}

// readChange reads the parameters of a request to load or unload.
func readChange(body []byte) (map[string]*inference.ModelRepositoryParameter, error) {
	var given struct {
		Parameters map[string]any `json:"parameters"`
	}
	if err := readSmall(body, &given); err != nil {
		return nil, err
	}
	read := make(map[string]*inference.ModelRepositoryParameter)
	for name, value := range given.Parameters {
		p := &inference.ModelRepositoryParameter{}
		switch v := value.(type) {
		case bool:
			p.ParameterChoice = &inference.ModelRepositoryParameter_BoolParam{BoolParam: v}
		case float64:
			p.ParameterChoice = &inference.ModelRepositoryParameter_StringParam{StringParam: strconv.FormatFloat(v, 'f', -1, 64)}
		case string:
			p.ParameterChoice = &inference.ModelRepositoryParameter_StringParam{StringParam: v}
		default:
			return nil, fault.Unreadable("received a parameter that is no text, number or truth value").At("parameters[" + fault.Quote(name) + "]")
		}
		read[name] = p
	}
	return read, nil
}

// maxSmall bounds the body of a request that has no tensors, in bytes.
const maxSmall = 64 << 10

// readSmall reads the JSON of such a request; an empty body says nothing.
func readSmall(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	err := errors.New("received " + strconv.Itoa(len(body)) + " bytes, expected at most " + strconv.Itoa(maxSmall))
	if len(body) <= maxSmall {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fault.Unreadable("expected JSON: " + fault.ClipQuoting(err.Error()))
	}
	return nil
}
