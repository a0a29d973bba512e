package serve

import (
	"context"
	"log/slog"

	"siamese/server"
)

// probeFlags say where the server's health can be asked for.
type probeFlags struct {
	HealthAddr string `help:"Serves health at this address in plain text, without token: gRPC health, /healthz, /readyz and /metrics. Empty: only beside the calls." placeholder:"ADDR"`
}

// serveProbes answers probes until the returned function has been called, which
// is to be after the server has stopped.
func (f probeFlags) serveProbes(ctx context.Context, service *server.Server, telemetry *telemetry, logger *slog.Logger) (stop func(), err error) {
	if f.HealthAddr == "" {
		return func() {}, nil
	}
	listener, err := listen(ctx, "--health-addr", f.HealthAddr)
	if err != nil {
		return nil, err
	}
	probes := service.NewProbes()
	telemetry.handle(probes)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := probes.Serve(listener); err != nil {
			logger.Error("health is told no longer", "err", err)
		}
	}()
	logger.Info("health", "address", addressOf(listener.Addr()))
	return func() {
		if err := probes.Close(); err != nil {
			logger.Warn("health was not closed cleanly", "err", err)
		}
		<-done
	}, nil
}
