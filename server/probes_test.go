package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// probed is a server's probes at a port.
type probed struct {
	address string
	probes  *server.Probes
	served  chan error
}

func probe(t *testing.T, s *server.Server, add func(*server.Probes)) *probed {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &probed{address: listener.Addr().String(), probes: s.NewProbes(), served: make(chan error, 1)}
	if add != nil {
		add(p.probes)
	}
	go func() { p.served <- p.probes.Serve(listener) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		p.close(t)
	})
	return p
}

// close may be called again.
func (p *probed) close(t *testing.T) {
	t.Helper()
	if err := p.probes.Close(); err != nil {
		t.Errorf("Close = %v, want none", err)
	}
	err := <-p.served
	if err != nil {
		t.Errorf("Serve = %v, want none", err)
	}
	p.served <- err
}

// get returns the status and the text at a path.
func (p *probed) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + p.address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func (p *probed) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(p.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestProbesNeedNoSecrets: they tell of a server whose calls need a token.
func TestProbesNeedNoSecrets(t *testing.T) {
	r := serve(t, server.Config{Tokens: newTokenBook()}, &fakeModel{})
	p := probe(t, r.server, func(probes *server.Probes) {
		probes.Handle("GET /metrics", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1") }))
	})
	tests := []struct {
		path, want string
		wantStatus int
	}{
		{"/healthz", "ok", http.StatusOK},
		{"/readyz", "SERVING", http.StatusOK},
		{"/metrics", "up 1", http.StatusOK},
		{"/", "404 page not found", http.StatusNotFound},
	}
	for _, tt := range tests {
		if got, text := p.get(t, tt.path); got != tt.wantStatus || text != tt.want {
			t.Errorf("GET %s = %d %q, want %d %q", tt.path, got, text, tt.wantStatus, tt.want)
		}
	}
	conn := p.dial(t)
	for _, service := range []string{"", serviceName} {
		got, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || got.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health of %q over gRPC = %v, %v, want SERVING", service, got, err)
		}
	}
	_, err := pb.NewSiameseServiceClient(conn).GetServerInfo(as(t.Context(), "a-token"), &pb.GetServerInfoRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("a call at the probes' port = %v, want UNIMPLEMENTED", err)
	}
}

// TestProbesFollowTheServer: without a model, and from the drain to the end.
func TestProbesFollowTheServer(t *testing.T) {
	r := serveBare(t, server.Config{DrainDelay: time.Millisecond})
	p := probe(t, r.server, nil)
	watch, err := healthpb.NewHealthClient(p.dial(t)).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || first.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("watched = %v, %v, want NOT_SERVING", first, err)
	}
	type answer struct {
		Status int
		Text   string
	}
	ready := func() (a answer) {
		a.Status, a.Text = p.get(t, "/readyz")
		return a
	}
	notReady := answer{http.StatusServiceUnavailable, "NOT_SERVING"}
	if diff := cmp.Diff(notReady, ready()); diff != "" {
		t.Errorf("/readyz without a model (-want +got):\n%s", diff)
	}
	if got, _ := p.get(t, "/healthz"); got != http.StatusOK {
		t.Errorf("/healthz without a model = %d, want 200: it lives", got)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(notReady, ready()); diff != "" {
		t.Errorf("/readyz of a server that has stopped (-want +got):\n%s", diff)
	}
	p.close(t)
	if _, err := watch.Recv(); err == nil {
		t.Error("the watch goes on after Close, want its end")
	}
}

func TestProbesTellWhenTheirListenerFails(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	probes := s.NewProbes()
	if err := probes.Serve(listener); err == nil || !strings.Contains(err.Error(), "serve probes at 127.0.0.1:") {
		t.Errorf("Serve at a closed listener = %v, want an error that names it", err)
	}
	if err := probes.Close(); err != nil {
		t.Errorf("Close = %v, want none", err)
	}
}

// TestProbesBoundTheCallsOfAConnection: they need no token, and each takes memory even
// where it is refused.
func TestProbesBoundTheCallsOfAConnection(t *testing.T) {
	p := probe(t, serve(t, server.Config{}, &fakeModel{}).server, nil)
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	frame, err := framer.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	settings, ok := frame.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("the first frame is %v, want SETTINGS", frame)
	}
	if got, told := settings.Value(http2.SettingMaxConcurrentStreams); !told || got != 32 {
		t.Errorf("the most calls of a connection = %d, %t, want 32", got, told)
	}
}

// TestProbesReflect: grpcurl list and describe need no file of the contract there; they
// see health and no more.
func TestProbesReflect(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	p := probe(t, r.server, nil)
	conn, err := grpc.NewClient(p.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := listServices(t, conn)
	want := []string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("services (-want +got):\n%s%v", diff, err)
	}
	_, err = pb.NewSiameseServiceClient(conn).Compare(t.Context(), &pb.CompareRequest{})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "at this port, which tells health alone") {
		t.Errorf("Compare = %v, want Unimplemented and where calls are", err)
	}
}
