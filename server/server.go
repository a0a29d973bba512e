// Package server answers siamese.v1.SiameseService over gRPC.
//
// The way of a call: check all that is cheap, collect the call's distinct
// images, prepare them in a pool that all calls share, encode them through one
// bounded queue (package batch), score the pairs in one run of the head, reply.
// Unary calls are refused when the queue is full; a stream stops reading.
//
// The network comes in through the interface [Model], so that the package needs
// no TensorFlow. Errors turn into status codes in one table, in internal/fault.
package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/internal/galleries"
	"siamese/server/internal/httpapi"
	"siamese/server/internal/infer"
	"siamese/server/internal/memory"
	"siamese/server/internal/stream"
	"siamese/server/internal/telemetry"
	"siamese/server/metrics"
	"siamese/server/oip"
	"siamese/server/tfserving"
	"siamese/server/versions"
)

// Errors of a server's life.
var (
	// ErrClosed says that the server has been closed.
	ErrClosed = infer.ErrClosed

	// ErrServed says that Serve was called a second time.
	ErrServed = errors.New("server: serves or has served already")

	// ErrStopTimeout says that calls were cut off since they had not ended
	// within Config.StopTimeout.
	ErrStopTimeout = errors.New("server: calls were still under way at the stop timeout and were cut off")
)

// Server serves models: calls name one, or are answered by the default. It is
// safe for concurrent use.
type Server struct {
	cfg       Config // defaults filled in
	log       *slog.Logger
	grpc      *grpc.Server
	health    *health.Server
	explainer fault.Explainer
	observer  *telemetry.Observer
	memory    *memory.Budget
	registry  *infer.Registry
	streams   *stream.Service
	galleries *galleries.Service
	gate      *admission.Gate
	oip       *oip.Service       // nil where it is not spoken
	tfserving *tfserving.Service // likewise

	enterStream func(caller string) (leave func(), ok bool) // takes a place of an open stream

	versionsOf func(model string) ([]versions.Version, bool) // nil: those that are loaded; set before Serve

	mu  sync.Mutex      // guards the setting of web
	web *httpapi.Server // nil without AddHTTP; set before Serve

	announced announcement

	served    atomic.Bool
	draining  chan struct{}  // closed when streams are told that the server stops
	graceOver chan struct{}  // closed when streams are to end
	work      sync.WaitGroup // goroutines that may outlive their handler by a moment, and the watchdog
}

// New returns a server that has no model yet: health says NOT_SERVING and calls
// are answered with UNAVAILABLE, NOT_READY. cfg is copied. The caller must Serve
// or Close it.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:       cfg,
		log:       telemetry.Logger(cfg.Logger.Handler()),
		health:    health.NewServer(),
		draining:  make(chan struct{}),
		graceOver: make(chan struct{}),
	}
	var err error
	if s.memory, err = memory.NewBudget(cfg.MemoryBytes); err != nil {
		return nil, err
	}
	s.registry = infer.NewRegistry(s.inferConfig()) // before the first scrape can come
	if s.observer, err = telemetry.New(cfg.Metrics, cfg.Traces, s.reading); err != nil {
		return nil, err
	}
	if s.gate, err = admission.NewGate(s.gateConfig()); err != nil {
		return nil, err
	}
	s.explainer = fault.Explainer{Log: s.log, RequestID: telemetry.RequestID}
	s.enterStream = access.NewShares(cfg.MaxStreams).Enter
	s.streams = stream.New(s.streamConfig())
	s.galleries = galleries.New(s.galleriesConfig())
	s.grpc = grpc.NewServer(s.options()...)
	s.grpc.RegisterService(admission.Guard(pb.SiameseService_ServiceDesc), &service{Server: s})
	s.grpc.RegisterService(admission.Guard(pb.GalleryService_ServiceDesc), s.galleries)
	s.grpc.RegisterService(admission.Guard(healthpb.Health_ServiceDesc), s.health)
	s.registerFronts()
	reflection.Register(s.grpc)
	s.setHealth("", true, false)
	for _, name := range s.cfg.Models {
		s.setHealth(name, false, false)
	}
	return s, nil
}

func (s *Server) gateConfig() admission.Config {
	return admission.Config{
		Tokens:          s.cfg.Tokens,
		Limits:          s.cfg.CallerLimits,
		MaxCalls:        s.cfg.MaxCalls,
		MaxMessageBytes: s.cfg.MaxMessageBytes,
		MaxWindow:       s.cfg.MaxStreamWindow,
		Streams:         streamMethods,
		Memory:          s.memory,
		Metrics:         s.observer.Metrics(),
		Log:             s.log,
	}
}

