// Package admission lets calls in or refuses them, before a byte of their message
// is taken: by its caller, within that caller's limits and the server's.
package admission

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/tap"

	"siamese/server/access"
	"siamese/server/internal/conns"
	"siamese/server/internal/fault"
	"siamese/server/internal/memory"
	"siamese/server/internal/telemetry"
	"siamese/server/metrics"
)

// MessageTimeout bounds how long a call's first message may take to come: the
// largest one at 2 Mbit/s.
const MessageTimeout = 2 * time.Minute

// Config says who may call and how much. Required but for Tokens, Limits, Streams and
// Metrics.
type Config struct {
	Tokens          Tokens        // nil: no token is needed
	Limits          access.Limits // of one caller
	MaxCalls        int           // of all callers that are under way, streams before they open among them
	MaxMessageBytes int           // of one message, unpacked
	MaxWindow       int           // messages under way on a stream
	Streams         []string      // the full names of the calls that are streams of requests
	Memory          *memory.Budget
	Metrics         *metrics.Metrics
	Log             *slog.Logger
}

// Gate lets calls in. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	callers *access.Callers
	places  *access.Shares // one for each call under way
	probes  *memory.Budget // of the messages of health's calls, which must not wait for others
	watches *access.Places

	mu     sync.Mutex
	shares map[string]*heldShare // of the budget, of the callers with calls under way
}

// heldShare is a caller's share and how many calls hold it.
type heldShare struct {
	memory.Share
	calls int
}

// share returns a caller's share of the budget, and what gives it back.
func (g *Gate) share(caller string) (share *memory.Share, leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.shares[caller]
	if held == nil {
		held = &heldShare{}
		g.shares[caller] = held
	}
	held.calls++
	return &held.Share, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if held.calls--; held.calls == 0 {
			delete(g.shares, caller)
		}
	}
}

// What health may take, since it needs no token and has no limits.
const (
	probesBytes         = 32 << 20
	probeBytes          = 64 << 10 // of one call: callBytes and a message of some kilobytes
	maxWatches          = 256
	maxWatchesOfAddress = 16
)

// callBytes is what a call takes beside its messages: its goroutines, its header.
const callBytes = 16 << 10

// NewWatches returns places for those who watch health.
func NewWatches() *access.Places { return access.NewPlaces(maxWatches, maxWatchesOfAddress) }

// NewGate returns a gate. The error says which of the limits is out of range.
func NewGate(cfg Config) (*Gate, error) {
	callers, err := access.NewCallers(cfg.Limits)
	if err != nil {
		return nil, err
	}
	probes, err := memory.NewBudget(probesBytes)
	if err != nil {
		return nil, err
	}
	return &Gate{
		cfg: cfg, callers: callers, places: access.NewShares(cfg.MaxCalls),
		probes: probes, watches: NewWatches(), shares: make(map[string]*heldShare),
	}, nil
}

// Limits are the limits of one caller that are in force.
func (g *Gate) Limits() access.Limits { return g.callers.Limits() }

