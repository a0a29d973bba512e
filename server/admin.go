package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	adminpb "siamese/proto/siamese/admin/v1"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/versions"
)

// AdminConfig says who may call the admin service. The zero value lets in
// whoever reaches it.
type AdminConfig struct {
	// TLS is the service's side of TLS; what it asks of clients' certificates
	// decides who may connect. It is not to be changed any more. Nil: plain text.
	TLS *tls.Config

	// Tokens tells whose a bearer token is; calls without a good one, reflection
	// included, are refused with UNAUTHENTICATED. Nil: no token is needed.
	Tokens Tokens

	// Logger takes the log. Default: discards it.
	Logger *slog.Logger
}

// Admin serves siamese.admin.v1.AdminService and reflection: whoever reaches it
// decides what the server answers with. It belongs on a listener of its own. It
// is safe for concurrent use.
type Admin struct {
	grpc   *grpc.Server
	tokens Tokens // nil: none are needed
	log    *slog.Logger
}

// NewAdmin returns an admin service over manager. cfg is copied. The caller must
// Serve it.
func NewAdmin(manager *versions.Manager, cfg AdminConfig) *Admin {
	a := &Admin{tokens: cfg.Tokens, log: cfg.Logger}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	options := []grpc.ServerOption{
		grpc.ConnectionTimeout(connectionTimeout),
		// What a call does to the manager is over when Serve returns.
		grpc.WaitForHandlers(true),
		grpc.InTapHandle(a.admit),
		grpc.UnaryInterceptor(a.explain),
	}
	if cfg.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(cfg.TLS)))
	}
	a.grpc = grpc.NewServer(options...)
	adminpb.RegisterAdminServiceServer(a.grpc, &adminService{manager: manager})
	reflection.Register(a.grpc)
	return a
}

// Serve answers calls that come in at lis until ctx is done; then it cancels
// those under way and returns when they have ended. It closes lis. The error is
// the listener's.
func (a *Admin) Serve(ctx context.Context, lis net.Listener) error {
	a.log.Info("admin service", "address", lis.Addr().String())
	defer context.AfterFunc(ctx, a.grpc.Stop)()
	if err := a.grpc.Serve(lis); err != nil && ctx.Err() == nil {
		return fmt.Errorf("server: serve admin at %s: %w", lis.Addr(), err)
	}
	a.grpc.Stop() // Serve returns before the handlers do
	return nil
}

// admit refuses calls without a good token before a byte of their message is
// taken.
func (a *Admin) admit(ctx context.Context, call *tap.Info) (context.Context, error) {
	if a.tokens == nil {
		return ctx, nil
	}
	if _, err := admission.IdentityOf(ctx).Caller(a.tokens); err != nil {
		// Not below warn: nobody calls here but operators, and who tries to.
		a.log.LogAttrs(ctx, slog.LevelWarn, "admin call without a valid token",
			slog.String("rpc", call.FullMethodName), slog.String("caller", admission.IdentityOf(ctx).AddressName()))
		return ctx, err
	}
	return ctx, nil
}

// explain logs a call with who made it and turns its error or panic into a status. Whoever may
// call is told all there is to tell.
func (a *Admin) explain(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	started := time.Now()
	caller, err := admission.IdentityOf(ctx).Caller(a.tokens)
	if err != nil {
		return nil, err // the token was revoked since admit looked
	}
	err = fault.Guard(func() (err error) {
		resp, err = handler(ctx, req)
		return err
	})
	if err != nil {
		err = adminStatus(err)
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "admin call",
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
