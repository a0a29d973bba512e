package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"siamese/server/access"
)

// Tokens tells whose a bearer token is. It must be safe for concurrent use and
// quick: it is asked while a connection waits.
type Tokens interface {
	// Name returns the name that a token was given to, or false for one that
	// opens nothing.
	Name(token string) (name string, known bool)
}

// unauthenticated is what a caller without a good token is told: not why.
const unauthenticated = "a valid bearer token is needed, in the header authorization"

// authorization is the header of tokens, as gRPC spells it.
const authorization = "authorization"

// isHealth tells whether a call is one of health's. They need no token and are
// not counted, since probes have no secrets; they tell nothing else.
func isHealth(rpc string) bool {
	return strings.HasPrefix(rpc, "/"+healthpb.Health_ServiceDesc.ServiceName+"/")
}

// tokenName returns whose token the headers carry, or false without a good one.
func tokenName(tokens Tokens, headers []string) (name string, known bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return tokens.Name(strings.TrimSpace(token))
}

// admitHeader refuses calls without a good token before a byte of their message
// is taken. Calls over HTTP don't come by here.
func (s *Server) admitHeader(ctx context.Context, call *tap.Info) (context.Context, error) {
	if s.cfg.Tokens == nil || isHealth(call.FullMethodName) {
		return ctx, nil
	}
	if _, known := tokenName(s.cfg.Tokens, call.Header.Get(authorization)); !known {
		var address string
		if from, ok := peer.FromContext(ctx); ok {
			address = from.Addr.String()
		}
		s.logUnauthenticated(ctx, call.FullMethodName, address)
		return ctx, status.Error(codes.Unauthenticated, unauthenticated)
	}
	return ctx, nil
}

// admitHTTP does so for calls over HTTP, before the body is read.
func (s *Server) admitHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.Tokens != nil && !isHealth(r.URL.Path) {
			if _, known := tokenName(s.cfg.Tokens, r.Header.Values(authorization)); !known {
				s.logUnauthenticated(r.Context(), r.URL.Path, r.RemoteAddr)
				w.Header().Set("WWW-Authenticate", "Bearer")
				refuse(w, r, connect.CodeUnauthenticated, unauthenticated)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// logUnauthenticated tells of a call that was refused for its token. Not above
// debug: anybody could fill the log.
func (s *Server) logUnauthenticated(ctx context.Context, rpc, address string) {
	s.observer.metrics.Refuse(reasonUnauthenticated) // such a call never begins for the observer
	s.log.LogAttrs(ctx, slog.LevelDebug, "no valid token",
		slog.String("rpc", rpc), slog.String("caller", "address "+access.AddressName(address)))
}

// callerOf names who calls: the name of the token, where they are asked for, else
// of the certificate, else the address. The word before it keeps the three apart.
func callerOf(ctx context.Context, tokens Tokens) (string, error) {
	if tokens != nil {
		name, known := tokenName(tokens, metadata.ValueFromIncomingContext(ctx, authorization))
		if !known {
			return "", status.Error(codes.Unauthenticated, unauthenticated)
		}
		return "token " + name, nil
	}
	from, ok := peer.FromContext(ctx)
	if !ok {
		return "", nil
	}
	if secured, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(secured.State.VerifiedChains) > 0 {
		return "certificate " + access.CertificateName(secured.State.PeerCertificates[0]), nil
	}
	return "address " + access.AddressName(from.Addr.String()), nil
}

// admit begins a call of a known caller within its limits. Who began it must
// Leave it.
func (s *Server) admit(ctx context.Context, rpc string) (*access.Call, error) {
	if isHealth(rpc) {
		return &access.Call{}, nil
	}
	caller, err := callerOf(ctx, s.cfg.Tokens)
	if err != nil {
		return nil, err
	}
	return s.callers.Enter(caller)
}

func (s *Server) admitUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	call, err := s.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	defer call.Leave()
	return handler(ctx, req)
}

func (s *Server) admitStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	call, err := s.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	defer call.Leave()
	return handler(srv, &pacedStream{ServerStream: stream, call: call})
}

// pacedStream reads no faster than its caller may call: what the client sends
// beyond that waits with the client. The first message comes with the call.
type pacedStream struct {
	grpc.ServerStream
	call   *access.Call
	opened bool // the receiving goroutine's alone
}

// RecvMsg implements grpc.ServerStream.
func (p *pacedStream) RecvMsg(message any) error {
	if p.opened {
		if err := p.call.Wait(p.Context()); err != nil {
			return err
		}
	}
	p.opened = true
	return p.ServerStream.RecvMsg(message)
}
