package server_test

import (
	"context"
	"net"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// BenchmarkCachedCompare is what a call costs of which the images are known:
// the network is a fake, so nearly all of it is the way there and back.
func BenchmarkCachedCompare(b *testing.B) {
	tests := []struct {
		name string
		give func(*server.Config)
	}{
		{"neither", func(*server.Config) {}},
		{"metrics", func(c *server.Config) { c.Metrics = prometheus.NewRegistry() }},
		{"metrics and traces of one call in 100", func(c *server.Config) {
			c.Metrics, c.Traces = prometheus.NewRegistry(), traces(b, trace.TraceIDRatioBased(.01))
		}},
		{"metrics and traces of every call", func(c *server.Config) {
			c.Metrics, c.Traces = prometheus.NewRegistry(), traces(b, trace.AlwaysSample())
		}},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			cfg := server.Config{CacheBytes: 1 << 20}
			tt.give(&cfg)
			benchmarkCompare(b, cfg, oneModel(modelInfo), compareRequest(grayImage(10), grayImage(200)))
		})
	}
}

// BenchmarkCompare is what a call costs of which both images have to be decoded and
// encoded, by how its model is found: the networks are fakes, so that it is all that
// comes on top of their time.
func BenchmarkCompare(b *testing.B) {
	known, foreign := compareRequest(grayImage(10), grayImage(100)), compareRequest(grayImage(240), grayImage(250))
	choice := server.Config{Models: []string{"dark", "light"}, AutoModels: []string{"dark", "light"}, DefaultModel: server.Auto}
	tests := []struct {
		name   string
		cfg    server.Config
		models func(*server.Server) error
		give   *pb.CompareRequest
	}{
		{"one model", server.Config{}, oneModel(modelInfo), known},
		{"one that tells familiarity", server.Config{}, oneModel(darkInfo()), known},
		{"auto, images that the first knows", choice, addTwoModels, known},
		{"auto, images that are foreign to the first", choice, addTwoModels, foreign},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) { benchmarkCompare(b, tt.cfg, tt.models, tt.give) })
	}
}

// oneModel gives a server the fake network.
func oneModel(info server.ModelInfo) func(*server.Server) error {
	return func(s *server.Server) error { return setModel(s, &fakeModel{}, info) }
}

// addTwoModels gives a server the networks that auto chooses from.
func addTwoModels(s *server.Server) error { return addAuto(s, &fakeModel{}, &lightModel{}) }

// traces are spans that go nowhere, by the way that they would go.
func traces(b *testing.B, sampler trace.Sampler) *trace.TracerProvider {
	provider := trace.NewTracerProvider(trace.WithSampler(sampler), trace.WithBatcher(tracetest.NewNoopExporter()))
	b.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider
}

func benchmarkCompare(b *testing.B, cfg server.Config, models func(*server.Server) error, request *pb.CompareRequest) {
	s, err := server.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	if err := models(s); err != nil {
		b.Fatal(err)
	}
	listener := bufconn.Listen(bufferBytes)
	ctx, cancel := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		b.Fatal(err)
	}
	client := pb.NewSiameseServiceClient(conn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Compare(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
	_ = conn.Close()
	cancel()
	if err := <-served; err != nil {
		b.Error(err)
	}
}
