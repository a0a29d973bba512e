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
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
)

// Errors of a server's life.
var (
	// ErrClosed says that the server has been closed.
	ErrClosed = errors.New("server: closed")

	// ErrServed says that Serve was called a second time.
	ErrServed = errors.New("server: serves or has served already")

	// ErrStopTimeout says that calls were cut off since they had not ended
	// within Config.StopTimeout.
	ErrStopTimeout = errors.New("server: calls were still under way at the stop timeout and were cut off")
)

// Server serves models: calls name one, or are answered by the default. It is
// safe for concurrent use.
type Server struct {
	cfg    Config // defaults filled in
	log    *slog.Logger
	grpc   *grpc.Server
	health *health.Server
	pool   *pool

	explainer fault.Explainer

	observer *telemetry.Observer
	ledger   ledger
	streams  *semaphore.Weighted // one unit for each open stream
	calls    *semaphore.Weighted // one unit for each other call under way, and for streams before they open

	callers *access.Callers

	roster *roster

	mu      sync.Mutex // guards what follows, and the setting of web
	closed  bool
	watched *tenant    // the default model; nil until Route
	stalled bool       // whether the watchdog found that it does not answer
	web     *webServer // nil without AddHTTP; set before Serve

	served    atomic.Bool
	draining  chan struct{}  // closed when streams are told that the server stops
	graceOver chan struct{}  // closed when streams are to end
	receivers sync.WaitGroup // goroutines that may outlive their stream's handler by a moment
}

// New returns a server that has no model yet: health says NOT_SERVING and calls
// are answered with UNAVAILABLE, NOT_READY. cfg is copied. The caller must Serve
// or Close it.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	callers, err := access.NewCallers(cfg.CallerLimits)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:       cfg,
		log:       telemetry.Logger(cfg.Logger.Handler()),
		health:    health.NewServer(),
		roster:    newRoster(),
		pool:      newPool(int64(cfg.MaxPixelsInFlight)),
		streams:   semaphore.NewWeighted(int64(cfg.MaxStreams)),
		calls:     semaphore.NewWeighted(int64(cfg.MaxCalls)),
		callers:   callers,
		draining:  make(chan struct{}),
		graceOver: make(chan struct{}),
	}
	s.explainer = fault.Explainer{Log: s.log, RequestID: telemetry.RequestID}
	if s.observer, err = telemetry.New(cfg.Metrics, cfg.Traces, s.reading); err != nil {
		return nil, err
	}
	s.grpc = grpc.NewServer(s.options()...)
	pb.RegisterSiameseServiceServer(s.grpc, &calls{server: s})
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	return s, nil
}

// Close frees what AddModel has started; calls that wait for the encoder fail
// with UNAVAILABLE, DRAINING. Serve does it by itself. It may be called more
// than once.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, t := range s.roster.all() {
		t.engine.queue.Close()
	}
}

func (s *Server) setHealth(status healthpb.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", status)
	s.health.SetServingStatus(pb.SiameseService_ServiceDesc.ServiceName, status)
}
