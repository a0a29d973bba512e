package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"siamese/cmd/internal/cli"
	"siamese/server"
	"siamese/server/admin"
	"siamese/server/metrics"
)

// telemetryFlags say where traces go. Metrics are where health is (--health-addr).
type telemetryFlags struct {
	OTLPEndpoint cli.URL `help:"Sends traces to this URL by OTLP over gRPC, such as http://127.0.0.1:4317. OpenTelemetry's own OTEL_ variables apply. Empty: nowhere." name:"otlp-endpoint" placeholder:"URL"`
}

// flushTimeout is how long the last spans may take to go out.
const flushTimeout = 5 * time.Second

// telemetry is the program's metrics and traces.
type telemetry struct {
	registry *prometheus.Registry  // nil where nobody can ask for it
	traces   *trace.TracerProvider // nil without --otlp-endpoint
	logger   *slog.Logger
}

// openTelemetry makes metrics where there is a port to tell them at, and traces
// where there is an endpoint. The caller must close them.
func (c *Command) openTelemetry(ctx context.Context, logger *slog.Logger) (*telemetry, error) {
	s := &telemetry{logger: logger}
	if c.HealthAddr != "" {
		s.registry = prometheus.NewRegistry()
		s.registry.MustRegister(
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	if c.OTLPEndpoint == "" {
		return s, nil
	}
	var err error
	s.traces, err = c.openTraces(ctx, logger)
	return s, err
}

// openTraces prepares the sending of spans. That nobody listens at the endpoint
// is logged when spans are lost for it, and stops nothing.
func (f telemetryFlags) openTraces(ctx context.Context, logger *slog.Logger) (*trace.TracerProvider, error) {
	endpoint, err := url.Parse(string(f.OTLPEndpoint))
	if err != nil || (endpoint.Scheme != "http" && endpoint.Scheme != "https") || endpoint.Host == "" {
		return nil, cli.Usage(fmt.Errorf("--otlp-endpoint is %q (secrets are not shown), expected a URL such as http://127.0.0.1:4317", f.OTLPEndpoint))
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(string(f.OTLPEndpoint)))
	if err != nil {
		return nil, fmt.Errorf("--otlp-endpoint: %w", err)
	}
	described, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", "siamese"),
			attribute.String("service.version", cli.Version)),
		resource.WithFromEnv()) // the last one wins
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, cli.Usage(fmt.Errorf("traces: %w", err))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces", "err", err) }))
	return trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(described)), nil
}

// configure has the server keep metrics and make spans.
func (s *telemetry) configure(cfg server.Config) server.Config {
	if s.registry != nil { // an interface that holds a nil pointer is not nil
		cfg.Metrics = s.registry
	}
	if s.traces != nil {
		cfg.Traces = s.traces
	}
	return cfg
}

// handle tells the metrics where health is told.
func (s *telemetry) handle(probes *server.Probes) {
	if s.registry != nil {
		probes.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
			ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
		}))
	}
}

// count has the loads of versions counted.
func (s *telemetry) count(models []admin.Model) error {
	if s.registry == nil {
		return nil
	}
	return metrics.CountLoads(s.registry, func() []metrics.Loads {
		var all []metrics.Loads
		for _, model := range models {
			status := model.Versions.Status()
			all = append(all, metrics.Loads{Model: model.Name, Held: status.Loads, Failed: status.FailedLoads})
		}
		return all
	})
}

// close sends the last spans. No call may be in flight.
func (s *telemetry) close() {
	if s.traces == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := s.traces.Shutdown(ctx); err != nil {
		s.logger.Warn("the last spans were not sent", "err", err)
	}
}
