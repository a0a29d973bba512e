package tfserving

import (
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"siamese/server/internal/fault"
	"siamese/server/internal/httpapi"
	"siamese/server/tfserving/tensorflow_serving/apis"
)

// REST returns the protocol's twin over REST: the same calls, spelled in JSON.
func (s *Service) REST() httpapi.Front {
	const models = "/v1/models/{model}"
	var routes []httpapi.Route
	for _, path := range []string{models, models + "/versions/{version}", models + "/labels/{label}"} {
		routes = append(routes,
			httpapi.NewRoute("POST "+path, apis.PredictionService_Predict_FullMethodName, s.readPredict, writePredict),
			httpapi.NewRoute("GET "+path, apis.ModelService_GetModelStatus_FullMethodName, readStatus, writeStatus),
			httpapi.NewRoute("GET "+path+"/metadata", apis.PredictionService_GetModelMetadata_FullMethodName, readMetadata, writeMetadata),
		)
	}
	return httpapi.Front{Prefix: "/v1/models", Routes: routes}
}

// specIn returns the model and version that a path names, and what is to be done with
// them: what follows a colon at the path's end.
func specIn(r *http.Request) (spec *apis.ModelSpec, verb string, err error) {
	spec = &apis.ModelSpec{}
	spec.Name, verb, _ = strings.Cut(r.PathValue("model"), ":")
	version, label := r.PathValue("version"), r.PathValue("label")
	switch {
	case version != "":
		version, verb, _ = strings.Cut(version, ":")
		number, err := strconv.ParseInt(version, 10, 64)
		if err != nil || number < 0 {
			return nil, "", fault.Unreadable("received version " + fault.Quote(version) + " in the path, expected a number, or /labels/ and a label")
		}
		spec.VersionChoice = &apis.ModelSpec_Version{Version: wrapperspb.Int64(number)}
	case label != "":
		label, verb, _ = strings.Cut(label, ":")
		spec.VersionChoice = &apis.ModelSpec_VersionLabel{VersionLabel: label}
	}
	return spec, verb, nil
}

// predictRequest is a request that came by REST.
type predictRequest struct {
	*apis.PredictRequest
	isRows bool // whether it has "instances", not "inputs"
}

func (s *Service) readPredict(r *http.Request, body []byte) (predictRequest, error) {
	spec, verb, err := specIn(r)
	if err != nil {
		return predictRequest{}, err
	}
	switch verb {
	case "predict":
		return s.readBody(spec, body)
	case "classify", "regress":
		return predictRequest{}, fault.NotOffered(verb + " is not offered, as " + usePredict)
	default:
		return predictRequest{}, fault.Unreadable("received " + fault.Quote(":"+verb) + " at the end of the path, expected :predict")
	}
}

func readStatus(r *http.Request, _ []byte) (*apis.GetModelStatusRequest, error) {
	spec, err := specAlone(r)
	return &apis.GetModelStatusRequest{ModelSpec: spec}, err
}

func readMetadata(r *http.Request, _ []byte) (*apis.GetModelMetadataRequest, error) {
	spec, err := specAlone(r)
	return &apis.GetModelMetadataRequest{ModelSpec: spec, MetadataField: []string{signatureField}}, err
}

// specAlone is specIn for a GET, in which nothing follows a colon.
func specAlone(r *http.Request) (*apis.ModelSpec, error) {
	spec, verb, err := specIn(r)
	if err == nil && verb != "" {
		err = fault.Unreadable("received GET and " + fault.Quote(":"+verb) + " at the end of the path, expected POST with it")
	}
	return spec, err
}
