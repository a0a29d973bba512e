// Package tfserving speaks TensorFlow Serving's protocol: PredictionService and
// ModelService over gRPC, and their twin over REST, on the engine of the server's own
// calls.
//
// A model has the signatures of its SavedModel, which take pixels and embeddings, and
// two of its own for image files, "encoded" and "encode_files". Calls are admitted,
// limited, counted and answered from the caches as the server's own are; the protocol
// has no errors of single items, so that the first one that fails fails its call, and
// the error's field names it.
package tfserving

import (
	"context"

	"google.golang.org/grpc"

	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
	"siamese/server/tfserving/tensorflow_serving/apis"
	"siamese/server/versions"
)

// Config is what the service needs of the server. All of it is required.
type Config struct {
	Registry       *infer.Registry
	MaxPairs       int // of one call
	MaxImages      int // of one call that encodes images
	MaxTensorBytes int // of one tensor, written out in full

	// Versions returns what there is to know of all versions of a model, false where
	// there is none of this name.
	Versions func(model string) ([]versions.Version, bool)
}

// Service answers PredictionService and ModelService. It is safe for concurrent use.
type Service struct {
	apis.UnimplementedPredictionServiceServer
	apis.UnimplementedModelServiceServer

	cfg Config
}

// New returns a service. cfg is copied.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Register has server answer the service's calls, which must pass a gate.
func (s *Service) Register(server *grpc.Server) {
	server.RegisterService(admission.Guard(apis.PredictionService_ServiceDesc), s)
	server.RegisterService(admission.Guard(apis.ModelService_ServiceDesc), s)
}

// usePredict is what to call in place of what is not offered.
const usePredict = "models here take images and no examples: call Predict with the signature \"serving_default\" for pixels or \"encoded\" for image files"

// Classify implements apis.PredictionServiceServer: it says what to call instead.
func (s *Service) Classify(context.Context, *apis.ClassificationRequest) (*apis.ClassificationResponse, error) {
	return nil, fault.NotOffered("Classify is not offered, as " + usePredict)
}

// Regress implements apis.PredictionServiceServer: it says what to call instead.
func (s *Service) Regress(context.Context, *apis.RegressionRequest) (*apis.RegressionResponse, error) {
	return nil, fault.NotOffered("Regress is not offered, as " + usePredict)
}

// MultiInference implements apis.PredictionServiceServer: it says what to call instead.
func (s *Service) MultiInference(context.Context, *apis.MultiInferenceRequest) (*apis.MultiInferenceResponse, error) {
	return nil, fault.NotOffered("MultiInference is not offered, as " + usePredict)
}

// HandleReloadConfigRequest implements apis.ModelServiceServer: it says what to call
// instead.
func (s *Service) HandleReloadConfigRequest(context.Context, *apis.ReloadConfigRequest) (*apis.ReloadConfigResponse, error) {
	return nil, fault.NotOffered("models are given when the server starts (siamese serve --models), and new versions of theirs are found in their folders: " +
		"to load, unload and label versions call siamese.admin.v1.AdminService at the operators' port (siamese serve --admin-addr)")
}