// visit is a call that was let in. It lasts until its handler has ended and its
// answer has gone.
type visit struct {
	gate     *Gate
	caller   string
	permit   *access.Permit
	isStream bool   // its place is free once it has begun: streams that are open have a limit of their own
	free     func() // gives its place among all callers back, once

	account    *memory.Account
	leaveShare func()
	stream     *conns.Stream // its place on its connection; nil over HTTP
	http       bool

	// sizes are what the messages of a stream take that may still be under way, the
	// oldest first, and reply what its last reply does. The former is the receiving
	// goroutine's, the latter the sending one's.
	sizes []int64
	reply int64

	// held says that the handler of a stream gives back what its messages take, of which
	// last is the newest's; both are the receiving goroutine's.
	held bool
	last int64

	late *time.Timer // ends a visit that has not begun
	gone func() bool // stops the watch for the end of ctx

	mu      sync.Mutex
	handled bool // its handler has ended
	written bool // its answer has gone

	left sync.Once
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

// Leave says that the answer of ctx's call has gone. It is for calls by Admit; those
// over gRPC are told of by their connection.
func Leave(ctx context.Context) {
	if v, err := visitIn(ctx); err == nil {
		v.leave()
	}
}

// Admit lets a call over HTTP in, and returns a context that it goes on with, or
// refuses it; the caller must Leave what was let in. Errors: a status without details
// where a token is missing, else *[fault.Fault].
// Until it begins, a call ends with ctx, and has MessageTimeout for its message:
// one whose message never comes must not keep its place.
func (g *Gate) Admit(ctx context.Context, rpc string, shown Identity) (context.Context, error) {
	ctx, v, err := g.admit(ctx, rpc, shown)
	if err == nil {
		v.http = true
	}
	return ctx, err
}

// Header admits calls over gRPC; it is for grpc.InTapHandle.
func (g *Gate) Header(ctx context.Context, call *tap.Info) (context.Context, error) {
	if len(call.FullMethodName) > maxMethodBytes { // gRPC would quote it
		return nil, fault.MethodTooLong(call.FullMethodName)
	}
	if size := headerBytes(call.Header); size > MaxHeaderBytes {
		refused := fault.HeaderTooLong(size, MaxHeaderBytes)
		g.refuse(ctx, "too long a header", call.FullMethodName, IdentityOf(ctx).AddressName(), refused.Reason())
		return nil, refused
	}
	ctx, v, err := g.admit(ctx, call.FullMethodName, IdentityOf(ctx))
	if err != nil {
		return ctx, err
	}
	if v.stream = conns.Track(ctx, v); v.stream == nil {
		v.Gone()
	}
	return ctx, nil
}

// maxMethodBytes is more than the longest name of a method has.
const maxMethodBytes = 256

// MaxHeaderBytes bounds a call's header, as its names and values are long.
const MaxHeaderBytes = 32 << 10

func headerBytes(header metadata.MD) int {
	size := 0
	for name, values := range header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}

func (g *Gate) admit(ctx context.Context, rpc string, shown Identity) (context.Context, *visit, error) {
	v, err := g.enter(ctx, rpc, shown)
	if err != nil {
		return ctx, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	v.late = time.AfterFunc(MessageTimeout, cancel)
	v.gone = context.AfterFunc(ctx, func() {
		v.late.Stop()
		v.leave()
	})
	return context.WithValue(ctx, visitKey{}, v), v, nil
}

// enter takes the call's places within its caller's limits and the server's.
// Health has limits of its own.
func (g *Gate) enter(ctx context.Context, rpc string, shown Identity) (*visit, error) {
	if telemetry.IsHealth(rpc) {
		return g.enterHealth(ctx, rpc, shown)
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
	free, ok := g.places.Enter(caller)
	if !ok {
		permit.Leave()
		g.refuse(ctx, "as many calls as the server takes", rpc, caller, fault.ReasonServerBusy)
		return nil, fault.ServerBusy(g.cfg.MaxCalls)
	}
	share, leaveShare := g.share(caller)
	v := &visit{
		gate: g, caller: caller, permit: permit, account: g.cfg.Memory.NewAccount(0, share), leaveShare: leaveShare,
		isStream: slices.Contains(g.cfg.Streams, rpc),
		free:     free,
	}
	if !v.account.Take(callBytes) {
		v.leave()
		g.refuse(ctx, "no memory for another message", rpc, caller, fault.ReasonServerBusy)
		return nil, v.noRoom()
	}
	return v, nil
}

// enterHealth lets in who asks for health, within what is set aside for it.
func (g *Gate) enterHealth(ctx context.Context, rpc string, shown Identity) (*visit, error) {
	v := &visit{
		gate: g, caller: shown.AddressName(), permit: &access.Permit{}, account: g.probes.NewAccount(probeBytes, nil),
		free: func() {}, leaveShare: func() {},
	}
	if rpc == healthpb.Health_Watch_FullMethodName {
		leave, ok := g.watches.Enter(shown.Address)
		if !ok {
			g.refuse(ctx, "too many watch health", rpc, v.caller, fault.ReasonTooManyStreams)
			return nil, TooManyWatches()
		}
		v.free = leave
	}
	if !v.account.Take(callBytes) {
		v.leave()
		g.refuse(ctx, "too many ask for health", rpc, v.caller, fault.ReasonServerBusy)
		return nil, v.noRoom()
	}
	return v, nil
}

// TooManyWatches says that health is watched by as many as NewWatches allows.
func TooManyWatches() error {
	return fault.TooManyWatches(maxWatches, maxWatchesOfAddress)
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
		v.account.Close()
		v.leaveShare()
	})
}

// handlerEnded says that the call's answer is all that is left of it.
func (v *visit) handlerEnded() {
	v.stream.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.handled = true
	if v.written {
		v.leave()
	}
}

// Gone implements conns.Call. A caller that is gone has its place until its handler
// has ended.
func (v *visit) Gone() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.written = true
	if v.handled {
		v.leave()
	}
}

// Received implements conns.Call.
func (v *visit) Received(n int) { v.account.Take(int64(n) * messageCopies) }

// Unary is an interceptor. It holds the call until its answer has gone.
func (g *Gate) Unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	v, err := visitIn(ctx)
	if err != nil {
		return nil, err
	}
	v.begin()
	defer v.handlerEnded()
	reply, err := handler(ctx, req)
	if err != nil {
		return nil, err
	}
	v.account.Keep(callBytes) // the message has been answered
	if !v.account.Take(v.replySize(reply)) {
		return nil, v.noRoom()
	}
	return reply, nil
}

// Stream is an interceptor. It has the stream read no faster than its caller may
// call.
func (g *Gate) Stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	v, err := visitIn(stream.Context())
	if err != nil {
		return err
	}
	defer v.handlerEnded()
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
		err := p.visit.receive(p.ServerStream.RecvMsg, message)
		p.visit.begin()
		return err
	}
	if err := p.visit.permit.Wait(p.Context()); err != nil {
		return err
	}
	return p.visit.receive(p.ServerStream.RecvMsg, message)
}

// SendMsg implements grpc.ServerStream. gRPC sends no reply before most of the one
// before has been written, so the last one is what waits.
func (p *pacedStream) SendMsg(message any) error {
	v := p.visit
	size := v.replySize(message)
	if !v.account.Take(size) {
		return v.noRoom()
	}
	v.stream.Wait()
	err := p.ServerStream.SendMsg(message)
	v.stream.Rest()
	v.account.Give(v.reply)
	v.reply = size
	return err
}
