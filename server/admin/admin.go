// Package admin serves siamese.admin.v1.AdminService, by which operators load,
// unload and choose the versions of the models that a server serves.
package admin

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	adminpb "siamese/proto/siamese/admin/v1"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/versions"
)

// Config says who may call the admin service. The zero value lets in everyone who
// can connect.
type Config struct {
	// TLS is the service's side of TLS; what it asks of clients' certificates
	// decides who may connect. It must not be changed afterwards. Nil: plain text.
	TLS *tls.Config

	// Tokens tells whose a bearer token is; calls without a valid one, reflection
	// included, are refused with UNAUTHENTICATED. Nil: no token is needed.
	Tokens admission.Tokens

	// Logger takes the log. Default: discards it.
	Logger *slog.Logger
}

// connectionTimeout bounds the handshake.
const connectionTimeout = 20 * time.Second

// Service serves siamese.admin.v1.AdminService and reflection: its callers decide
// what the server answers with. It belongs on a listener of its own. It is safe
// for concurrent use.
type Service struct {
	grpc   *grpc.Server
	tokens admission.Tokens // nil: none are needed
	log    *slog.Logger
}

// Model is a model that operators look after.
type Model struct {
	Name     string // by which calls ask for it
	Versions *versions.Manager
}

// New returns an admin service over models, at least one, which must have names that
// differ. Requests that name no model are about the one that is called base. models and
// cfg are copied. The caller must Serve it.
func New(models []Model, base string, cfg Config) *Service {
	s := &Service{tokens: cfg.Tokens, log: cfg.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	options := []grpc.ServerOption{
		grpc.ConnectionTimeout(connectionTimeout),
		// What a call does to a manager is over when Serve returns.
		grpc.WaitForHandlers(true),
		grpc.ForceServerCodecV2(fault.NewCodec()),
		grpc.InTapHandle(s.admit),
		grpc.UnaryInterceptor(s.explain),
	}
	transport := insecure.NewCredentials()
	if cfg.TLS != nil {
		transport = credentials.NewTLS(cfg.TLS)
	}
	s.grpc = grpc.NewServer(append(options, grpc.Creds(admission.GuardPort(transport, cfg.TLS != nil, s.log)))...)
	adminpb.RegisterAdminServiceServer(s.grpc, &handlers{models: slices.Clone(models), base: base})
	reflection.Register(s.grpc)
	return s
}

// Serve answers calls that come in at lis until ctx is done; then it cancels
// those under way and returns when they have ended. It closes lis. The error is
// the listener's.
func (s *Service) Serve(ctx context.Context, lis net.Listener) error {
	s.log.Info("admin service", "address", lis.Addr().String())
	defer context.AfterFunc(ctx, s.grpc.Stop)()
	if err := s.grpc.Serve(lis); err != nil && ctx.Err() == nil {
		return fmt.Errorf("server: serve admin at %s: %w", lis.Addr(), err)
	}
	s.grpc.Stop() // Serve returns before the handlers do
	return nil
}

// admit refuses calls without a valid token before a byte of their message is
// taken.
func (s *Service) admit(ctx context.Context, call *tap.Info) (context.Context, error) {
	if s.tokens == nil {
		return ctx, nil
	}
	if _, err := admission.IdentityOf(ctx).Caller(s.tokens); err != nil {
		// Not below warn: only operators call here, and those who try to pass for one.
		s.log.LogAttrs(ctx, slog.LevelWarn, "admin call without a valid token",
			slog.String("rpc", call.FullMethodName), slog.String("caller", admission.IdentityOf(ctx).AddressName()))
		return ctx, err
	}
	return ctx, nil
}

// explain logs a call with who made it and turns its error or panic into a status.
// Operators are told all there is to tell.
func (s *Service) explain(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	started := time.Now()
	caller, err := admission.IdentityOf(ctx).Caller(s.tokens)
	if err != nil {
		return nil, err // the token was revoked since admit looked
	}
	err = fault.Guard(func() (err error) {
		if err = fault.Received(req); err == nil {
			resp, err = handler(ctx, req)
		}
		return err
	})
	if err != nil {
		err = statusOf(err)
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "admin call",
		slog.String("rpc", info.FullMethod),
		slog.Any("request", req),
		slog.String("code", status.Code(err).String()),
		slog.Float64("ms", float64(time.Since(started))/float64(time.Millisecond)),
		slog.String("caller", caller))
	if err != nil {
		return nil, err
	}
	return resp, nil
}
