// Package oip speaks the Open Inference Protocol, version 2, as KServe and Triton do:
// inference.GRPCInferenceService over gRPC, and the same calls by REST below /v2.
//
// Each model NAME that is served is a model of the protocol, which scores pairs: inputs
// image_a and image_b, output similarity. Beside it NAME-encode makes embeddings: input
// image, output embedding. Pictures come as BYTES, the bytes of image files, or as
// UINT8, their pixels.
//
// Calls pass the gate, the limits and the interceptors of the native calls, and their
// pictures the same engine: the package reads tensors, and writes them.
package oip

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"siamese/proto/inference"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/internal/infer"
)

// ServiceName is what health and calls name the service.
var ServiceName = inference.GRPCInferenceService_ServiceDesc.ServiceName

// StreamMethod is the full name of the protocol's only streaming call.
const StreamMethod = inference.GRPCInferenceService_ModelStreamInfer_FullMethodName

// Config is what the protocol is spoken of. All fields are required but Version.
type Config struct {
	Registry  *infer.Registry
	Explainer fault.Explainer

	MaxPairs  int    // items of one request to score pairs
	MaxImages int    // items of one request to encode
	Version   string // of the program

	// Serving reports whether the default version of the model with this serving name
	// answers; for an empty name, whether the server does.
	Serving func(model string) bool

	Deadline   time.Duration                               // of one request on a stream
	MaxStreams int                                         // that Enter lets in
	Enter      func(caller string) (leave func(), ok bool) // a stream of the caller
	Draining   <-chan struct{}                             // closed when streams are to end
	Go         func(func())                                // starts a goroutine that may outlive its call by a moment
}

// Repository changes which versions of models are loaded. It must be safe for concurrent
// use. Its errors are statuses, among them those of callers who may not.
type Repository interface {
	// Load loads a version of a model and keeps it; an empty one looks for new
	// versions now.
	Load(ctx context.Context, model, version string) error

	// Unload lets go of a version of a model.
	Unload(ctx context.Context, model, version string) error
}

// Service answers the protocol's calls. It is safe for concurrent use.
type Service struct {
	inference.UnimplementedGRPCInferenceServiceServer
	cfg        Config
	repository Repository // nil: models are not loaded and unloaded by this protocol
	statistics statistics
}

// New returns the service.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// SetRepository lets operators load and unload models. It must be called before calls
// come in.
func (s *Service) SetRepository(repository Repository) { s.repository = repository }

// Register has a gRPC server answer the calls.
func (s *Service) Register(at grpc.ServiceRegistrar) {
	at.RegisterService(admission.Guard(inference.GRPCInferenceService_ServiceDesc), s)
}
