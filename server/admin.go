package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	adminpb "siamese/proto/siamese/admin/v1"
	"siamese/server/versions"
)

// Admin serves siamese.admin.v1.AdminService and reflection: whoever reaches it
// decides what the server answers with. It belongs on a listener of its own. It
// is safe for concurrent use.
type Admin struct {
	grpc *grpc.Server
	log  *slog.Logger
}

// NewAdmin returns an admin service over manager. A nil logger discards the log.
// options are gRPC's, such as credentials. The caller must Serve it.
func NewAdmin(manager *versions.Manager, logger *slog.Logger, options ...grpc.ServerOption) *Admin {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	a := &Admin{log: logger}
	a.grpc = grpc.NewServer(append(options,
		grpc.ConnectionTimeout(connectionTimeout),
		// What a call does to the manager is over when Serve returns.
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(a.explain),
	)...)
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

// explain logs a call and turns its error or panic into a status. Whoever may
// call is told all there is to tell.
func (a *Admin) explain(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	started := time.Now()
	err = guard(func() (err error) {
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
		slog.Float64("ms", float64(time.Since(started))/float64(time.Millisecond)))
	if err != nil {
		return nil, err
	}
	return resp, nil
}
