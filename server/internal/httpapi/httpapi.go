// Package httpapi offers the calls that have one request to browsers: as Connect,
// gRPC-Web and JSON over HTTP, with a page beside them. They go through the gRPC
// server's handlers, limits and errors.
package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"siamese/server/internal/admission"
)

// What an HTTP connection may cost.
const (
	// readHeaderTimeout bounds how long a request's header may take to come.
	readHeaderTimeout = 10 * time.Second

	// idleTimeout is how long a connection may wait for its next request.
	idleTimeout = 2 * time.Minute

	// maxConcurrentStreams bounds the requests under way on one connection of HTTP/2.
	maxConcurrentStreams = 250

	// MaxHeaderBytes bounds a request's header; browsers send a few hundred
	// bytes.
	MaxHeaderBytes = 32 << 10
)

// Config says what the HTTP side offers beside the calls.
type Config struct {
	// Page answers all paths that are not calls. Default: 404.
	Page http.Handler

	// Origins are the origins whose pages may call the server, each such as
	// "https://example.org:8443". Default: none but the server's own.
	Origins []string

	// Hosts are the names, without port, by which requests may ask for a server at a
	// loopback address, beside localhost and such addresses: those under which a proxy
	// on the same machine passes them on. Default: none. At other addresses all names
	// will do.
	Hosts []string
}

// Validate returns an error that names the field which is out of range, if any.
func (c Config) Validate() error {
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		if err == nil && u.User != nil {
			return errors.New("server: HTTPConfig.Origins has one with a user, expected scheme and host alone") // it may have a password
		}
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return fmt.Errorf("server: HTTPConfig.Origins has %q, expected scheme and host such as %q", origin, "https://example.org")
		}
	}
	for _, host := range c.Hosts {
		if host == "" || host != hostOf(host) {
			return fmt.Errorf("server: HTTPConfig.Hosts has %q, expected a name in lower case without port such as %q", host, "example.org")
		}
	}
	return nil
}

// NewHTTPServer returns a server of handler whose connections may cost what they
// may here, on any port of the program. Its answers say what they are, and
// browsers are kept from guessing.
func NewHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           noSniffing(handler),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Server is the HTTP side's listener and life. A nil one has nothing to do.
type Server struct {
	http    *http.Server
	lis     net.Listener
	handler http.Handler
	stopped chan error // what http.Serve returned; capacity 1

	// underWay is held for reading by each request, and for writing from the end
	// of Stop on: http.Server waits for its handlers only as long as their
	// connections are whole.
	underWay sync.RWMutex
}

// New returns a server of calls at lis, with TLS by config (nil: plain text).
func New(lis net.Listener, cfg Config, backend Backend, config *tls.Config, log *slog.Logger) (*Server, error) {
	handler, err := newHandler(cfg, backend)
	if err != nil {
		return nil, fmt.Errorf("server: calls over HTTP: %w", err)
	}
	s := &Server{lis: lis, handler: GuardHosts(lis.Addr(), cfg.Hosts, handler), stopped: make(chan error, 1)}
	s.http = NewHTTPServer(withProgress(backend.StallTimeout, http.HandlerFunc(s.serveHTTP)), log)
	s.http.TLSConfig = config
	s.http.Protocols = new(http.Protocols)
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(true)
	s.http.Protocols.SetUnencryptedHTTP2(true) // clients of gRPC that come to this port
	s.http.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: maxConcurrentStreams}
	s.http.ReadTimeout = admission.MessageTimeout // the whole request, as over gRPC
	return s, nil
}

// serveHTTP hands a request on until the stop is over.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.underWay.TryRLock() {
		http.Error(w, "the server has stopped", http.StatusServiceUnavailable)
		return
	}
	defer s.underWay.RUnlock()
	s.handler.ServeHTTP(w, r)
}

// Start serves in a goroutine that ends with Stop; failed is called when the
// listener fails before that.
func (s *Server) Start(failed func()) {
	if s == nil {
		return
	}
	go func() {
		err := s.serve()
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("server: serve HTTP at %s: %w", s.lis.Addr(), err)
			failed()
		}
		s.stopped <- err
	}()
}

func (s *Server) serve() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.lis, "", "") // the certificate is TLSConfig's
	}
	return s.http.Serve(s.lis)
}

// Stop takes no new requests, waits for those under way until ctx is done, and
// then cuts the connections of the rest. When it returns no request is under
// way; one that is still in a call of the gRPC server is waited for.
func (s *Server) Stop(ctx context.Context) error {
	if s == nil {
		return nil
	}
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // its error is the listener's, which Shutdown closed
	}
	s.underWay.Lock() // and never unlocked
	return <-s.stopped
}
