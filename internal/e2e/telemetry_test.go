package e2e_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"siamese/internal/proctest"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// tracesServer takes spans by OTLP.
type tracesServer struct {
	collector.UnimplementedTraceServiceServer
	mu       sync.Mutex
	services []string
	spans    []string
}

func (s *tracesServer) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range req.GetResourceSpans() {
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				s.services = append(s.services, attribute.GetValue().GetStringValue())
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s.spans = append(s.spans, span.GetName())
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func collectTraces(t *testing.T) (*tracesServer, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := &tracesServer{}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, taken)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return taken, "http://" + listener.Addr().String()
}

func TestServeTellsMetricsAndSendsTraces(t *testing.T) {
	taken, endpoint := collectTraces(t)
	health := proctest.FreeAddress(t)
	p := proctest.Serve(t, "--model", "omniglot", "--health-addr", health, "--otlp-endpoint", endpoint, "--log-level", "debug")
	if _, stderr, code := proctest.Run(t, "", "compare", "--server", p.Address, proctest.GlyphA, proctest.GlyphB); code != 0 {
		t.Fatalf("compare = code %d: %s", code, stderr)
	}
	for _, want := range []string{
		"siamese_serving 1",
		`grpc_server_started_total{grpc_method="Compare",grpc_service="siamese.v1.SiameseService",grpc_type="unary"} 1`,
		`siamese_model_loads_total{model="omniglot",result="ok"} 1`,
		`siamese_model_info{default="true",digest="`,
		`siamese_images_encoded_total{model="omniglot"} 2`,
		"siamese_resident_outside_go_bytes ",
		`tensorflow_version="2.`,
		"process_resident_memory_bytes ",
	} {
		if text := proctest.Metrics(t, health); !strings.Contains(text, want) {
			t.Errorf("/metrics has no %q:\n%s", want, text)
		}
	}
	if code := p.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("code %d, want 0:\n%s", code, p.Log)
	}
	taken.mu.Lock()
	defer taken.mu.Unlock()
	if len(taken.services) == 0 || taken.services[0] != "siamese" {
		t.Errorf("spans of services %q, want siamese", taken.services)
	}
	for _, want := range []string{"siamese.v1.SiameseService/Compare", "receive", "decode", "queue", "encode", "compare", "send"} {
		if !slices.Contains(taken.spans, want) {
			t.Errorf("spans %q, want %q among them", taken.spans, want)
		}
	}
	if log := p.Log.String(); !strings.Contains(log, "trace_id=") || !strings.Contains(log, "request_id=") {
		t.Errorf("the log has no trace_id and request_id:\n%s", log)
	}
}

func TestBadEndpointIsRefused(t *testing.T) {
	// What is no URL may be a secret.
	for give, shown := range map[string]string{
		"localhost:4317": "localhost:4317", "ftp://user:secret@localhost": "ftp://xxxxx@localhost", "http://": "xxxxx", "::": "xxxxx",
	} {
		_, stderr, code := proctest.Run(t, "", "serve", "--addr", "127.0.0.1:0", "--http-addr", "", "--otlp-endpoint", give)
		want := "siamese: --otlp-endpoint is \"" + shown + "\" (secrets are not shown), expected a URL such as http://127.0.0.1:4317\n"
		if code != 2 || !strings.HasSuffix(stderr, want) {
			t.Errorf("--otlp-endpoint %s = code %d, %q, want 2, %q", give, code, stderr, want)
		}
	}
}

// A collector that is away must not hold up the start, a call or the stop.
func TestEndpointThatIsAwayIsLogged(t *testing.T) {
	p := proctest.Serve(t, "--otlp-endpoint", "http://"+proctest.FreeAddress(t))
	if _, stderr, code := proctest.Run(t, "", "compare", "--server", p.Address, proctest.GlyphA, proctest.GlyphB); code != 0 {
		t.Fatalf("compare = code %d: %s", code, stderr)
	}
	code := p.Signal(t, syscall.SIGTERM)
	logged := strings.Contains(p.Log.String(), "the last spans were not sent") || strings.Contains(p.Log.String(), "msg=traces")
	if diff := cmp.Diff([]any{0, true}, []any{code, logged}); diff != "" {
		t.Errorf("code, whether it is logged (-want +got):\n%s\n%s", diff, p.Log)
	}
}
