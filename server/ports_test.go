package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"siamese/client"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// sayHTTP sends the beginning of a request of HTTP/1 and returns the answer.
func sayHTTP(t *testing.T, conn net.Conn, request string) answer {
	t.Helper()
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// TestHTTPAtGRPCsPort: whatever the method, it is told what the port speaks.
func TestHTTPAtGRPCsPort(t *testing.T) {
	plain := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{}).running
	ports := map[string]*running{"in plain text": plain, "over TLS": serveTLS(t, server.Config{}, false).running}
	for how, r := range ports {
		for _, request := range []string{
			"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
			"POST " + comparePath + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
			"PUT /", "PATCH /", "OPTIONS * HTTP/1.1\r\n", "CONNECT example.org:443 HTTP/1.1\r\n", "HEAD / HTTP/1.0\r\n\r\n",
		} {
			conn, err := r.listener.DialContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := sayHTTP(t, conn, request)
			if want := "this port speaks gRPC " + how + ", not HTTP/1"; got.Status != http.StatusBadRequest || !strings.Contains(got.Body, want) {
				t.Errorf("%.20q = %d %q, want 400 and %q", request, got.Status, got.Body, want)
			}
		}
	}
	plain.checkAnswers(t)
}

// TestPlainTextAtTLSPorts: gRPC and HTTP/1, at both ports.
func TestPlainTextAtTLSPorts(t *testing.T) {
	s := serveTLS(t, server.Config{}, false)
	address := strings.TrimPrefix(s.url, "https://")
	dialers := map[string]func(context.Context, string) (net.Conn, error){
		"gRPC's port": func(ctx context.Context, _ string) (net.Conn, error) { return s.listener.DialContext(ctx) },
		"HTTP's port": func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		},
	}
	for name, dialer := range dialers {
		t.Run(name, func(t *testing.T) {
			conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dialer))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, err = healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "this port speaks TLS: connect by TLS") {
				t.Errorf("a call in plain text = %v, want Unavailable and what the port speaks", err)
			}
		})
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if got := sayHTTP(t, conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "HTTP request to an HTTPS server") {
		t.Errorf("HTTP/1 in plain text = %+v, want 400 and what the port speaks", got)
	}
}

// TestTLSAtPlainPorts: its client says that the server speaks plain text, and the log
// does, once at level info.
func TestTLSAtPlainPorts(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	for range 3 {
		conn, err := client.New("passthrough:///x", client.WithTLS(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: "localhost"}),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return h.listener.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = conn.ServerInfo(t.Context(), "")
		if err == nil || !strings.Contains(err.Error(), "the server answers in plain text, expected TLS: write http://") {
			t.Errorf("a call by TLS = %v, want what the server speaks", err)
		}
	}
	resp, err := h.client.Get(strings.Replace(h.url, "http://", "https://", 1))
	if err == nil {
		_ = resp.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "HTTP response to HTTPS client") {
		t.Errorf("GET by https = %v, want that the server speaks HTTP", err)
	}
	log := h.log.String()
	const words = "a client speaks TLS to a port of plain text"
	if told := strings.Count(log, "level=INFO msg=\""+words); told != 2 || strings.Count(log, words) < 4 {
		t.Errorf("the log has %d lines of level info, want one for each port, and the others at debug:\n%s", told, log)
	}
}

// TestGRPCAtHTTPsPort: unary calls are answered, what is not there is told.
func TestGRPCAtHTTPsPort(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{Page: http.NotFoundHandler()}, &fakeModel{})
	conn, err := grpc.NewClient(strings.TrimPrefix(h.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	service := pb.NewSiameseServiceClient(conn)
	got, err := service.Compare(t.Context(), compareRequest(grayImage(10), grayImage(200)))
	if err != nil {
		t.Fatalf("Compare = %v, want an answer", err)
	}
	if diff := cmp.Diff(graySimilarity(10, 200), got.GetSimilarity(), approx); diff != "" {
		t.Errorf("similarity (-want +got):\n%s", diff)
	}
	if _, err := service.Compare(t.Context(), &pb.CompareRequest{}); failureOf(err).Reason != "IMAGE_UNSET" {
		t.Errorf("Compare of nothing = %v, want IMAGE_UNSET", err)
	}
	stream, err := service.StreamCompare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "call it over gRPC at the server's other port") {
		t.Errorf("StreamCompare = %v, want Unimplemented and where it is", err)
	}
	if _, err := listServices(t, conn); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "gRPC is at the server's other port") {
		t.Errorf("reflection = %v, want Unimplemented and where it is", err)
	}
}

// listServices asks for the services by reflection, as grpcurl list does.
func listServices(t *testing.T, conn *grpc.ClientConn) (names []string, err error) {
	t.Helper()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		return nil, err
	}
	_ = stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}) // Recv tells
	reply, err := stream.Recv()
	for _, service := range reply.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	_ = stream.CloseSend()
	return names, err
}
