package server

import (
	"errors"
	"net"

	"siamese/server/internal/httpapi"
)

// ErrHTTPAdded says that the server has its HTTP side already.
var ErrHTTPAdded = errors.New("server: an HTTP listener is added already")

// HTTPConfig says what the HTTP side offers beside the calls.
type HTTPConfig = httpapi.Config

// AddHTTP offers the unary calls at lis to browsers too, as Connect, gRPC-Web
// and JSON over HTTP/1.1, and cfg's page. They go through the same handlers,
// limits and errors as gRPC. It must be called before Serve, once
// ([ErrHTTPAdded], [ErrServed]); Serve then serves lis and closes it. cfg is
// copied. On an error lis stays the caller's.
func (s *Server) AddHTTP(lis net.Listener, cfg HTTPConfig) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.served.Load():
		return ErrServed
	case s.web != nil:
		return ErrHTTPAdded
	}
	backend := httpapi.Backend{
		GRPC: s.grpc, Gate: s.gate, MaxMessageBytes: s.cfg.MaxMessageBytes, StallTimeout: s.cfg.StallTimeout,
		Fronts: s.fronts(), Explain: s.explainer.Status,
	}
	web, err := httpapi.New(s.port().GuardHTTP(s.limitConnections(lis)), cfg, backend, s.cfg.TLS, s.log)
	if err != nil {
		return err
	}
	s.web = web
	return nil
}
