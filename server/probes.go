package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"siamese/server/access"
	"siamese/server/internal/admission"
	"siamese/server/internal/conns"
	"siamese/server/internal/fault"
	"siamese/server/internal/httpapi"
)

// Probes tell orchestrators and load balancers how a server is, on a listener of
// its own and in plain text, so that they need neither certificate nor token:
//
//   - GET /healthz: 200 while the process answers at all;
//   - GET /readyz: 200 while the server's health is SERVING, else 503;
//   - grpc.health.v1.Health over gRPC, and reflection of it.
//
// More can be added with Handle. There are no images to be had here.
type Probes struct {
	mux  *http.ServeMux
	http *http.Server
	grpc *grpc.Server

	places *access.Places // for connections
	port   *conns.Port
}

// maxProbeBytes bounds a message: a service's name.
const maxProbeBytes = 4 << 10

// maxProbeStreams bounds the calls under way on one connection: all watches of one
// address, and as many that ask once. Each takes about 10 kB while it is refused, too.
const maxProbeStreams = 32

// boundWatches refuses those who watch health, or ask for reflection, which is a stream
// too, beyond the places that there are.
func boundWatches(places *access.Places) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		var address string
		if from, ok := peer.FromContext(stream.Context()); ok {
			address = from.Addr.String()
		}
		leave, ok := places.Enter(address)
		if !ok {
			return admission.TooManyWatches()
		}
		defer leave()
		return handler(srv, stream)
	}
}

// NewProbes makes the server's probes. The caller serves and closes them, after
// Serve has returned, so that they tell of the drain.
func (s *Server) NewProbes() *Probes {
	p := &Probes{
		mux: http.NewServeMux(),
		grpc: grpc.NewServer(
			grpc.MaxRecvMsgSize(maxProbeBytes),
			grpc.ChainStreamInterceptor(boundWatches(admission.NewWatches())),
			grpc.UnknownServiceHandler(refuseAtProbes)),
		places: access.NewPlaces(s.cfg.MaxConnections, s.cfg.MaxConnectionsOfAddress),
		port:   &conns.Port{Log: s.log},
	}
	healthpb.RegisterHealthServer(p.grpc, s.health)
	reflection.Register(p.grpc)
	for service := range p.grpc.GetServiceInfo() {
		p.mux.Handle("/"+service+"/", p.grpc)
	}
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			p.grpc.ServeHTTP(w, r) // which refuses in gRPC's own form
			return
		}
		http.NotFound(w, r)
	})
	p.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	p.mux.HandleFunc("GET /readyz", s.answerReady)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // gRPC's
	p.http = httpapi.NewHTTPServer(p.mux, s.log)
	p.http.Protocols = protocols
	p.http.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: maxProbeStreams}
	return p
}

// refuseAtProbes answers calls of services that are not there.
func refuseAtProbes(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return status.Errorf(codes.Unimplemented, "there is no call %s at this port, which tells health alone: calls are at the server's port for gRPC (siamese serve --addr)", fault.Quote(method))
}

// answerReady says what health says of the server as a whole.
func (s *Server) answerReady(w http.ResponseWriter, r *http.Request) {
	health, err := s.health.Check(r.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = fmt.Fprintln(w, health.GetStatus()) // a probe that has left reads nothing
}

// Handle answers a pattern of http.ServeMux by handler. It must be called
// before Serve; a pattern that is there already panics, as with http.ServeMux.
func (p *Probes) Handle(pattern string, handler http.Handler) { p.mux.Handle(pattern, handler) }

// Serve answers probes at lis, which it closes, until Close.
func (p *Probes) Serve(lis net.Listener) error {
	p.http.Handler = httpapi.GuardHosts(lis.Addr(), nil, p.http.Handler)
	if err := p.http.Serve(p.port.GuardHTTP(conns.Limit(lis, p.places))); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("server: serve probes at %s: %w", lis.Addr(), err)
	}
	return nil
}

// probesGrace is how long answers under way may take to go out at the end.
const probesGrace = time.Second

// Close ends Serve. Clients that watch health over gRPC are cut off.
func (p *Probes) Close() error {
	p.grpc.Stop() // ends the watches, which would never end by themselves
	ctx, cancel := context.WithTimeout(context.Background(), probesGrace)
	defer cancel()
	if err := p.http.Shutdown(ctx); err != nil {
		return p.http.Close()
	}
	return nil
}
