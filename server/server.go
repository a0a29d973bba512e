// Package server answers siamese.v1.SiameseService over gRPC.
//
// The way of a call: check all that is cheap, collect the call's distinct
// images, prepare them in a pool that all calls share, encode them through one
// bounded queue (package batch), score the pairs in one run of the head, reply.
// Unary calls are refused when the queue is full; a stream stops reading.
//
// The network comes in through the interface [Model], so that the package needs
// no TensorFlow. Errors turn into status codes in one table, in errors.go.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	pb "siamese/proto/siamese/v1"
)

// Errors of a server's life.
var (
	// ErrModelSet says that the server has its model already.
	ErrModelSet = errors.New("server: a model is set already")

	// ErrClosed says that the server has been closed.
	ErrClosed = errors.New("server: closed")

	// ErrServed says that Serve was called a second time.
	ErrServed = errors.New("server: serves or has served already")

	// ErrStopTimeout says that calls were cut off since they had not ended
	// within Config.StopTimeout.
	ErrStopTimeout = errors.New("server: calls were still under way at the stop timeout and were cut off")
)

// Model is what the server needs of a network. It must be safe for concurrent
// use: one Encode and several Compares run at a time. It must keep neither its
// arguments nor its results.
type Model interface {
	// Encode turns images, pixels uint8 [n,H,W,3] RGB, into embeddings, float32
	// [n,E].
	Encode(ctx context.Context, pixels []byte) ([]float32, error)

	// Compare scores pairs of embeddings, a and b float32 [n,E], and returns
	// similarities, float32 [n], 0..1. Swapping a and b changes nothing.
	Compare(ctx context.Context, a, b []float32) ([]float32, error)
}

// Server serves one model. It is safe for concurrent use.
type Server struct {
	cfg    Config // defaults filled in
	log    *slog.Logger
	grpc   *grpc.Server
	health *health.Server
	pool   *pool

	engine atomic.Pointer[engine] // nil until SetModel
	mu     sync.Mutex             // guards closed and the setting of engine and web
	closed bool
	web    *webServer // nil without AddHTTP; set before Serve

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
	s := &Server{
		cfg:       cfg,
		log:       cfg.Logger,
		health:    health.NewServer(),
		pool:      newPool(int64(cfg.MaxPixelsInFlight)),
		draining:  make(chan struct{}),
		graceOver: make(chan struct{}),
	}
	s.grpc = grpc.NewServer(s.options()...)
	pb.RegisterSiameseServiceServer(s.grpc, &service{Server: s})
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	return s, nil
}

// SetModel gives the server its model, once, and turns health to SERVING. The
// server does not close the model: its owner does, after Serve has returned.
// Errors: what is wrong with info, [ErrModelSet], [ErrClosed].
func (s *Server) SetModel(model Model, info ModelInfo) error {
	if err := info.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.engine.Load() != nil {
		return ErrModelSet
	}
	e, err := newEngine(s.cfg, s.pool, model, info)
	if err != nil {
		return fmt.Errorf("server: serve model %q: %w", info.Name, err)
	}
	s.engine.Store(e)
	s.setHealth(healthpb.HealthCheckResponse_SERVING)
	s.log.Info("model set", "model", info.Name, "version", info.Version, "digest", info.Digest, "device", info.Device)
	return nil
}

// Close frees what SetModel has started; calls that wait for the encoder fail
// with UNAVAILABLE, DRAINING. Serve does it by itself. It may be called more
// than once.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if e := s.engine.Load(); e != nil {
		e.queue.Close()
	}
}

func (s *Server) setHealth(status healthpb.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", status)
	s.health.SetServingStatus(pb.SiameseService_ServiceDesc.ServiceName, status)
}

// service answers the RPCs. It is apart from Server, so that the methods of the
// wire are not part of the package's interface.
type service struct {
	pb.UnimplementedSiameseServiceServer
	*Server
}

// ready returns the engine, or NOT_READY while there is none.
func (s *Server) ready() (*engine, error) {
	e := s.engine.Load()
	if e == nil {
		return nil, notReady()
	}
	return e, nil
}
