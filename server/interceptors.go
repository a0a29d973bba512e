package server

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"siamese/server/internal/admission"
	"siamese/server/internal/conns"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
)

// What a connection may cost and how a lost one is noticed.
const (
	// maxConcurrentStreams bounds the calls under way on one connection.
	maxConcurrentStreams = 250

	// connectionTimeout bounds the handshake; gRPC's own two minutes invite
	// connections that never say anything.
	connectionTimeout = 20 * time.Second

	// pingAfter and pingTimeout find peers that vanished without a word: a
	// stream may be silent for long, so that nothing else would tell.
	pingAfter   = time.Minute
	pingTimeout = 20 * time.Second

	// minPing is how often clients may ping. gRPC's own five minutes would cut
	// off clients that keep a connection alive through a NAT.
	minPing = 10 * time.Second

	// maxHeaderListBytes is what gRPC reads of a header, so that the gate can refuse
	// the call alone; beyond that gRPC gives up on the connection with all its calls.
	maxHeaderListBytes = 1 << 20
)

// port is what the server's ports for calls speak.
func (s *Server) port() *conns.Port { return &conns.Port{TLS: s.cfg.TLS != nil, Log: s.log} }

// options are the gRPC server's options. Of the interceptors the first is the
// outermost.
func (s *Server) options() []grpc.ServerOption {
	transport := insecure.NewCredentials()
	if s.cfg.TLS != nil {
		transport = credentials.NewTLS(s.cfg.TLS)
	}
	return append(admission.Options(),
		grpc.Creds(conns.NewCredentials(s.port().GuardGRPC(transport), s.cfg.StallTimeout)),
		grpc.ReadBufferSize(0), // as conns.Credentials needs it
		grpc.MaxRecvMsgSize(s.cfg.MaxMessageBytes),
		grpc.MaxSendMsgSize(s.cfg.MaxMessageBytes),
		grpc.MaxConcurrentStreams(maxConcurrentStreams),
		grpc.MaxHeaderListSize(maxHeaderListBytes),
		grpc.ConnectionTimeout(connectionTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout, MaxConnectionAge: s.cfg.MaxConnectionAge}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		// The model may be closed once Serve has returned: no handler may still
		// be in it.
		grpc.WaitForHandlers(true),
		grpc.ChainUnaryInterceptor(s.observer.Unary, s.logUnary, s.deadlineUnary, s.explainUnary, s.gate.Unary),
		grpc.ChainStreamInterceptor(s.observer.Stream, s.logStream, s.explainStream, s.gate.Stream, s.endForeignStream),
		grpc.InTapHandle(s.gate.Header),
		grpc.StatsHandler(s.observer),
	)
}

func (s *Server) logUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	started := time.Now()
	resp, err := handler(ctx, req)
	s.logCall(ctx, info.FullMethod, started, err)
	return resp, err
}

func (s *Server) logStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	started := time.Now()
	err := handler(srv, stream)
	s.logCall(stream.Context(), info.FullMethod, started, err)
	return err
}

func (s *Server) logCall(ctx context.Context, rpc string, started time.Time, err error) {
	if !s.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	s.log.LogAttrs(ctx, slog.LevelDebug, "call",
		slog.String("rpc", rpc),
		slog.String("code", status.Code(err).String()),
		slog.Float64("ms", float64(time.Since(started))/float64(time.Millisecond)),
		slog.String("caller", admission.Caller(ctx)))
}

// deadlineUnary gives a call its deadline where the caller set none, and bounds it
// where the caller did.
func (s *Server) deadlineUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	allowed := s.cfg.MaxDeadline
	if _, ok := ctx.Deadline(); !ok {
		allowed = s.cfg.DefaultDeadline
	}
	ctx, cancel := context.WithTimeout(ctx, allowed) // keeps an earlier one
	defer cancel()
	return handler(ctx, req)
}

// explainUnary turns errors and panics into statuses.
func (s *Server) explainUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	err = fault.Guard(func() (err error) {
		resp, err = handler(ctx, req)
		return err
	})
	if err != nil {
		return nil, s.explainer.Status(ctx, info.FullMethod, err)
	}
	return resp, nil
}

// explainStream is explainUnary for streams.
func (s *Server) explainStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	err := fault.Guard(func() error { return handler(srv, stream) })
	if err != nil {
		return s.explainer.Status(stream.Context(), info.FullMethod, err)
	}
	return nil
}

// endForeignStream ends the streams of health and reflection when the server
// drains: they would never end by themselves and hold up the stop. Reflection has
// a call's default deadline, since its streams take calls' places. Their
// handlers may block in Recv, which only the end of the RPC interrupts, and so
// run in a goroutine that outlives it by a moment; Serve waits for it.
func (s *Server) endForeignStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if slices.Contains(streamMethods, info.FullMethod) {
		return handler(srv, stream)
	}
	ended := make(chan error, 1) // never blocks the handler's goroutine
	s.work.Go(func() {
		ended <- fault.Guard(func() error { return handler(srv, stream) })
	})
	var late <-chan time.Time
	if !telemetry.IsHealth(info.FullMethod) { // which is watched for as long as its client lives
		timer := time.NewTimer(s.cfg.DefaultDeadline)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case err := <-ended:
		return err
	case <-late:
		return fault.DeadlineExceeded()
	case <-s.draining:
		return fault.Draining()
	}
}
