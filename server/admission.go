package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"strings"

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

// identity is what a call shows of who makes it.
type identity struct {
	authorization []string             // the header's values
	tls           *tls.ConnectionState // nil: plain text
	address       string               // IP address and port
}

// identityOf is that of a call over gRPC.
func identityOf(ctx context.Context) identity {
	shown := identity{authorization: metadata.ValueFromIncomingContext(ctx, authorization)}
	if from, ok := peer.FromContext(ctx); ok {
		shown.address = from.Addr.String()
		if secured, ok := from.AuthInfo.(credentials.TLSInfo); ok {
			shown.tls = &secured.State
		}
	}
	return shown
}

// caller names who calls: the name of the token, where they are asked for, else
// of the certificate, else the address. The word before it keeps the three apart.
func (i identity) caller(tokens Tokens) (string, error) {
	if tokens != nil {
		name, known := tokenName(tokens, i.authorization)
		if !known {
			return "", status.Error(codes.Unauthenticated, unauthenticated)
		}
		return "token " + name, nil
	}
	if i.tls != nil && len(i.tls.VerifiedChains) > 0 {
		return "certificate " + access.CertificateName(i.tls.PeerCertificates[0]), nil
	}
	return i.addressName(), nil
}

func (i identity) addressName() string { return "address " + access.AddressName(i.address) }

// admission is a call that was let in.
type admission struct {
	caller string
	call   *access.Call
}

type admissionKey struct{}

// errNotAdmitted is a call that reached its handler by a way without admission:
// a fault of ours.
var errNotAdmitted = errors.New("the call came by no admission")

// admissionIn returns the admission of a call's context.
func admissionIn(ctx context.Context) (admission, error) {
	admitted, ok := ctx.Value(admissionKey{}).(admission)
	if !ok {
		return admission{}, errNotAdmitted
	}
	return admitted, nil
}

// admit begins a call within its caller's limits and the server's, and returns a
// context with its admission. The call ends with ctx at the latest. Errors: a
// status without details where a token is missing, else *fault.
func (s *Server) admit(ctx context.Context, rpc string, shown identity) (context.Context, error) {
	if isHealth(rpc) {
		return context.WithValue(ctx, admissionKey{}, admission{call: &access.Call{}}), nil
	}
	caller, err := shown.caller(s.cfg.Tokens)
	if err != nil {
		s.logRefusal(ctx, "no valid token", rpc, shown.addressName(), reasonUnauthenticated)
		return ctx, err
	}
	call, err := s.callers.Enter(caller)
	if err != nil {
		refused := faultOf(err)
		s.logRefusal(ctx, "beyond the limits on calls", rpc, caller, refused.reason)
		return ctx, refused
	}
	context.AfterFunc(ctx, call.Leave)
	return context.WithValue(ctx, admissionKey{}, admission{caller: caller, call: call}), nil
}

// logRefusal counts and tells of a call that was not let in. Not above debug:
// anybody could fill the log.
func (s *Server) logRefusal(ctx context.Context, message, rpc, caller, reason string) {
	s.observer.metrics.Refuse(reason) // such a call never begins for the observer
	s.log.LogAttrs(ctx, slog.LevelDebug, message,
		slog.String("rpc", rpc), slog.String("caller", caller), slog.String("reason", reason))
}

// admitHeader admits calls before a byte of their message is taken. Calls over
// HTTP don't come by here.
func (s *Server) admitHeader(ctx context.Context, call *tap.Info) (context.Context, error) {
	return s.admit(ctx, call.FullMethodName, identityOf(ctx))
}

// admitHTTP does so for calls over HTTP, before the body is read.
func (s *Server) admitHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := s.admit(r.Context(), r.URL.Path, identity{
			authorization: r.Header.Values(authorization), tls: r.TLS, address: r.RemoteAddr,
		})
		if err != nil {
			if status.Code(err) == codes.Unauthenticated {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			refuseAs(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// admitUnary ends the call before its answer goes: the caller's next one may come
// at once.
func (s *Server) admitUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	admitted, err := admissionIn(ctx)
	if err != nil {
		return nil, err
	}
	defer admitted.call.Leave()
	return handler(ctx, req)
}

func (s *Server) admitStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	admitted, err := admissionIn(stream.Context())
	if err != nil {
		return err
	}
	defer admitted.call.Leave()
	return handler(srv, &pacedStream{ServerStream: stream, call: admitted.call})
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