func (s *Server) inferConfig() infer.Config {
	return infer.Config{
		Memory:          s.memory,
		MaxQueuedImages: s.cfg.MaxQueuedImages,
		BatchWait:       s.cfg.BatchWait,
		CacheBytes:      s.cfg.CacheBytes,
		Limits:          s.cfg.Limits,
		Rule:            s.cfg.Rule,
		Alpha:           s.cfg.Alpha,
		Models:          s.cfg.Models,
		Default:         s.cfg.DefaultModel,
		AutoModels:      s.cfg.AutoModels,
		SetHealth:       s.setHealth,
		Log:             s.log,
	}
}

func (s *Server) streamConfig() stream.Config {
	return stream.Config{
		Registry:      s.registry,
		Caller:        admission.Caller,
		Enter:         s.enterStream,
		MaxStreams:    s.cfg.MaxStreams,
		MaxReferences: s.cfg.MaxStreamReferences,
		MaxWindow:     s.cfg.MaxStreamWindow,
		MaxViews:      s.cfg.MaxTestTimeViews,
		Draining:      s.draining,
		GraceOver:     s.graceOver,
		Grace:         s.cfg.StreamGrace,
		CutOff:        s.cfg.StopTimeout,
		Explainer:     s.explainer,
		Metrics:       s.observer.Metrics(),
	}
}

func (s *Server) galleriesConfig() galleries.Config {
	return galleries.Config{
		Store:           s.cfg.Galleries,
		MaxGalleries:    s.cfg.MaxGalleries,
		MaxEntries:      s.cfg.MaxGalleryEntries,
		Registry:        s.registry,
		Rights:          s.cfg.GalleryRights,
		Caller:          admission.Caller,
		Enter:           s.enterStream,
		MaxStreams:      s.cfg.MaxStreams,
		MaxImages:       s.cfg.MaxImages,
		MaxViews:        s.cfg.MaxTestTimeViews,
		MaxQueuedImages: s.cfg.MaxQueuedImages,
		MaxMessageBytes: s.cfg.MaxMessageBytes,
		Go:              func(work func()) { s.work.Go(work) },
		Draining:        s.draining,
		GraceOver:       s.graceOver,
		Explainer:       s.explainer,
		Metrics:         s.observer.Metrics(),
		Log:             s.log,
	}
}

// Close frees what AddModel has started; calls that wait for the encoder fail
// with UNAVAILABLE, DRAINING. Serve calls it. It may be called more than once.
func (s *Server) Close() {
	s.galleries.Close()
	s.registry.Close()
}

// serviceName is what health and calls name the service.
var serviceName = pb.SiameseService_ServiceDesc.ServiceName

// HealthName returns the name under which health tells of the model with this serving
// name, such as "siamese.v1.SiameseService/general".
func HealthName(model string) string { return serviceName + "/" + model }

// setHealth is what health says of a model until the server stops. What it says of the
// default model, of Auto the one that is tried first, it says of the services too.
func (s *Server) setHealth(model string, isDefault, serving bool) {
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if serving {
		status = healthpb.HealthCheckResponse_SERVING
	}
	if model != "" {
		s.health.SetServingStatus(HealthName(model), status)
	}
	if isDefault {
		s.health.SetServingStatus("", status)
		s.health.SetServingStatus(serviceName, status)
		if s.cfg.Galleries != nil {
			s.health.SetServingStatus(pb.GalleryService_ServiceDesc.ServiceName, status)
		}
		if s.cfg.OIP {
			s.health.SetServingStatus(oip.ServiceName, status)
		}
	}
	if isDefault {
		s.announce(func(a *announcement) { a.hasModel, a.serving = a.hasModel || serving, serving })
	}
}

// isServing reports whether health says SERVING of a service, of the server as a whole
// for an empty name.
func (s *Server) isServing(service string) bool {
	health, err := s.health.Check(context.Background(), &healthpb.HealthCheckRequest{Service: service})
	return err == nil && health.GetStatus() == healthpb.HealthCheckResponse_SERVING
}

// reading is what a scrape tells beside what is counted as it happens.
func (s *Server) reading() metrics.Reading {
	r := s.registry.Reading()
	r.Serving = s.isServing("")
	for i, model := range r.Models {
		r.Models[i].Serving = s.isServing(HealthName(model.Name))
	}
	r.MemoryBytes, r.MaxMemoryBytes = s.memory.Used(), s.memory.Size()
	r.Galleries = s.galleries.Reading()
	r.ResidentBytes = metrics.ResidentBytes()
	r.Build = metrics.Build{
		Version: s.cfg.Build.Version, Revision: s.cfg.Build.Revision,
		GoVersion: s.cfg.Build.GoVersion, TensorFlowVersion: s.cfg.Build.TensorFlowVersion,
	}
	return r
}
