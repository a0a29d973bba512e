package server

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
)

// What an HTTP connection may cost.
const (
	// readHeaderTimeout bounds how long a request's header may take to come.
	readHeaderTimeout = 10 * time.Second

	// readTimeout bounds a whole request, and a call's first message over gRPC:
	// the largest one at 2 Mbit/s.
	readTimeout = 2 * time.Minute

	// writeTimeout bounds a request and its answer together, so that it cuts
	// calls whose deadline is longer.
	writeTimeout = 5 * time.Minute

	// idleTimeout is how long a connection may wait for its next request.
	idleTimeout = 2 * time.Minute

	// maxHeaderBytes bounds a request's header; browsers send a few hundred
	// bytes.
	maxHeaderBytes = 32 << 10
)

// ErrHTTPAdded says that the server has its HTTP side already.
var ErrHTTPAdded = errors.New("server: an HTTP listener is added already")

// HTTPConfig says what the HTTP side offers beside the calls.
type HTTPConfig struct {
	// Page answers all paths that are not calls. Default: 404.
	Page http.Handler

	// Origins are the origins whose pages may call the server, each such as
	// "https://example.org:8443". Default: none but the server's own.
	Origins []string
}

// Validate tells which field is out of range, if any is.
func (c HTTPConfig) Validate() error {
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return fmt.Errorf("server: HTTPConfig.Origins has %q, expected scheme and host such as %q", origin, "https://example.org")
		}
	}
	return nil
}

// AddHTTP offers the unary calls at lis to browsers too, as Connect, gRPC-Web
// and JSON over HTTP/1.1, and cfg's page. They go through the same handlers,
// limits and errors as gRPC. It is to be called before Serve, once
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
	handler, err := s.httpHandler(cfg)
	if err != nil {
		return fmt.Errorf("server: calls over HTTP: %w", err)
	}
	s.web = newWebServer(lis, handler, s.cfg.TLS, s.log)
	return nil
}

// webServer is the HTTP side's listener and life. A nil one has nothing to do.
type webServer struct {
	http    *http.Server
	lis     net.Listener
	tls     *tls.Config // nil: plain text
	handler http.Handler
	stopped chan error // what http.Serve returned; capacity 1

	// calls is held for reading by each request under way, and for writing from
	// the end of stop on: http.Server waits for its handlers only as long as
	// their connections are whole.
	calls sync.RWMutex
}

func newWebServer(lis net.Listener, handler http.Handler, config *tls.Config, log *slog.Logger) *webServer {
	w := &webServer{lis: lis, tls: config, handler: handler, stopped: make(chan error, 1)}
	w.http = &http.Server{
		Handler:           w,
		TLSConfig:         config,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return w
}

// ServeHTTP hands a request on until the stop is over.
func (w *webServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !w.calls.TryRLock() {
		http.Error(rw, "the server has stopped", http.StatusServiceUnavailable)
		return
	}
	defer w.calls.RUnlock()
	w.handler.ServeHTTP(rw, r)
}

// start serves in a goroutine that ends with stop; failed is called when the
// listener fails before that.
func (w *webServer) start(failed func()) {
	if w == nil {
		return
	}
	go func() {
		err := w.serve()
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("server: serve HTTP at %s: %w", w.lis.Addr(), err)
			failed()
		}
		w.stopped <- err
	}()
}

func (w *webServer) serve() error {
	if w.tls != nil {
		return w.http.ServeTLS(w.lis, "", "") // the certificate is w.tls's
	}
	return w.http.Serve(w.lis)
}

// stop takes no new requests, waits for those under way until ctx is done, and
// then cuts the connections of the rest. When it returns no request is under
// way; one that is still in a call of the gRPC server is waited for.
func (w *webServer) stop(ctx context.Context) error {
	if w == nil {
		return nil
	}
	if err := w.http.Shutdown(ctx); err != nil {
		_ = w.http.Close() // its error is the listener's, which Shutdown closed
	}
	w.calls.Lock() // and never unlocked
	return <-w.stopped
}
