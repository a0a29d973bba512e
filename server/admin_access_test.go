package server_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	adminpb "siamese/proto/siamese/admin/v1"
	"siamese/server"
	"siamese/server/access"
	"siamese/server/access/accesstest"
	"siamese/server/admin"
)

// guardedAdmin is an admin service on a socket.
type guardedAdmin struct {
	address string
	log     *logBuffer
}

// serveAdmin starts one, which ends with the test.
func serveAdmin(t *testing.T, cfg admin.Config) *guardedAdmin {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &guardedAdmin{address: listener.Addr().String(), log: &logBuffer{}}
	cfg.Logger = slog.New(slog.NewTextHandler(a.log, nil))
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	service := newAdmin(serveVersions(t, server.Config{}), cfg)
	go func() { served <- service.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("admin Serve = %v, want none", err)
		}
	})
	return a
}

// ask makes a call and asks for what there is to call.
func (a *guardedAdmin) ask(t *testing.T, transport credentials.TransportCredentials, token string) (call, reflection error) {
	t.Helper()
	conn, err := grpc.NewClient(a.address, grpc.WithTransportCredentials(transport))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := t.Context()
	if token != "" {
		ctx = as(ctx, token)
	}
	_, call = adminpb.NewAdminServiceClient(conn).ListVersions(ctx, &adminpb.ListVersionsRequest{})
	stream, reflection := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if reflection == nil {
		_ = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
		_, reflection = stream.Recv()
	}
	return call, reflection
}

func TestAdminAsksForWhatItIsTold(t *testing.T) {
	ours, operators, folder := accesstest.NewAuthority(t, "ours"), accesstest.NewAuthority(t, "operators"), t.TempDir()
	files := access.CertificateFiles{ClientCA: accesstest.WriteFile(t, folder, "operators.pem", operators.PEM)}
	files.Certificate, files.Key = ours.Issue(t, "server").Write(t, folder)
	certificates, err := access.OpenCertificates(files)
	if err != nil {
		t.Fatal(err)
	}
	over := func(pairs ...accesstest.Pair) credentials.TransportCredentials {
		config := &tls.Config{ServerName: "localhost", RootCAs: ours.Pool()}
		for _, pair := range pairs {
			config.Certificates = append(config.Certificates, pair.TLS(t))
		}
		return credentials.NewTLS(config)
	}
	operator, camera, plain := over(operators.Issue(t, "olga")), over(ours.Issue(t, "camera")), insecure.NewCredentials()
	mutual := admin.Config{TLS: certificates.Config()}
	both := admin.Config{TLS: certificates.Config(), Tokens: newTokenBook()}
	tests := []struct {
		name       string
		config     admin.Config
		transport  credentials.TransportCredentials
		token      string
		want       codes.Code
		wantCaller string
	}{
		{"nothing asked for", admin.Config{}, plain, "", codes.OK, `caller="address 127.0.0.1"`},
		{"an operator's certificate", mutual, operator, "", codes.OK, `caller="certificate olga"`},
		{"one of another authority", mutual, camera, "", codes.Unavailable, ""},
		{"no certificate", mutual, over(), "", codes.Unavailable, ""},
		{"plain text", mutual, plain, "", codes.Unavailable, ""},
		{"a token", admin.Config{Tokens: newTokenBook()}, plain, "a-token", codes.OK, `caller="token ann"`},
		{"no token", admin.Config{Tokens: newTokenBook()}, plain, "", codes.Unauthenticated, `without a valid token" rpc=/siamese.admin.v1.AdminService/ListVersions caller="address 127.0.0.1"`},
		{"a wrong token", admin.Config{Tokens: newTokenBook()}, plain, "c-token", codes.Unauthenticated, "without a valid token"},
		{"certificate and token", both, operator, "a-token", codes.OK, `caller="token ann"`},
		{"certificate without token", both, operator, "", codes.Unauthenticated, "without a valid token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := serveAdmin(t, tt.config)
			call, reflection := a.ask(t, tt.transport, tt.token)
			if status.Code(call) != tt.want || status.Code(reflection) != tt.want {
				t.Errorf("call = %v, reflection = %v; want %v", call, reflection, tt.want)
			}
			if !strings.Contains(a.log.String(), tt.wantCaller) || strings.Contains(a.log.String(), "-token") {
				t.Errorf("the log is to have %q and no token:\n%s", tt.wantCaller, a.log)
			}
		})
	}
}
