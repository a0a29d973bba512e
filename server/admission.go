package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
)

// admission is a call that was let in.
type admission struct {
	caller string
	call   *access.Call
	begin  func() // says that the message is there: the call then lasts until it leaves
	leave  func() // ends the call; may be called more than once
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

// admit lets a call in, and returns a context with its admission, or refuses it.
// Errors: a status without details where a token is missing, else *fault. Until
// it begins, a call ends with ctx, and has readTimeout for its message: one whose
// message never comes must not keep its place.
func (s *Server) admit(ctx context.Context, rpc string, shown identity) (context.Context, error) {
	admitted, err := s.enter(ctx, rpc, shown)
	if err != nil {
		return ctx, err
	}
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(readTimeout, cancel)
	gone := context.AfterFunc(ctx, func() {
		late.Stop()
		admitted.leave()
	})
	begin := admitted.begin
	admitted.begin = func() {
		late.Stop()
		gone()
		begin()
	}
	return context.WithValue(ctx, admissionKey{}, admitted), nil
}

// enter begins a call within its caller's limits and the server's. Health is
// outside of both.
func (s *Server) enter(ctx context.Context, rpc string, shown identity) (admission, error) {
	if telemetry.IsHealth(rpc) {
		return admission{caller: shown.addressName(), call: &access.Call{}, begin: func() {}, leave: func() {}}, nil
	}
	caller, err := shown.caller(s.cfg.Tokens)
	if err != nil {
		s.logRefusal(ctx, "no valid token", rpc, shown.addressName(), fault.ReasonUnauthenticated)
		return admission{}, err
	}
	call, err := s.callers.Enter(caller)
	if err != nil {
		refused := fault.Of(err) // all errors of Enter are in the table
		s.logRefusal(ctx, "beyond its caller's limits", rpc, caller, refused.Reason())
		return admission{}, refused
	}
	if !s.calls.TryAcquire(1) {
		call.Leave()
		s.logRefusal(ctx, "as many calls as the server takes", rpc, caller, fault.ReasonServerBusy)
		return admission{}, fault.ServerBusy(s.cfg.MaxCalls)
	}
	release := sync.OnceFunc(func() { s.calls.Release(1) })
	admitted := admission{caller: caller, call: call, begin: func() {}}
	if rpc == pb.SiameseService_StreamCompare_FullMethodName {
		admitted.begin = release // once it is open, Config.MaxStreams bounds it
	}
	admitted.leave = sync.OnceFunc(func() {
		call.Leave()
		release()
	})
	return admitted, nil
}

// logRefusal counts and tells of a call that was not let in. Not above debug:
// anybody could fill the log.
func (s *Server) logRefusal(ctx context.Context, message, rpc, caller, reason string) {
	s.observer.Metrics().Refuse(reason) // such a call never begins for the observer
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
			} else {
				// Over HTTP/1 an answer before the body's end may be lost with the
				// connection, and who is held to a limit shall know for how long.
				_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, s.maxTextBytes()))
			}
			refuseAs(w, r, err)
			return
		}
		if admitted, err := admissionIn(ctx); err == nil {
			defer admitted.leave() // where it came to no handler
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
	admitted.begin()
	defer admitted.leave()
	return handler(ctx, req)
}

func (s *Server) admitStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	admitted, err := admissionIn(stream.Context())
	if err != nil {
		return err
	}
	defer admitted.leave()
	return handler(srv, &pacedStream{ServerStream: stream, admission: admitted})
}

// pacedStream reads no faster than its caller may call: what the client sends
// beyond that waits with the client. The first message comes with the call.
type pacedStream struct {
	grpc.ServerStream
	admission admission
	opened    bool // the receiving goroutine's alone
}

// RecvMsg implements grpc.ServerStream.
func (p *pacedStream) RecvMsg(message any) error {
	if !p.opened {
		p.opened = true
		err := p.ServerStream.RecvMsg(message)
		p.admission.begin()
		return err
	}
	if err := p.admission.call.Wait(p.Context()); err != nil {
		return err
	}
	return p.ServerStream.RecvMsg(message)
}
