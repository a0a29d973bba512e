// Package admission lets calls in or refuses them, before a byte of their message
// is taken: by its caller, within that caller's limits and the server's.
package admission

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/tap"

	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fault"
	"siamese/server/internal/telemetry"
	"siamese/server/metrics"
)

// MessageTimeout bounds how long a call's first message may take to come: the
// largest one at 2 Mbit/s.
const MessageTimeout = 2 * time.Minute

// Config says who may call and how much.
type Config struct {
	Tokens   Tokens        // nil: no token is needed
	Limits   access.Limits // of one caller
	MaxCalls int           // of all callers that are under way, streams before they open among them; required
	Metrics  *metrics.Metrics
	Log      *slog.Logger // required
}

// Gate lets calls in. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	callers *access.Callers
	places  *semaphore.Weighted // one unit for each call under way
}

// NewGate returns a gate. The error says which of the limits is out of range.
func NewGate(cfg Config) (*Gate, error) {
	callers, err := access.NewCallers(cfg.Limits)
	if err != nil {
		return nil, err
	}
	return &Gate{cfg: cfg, callers: callers, places: semaphore.NewWeighted(int64(cfg.MaxCalls))}, nil
}

// Limits are the limits of one caller that are in force.
func (g *Gate) Limits() access.Limits { return g.callers.Limits() }

// visit is a call that was let in.
type visit struct {
	gate     *Gate
	caller   string
	permit   *access.Permit
	isStream bool // its place is free once it has begun: streams that are open have a limit of their own

	late *time.Timer // ends a visit that has not begun
	gone func() bool // stops the watch for the end of ctx

	freed, left sync.Once
}

type visitKey struct{}

// errNotAdmitted is a call that reached its handler without passing the gate: a
// fault of ours.
var errNotAdmitted = errors.New("the call came by no admission")

func visitIn(ctx context.Context) (*visit, error) {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		return nil, errNotAdmitted
	}
	return v, nil
}

// Caller names the caller of ctx's call; empty where it passed no gate.
func Caller(ctx context.Context) string {
	v, err := visitIn(ctx)
	if err != nil {
		return ""
	}
	return v.caller
}

// Leave ends the call of ctx where no handler has.
func Leave(ctx context.Context) {
	if v, err := visitIn(ctx); err == nil {
		v.leave()
	}
}

// Admit lets a call in, and returns a context that it goes on with, or refuses it.
// Errors: a status without details where a token is missing, else *[fault.Fault].
// Until it begins, a call ends with ctx, and has MessageTimeout for its message:
// one whose message never comes must not keep its place.
func (g *Gate) Admit(ctx context.Context, rpc string, shown Identity) (context.Context, error) {
	v, err := g.enter(ctx, rpc, shown)
	if err != nil {
		return ctx, err
	}
	ctx, cancel := context.WithCancel(ctx)
	v.late = time.AfterFunc(MessageTimeout, cancel)
	v.gone = context.AfterFunc(ctx, func() {
		v.late.Stop()
		v.leave()
	})
	return context.WithValue(ctx, visitKey{}, v), nil
}

// enter takes the call's places within its caller's limits and the server's.
// Health is outside of both.
func (g *Gate) enter(ctx context.Context, rpc string, shown Identity) (*visit, error) {
	if telemetry.IsHealth(rpc) {
		return &visit{caller: shown.AddressName(), permit: &access.Permit{}}, nil
	}
	caller, err := shown.Caller(g.cfg.Tokens)
	if err != nil {
		g.refuse(ctx, "no valid token", rpc, shown.AddressName(), fault.ReasonUnauthenticated)
		return nil, err
	}
	permit, err := g.callers.Enter(caller)
	if err != nil {
		refused := fault.Of(err) // all errors of Enter are in the table
		g.refuse(ctx, "beyond its caller's limits", rpc, caller, refused.Reason())
		return nil, refused
	}
	if !g.places.TryAcquire(1) {
		permit.Leave()
		g.refuse(ctx, "as many calls as the server takes", rpc, caller, fault.ReasonServerBusy)
		return nil, fault.ServerBusy(g.cfg.MaxCalls)
	}
	return &visit{
		gate: g, caller: caller, permit: permit,
		isStream: rpc == pb.SiameseService_StreamCompare_FullMethodName,
	}, nil
}

// refuse counts and tells of a call that was not let in. Not above debug: anybody
// could fill the log.
func (g *Gate) refuse(ctx context.Context, message, rpc, caller, reason string) {
	g.cfg.Metrics.Refuse(reason) // such a call never begins for the observer
	g.cfg.Log.LogAttrs(ctx, slog.LevelDebug, message,
		slog.String("rpc", rpc), slog.String("caller", caller), slog.String("reason", reason))
}

// begin says that the message is there: the call then lasts until it leaves.
func (v *visit) begin() {
	v.late.Stop()
	v.gone()
	if v.isStream {
		v.free()
	}
}

// leave ends the call. It may be called more than once.
func (v *visit) leave() {
	v.left.Do(func() {
		v.permit.Leave()
		v.free()
	})
}

// free gives the call's place among all callers' back.
func (v *visit) free() {
	if v.gate != nil { // not one of health's
		v.freed.Do(func() { v.gate.places.Release(1) })
	}
}

// Header admits calls over gRPC; it is for grpc.InTapHandle.
func (g *Gate) Header(ctx context.Context, call *tap.Info) (context.Context, error) {
	return g.Admit(ctx, call.FullMethodName, IdentityOf(ctx))
}

// Unary is an interceptor. It ends the call before its answer goes: the caller's
// next one may come at once.
func (g *Gate) Unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	v, err := visitIn(ctx)
	if err != nil {
		return nil, err
	}
	v.begin()
	defer v.leave()
	return handler(ctx, req)
}

// Stream is an interceptor. It has the stream read no faster than its caller may
// call.
func (g *Gate) Stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	v, err := visitIn(stream.Context())
	if err != nil {
		return err
	}
	defer v.leave()
	return handler(srv, &pacedStream{ServerStream: stream, visit: v})
}

// pacedStream reads no faster than its caller may call: what the client sends
// beyond that waits with the client. The first message comes with the call.
type pacedStream struct {
	grpc.ServerStream
	visit  *visit
	opened bool // the receiving goroutine's alone
}

// RecvMsg implements grpc.ServerStream.
func (p *pacedStream) RecvMsg(message any) error {
	if !p.opened {
		p.opened = true
		err := p.ServerStream.RecvMsg(message)
		p.visit.begin()
		return err
	}
	if err := p.visit.permit.Wait(p.Context()); err != nil {
		return err
	}
	return p.ServerStream.RecvMsg(message)
}
