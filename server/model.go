package server

import (
	"context"
	"errors"
	"fmt"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// Errors of models that come and go.
var (
	// ErrModelSet says that the server has this model, or by SetModel one at
	// all.
	ErrModelSet = errors.New("server: a model is set already")

	// ErrNoModel says that the server has no such model.
	ErrNoModel = errors.New("server: no such model")

	// ErrModelRouted says that a model can't go, since calls are routed to it.
	ErrModelRouted = errors.New("server: calls are routed to the model")
)

// Model is what the server needs of a network. It must be safe for concurrent
// use: several Encodes and Compares run at a time. It must keep neither its
// arguments nor its results.
type Model interface {
	// Encode turns images, pixels uint8 [n,H,W,3] RGB, into embeddings, float32
	// [n,E].
	Encode(ctx context.Context, pixels []byte) ([]float32, error)

	// Compare scores pairs of embeddings, a and b float32 [n,E], and returns
	// similarities, float32 [n], 0..1. Swapping a and b changes nothing.
	Compare(ctx context.Context, a, b []float32) ([]float32, error)
}

// SetModel gives the server its model, the only one, and turns health to
// SERVING: [Server.AddModel] and [Server.Route] in one. Errors: what is wrong
// with info, [ErrModelSet], [ErrClosed].
func (s *Server) SetModel(model Model, info ModelInfo) error {
	if s.roster.ready() == nil && !s.isClosed() {
		return ErrModelSet
	}
	if err := s.AddModel(model, info); err != nil {
		return err
	}
	return s.Route(info.Version, nil)
}

// AddModel lets calls that name info.Version be answered by model, beside the
// models that there are. Each has a queue of its own. The server does not close
// the model: its owner does, once that is out of use (RemoveModel) or Serve has returned. Errors:
// what is wrong with info, [ErrModelSet] for a version that is served,
// [ErrClosed].
func (s *Server) AddModel(model Model, info ModelInfo) error {
	if err := info.Validate(); err != nil {
		return err
	}
	if s.isClosed() {
		return ErrClosed
	}
	// Without the lock: warming takes as long as it takes.
	e, err := newEngine(s.cfg, s.pool, model, info)
	if err != nil {
		return fmt.Errorf("server: serve model %q: %w", info.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		e.queue.Close()
		return ErrClosed
	}
	t := &tenant{engine: e, empty: make(chan struct{})}
	if err := s.roster.add(info.Version, t); err != nil {
		e.queue.Close()
		return err
	}
	s.ledger.open(e)
	s.log.Debug("model set", "model", info.Name, "version", info.Version, "digest", info.Digest, "device", info.Device, "precision", info.Precision)
	return nil
}

// Route makes the model of version answer calls that name none, and those of
// labels, from label to version, calls that name the label; labels that there
// were before are gone. It takes effect for calls that begin from now on, all at
// once; a stream stays with the model that it opened with. Health turns to
// SERVING. [ErrNoModel] where a version has not been added: then nothing
// changes. [ErrClosed].
func (s *Server) Route(version string, labels map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	standard, err := s.roster.route(version, labels)
	if err != nil {
		return err
	}
	if standard != s.watched {
		s.watched, s.stalled = standard, false // it was proven before it came here
	}
	s.setHealth(s.healthLocked())
	return nil
}

// RemoveModel lets no new call reach the model of version. The function that it
// returns waits until the last call has ended and lets go of the model: then the
// caller can close it. [ErrNoModel]; [ErrModelRouted] while it is the default or
// has a label, unless the server is closed.
func (s *Server) RemoveModel(version string) (wait func(), err error) {
	t, err := s.roster.retire(version, s.isClosed())
	if err != nil {
		return nil, err
	}
	return func() {
		<-t.empty
		t.engine.queue.Close()
		s.ledger.close(t.engine)
	}, nil
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// healthLocked is what health should say.
func (s *Server) healthLocked() healthpb.HealthCheckResponse_ServingStatus {
	if s.watched == nil || s.stalled {
		return healthpb.HealthCheckResponse_NOT_SERVING
	}
	return healthpb.HealthCheckResponse_SERVING
}
