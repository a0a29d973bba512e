package dial_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"siamese/cmd/internal/dial"
	"siamese/server/access/accesstest"
)

const token = "siamese_secret"

// serve answers health to callers who show the token, over the given transport.
func serve(t *testing.T, transport credentials.TransportCredentials) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.Creds(transport), grpc.UnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if got := metadata.ValueFromIncomingContext(ctx, "authorization"); len(got) != 1 || got[0] != "Bearer "+token {
				return nil, status.Errorf(codes.Unauthenticated, "received %q", got)
			}
			return handler(ctx, req)
		}))
	healthpb.RegisterHealthServer(s, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
	})
	return listener.Addr().String()
}

// check calls a server as the flags say.
func check(t *testing.T, address string, flags dial.Flags) error {
	t.Helper()
	options, err := flags.Options(address)
	if err != nil {
		t.Fatalf("Options: %v", err)
	}
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, options...)
	connection, err := grpc.NewClient(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_, err = healthpb.NewHealthClient(connection).Check(t.Context(), &healthpb.HealthCheckRequest{})
	return err
}

func TestOptionsReachTheServer(t *testing.T) {
	ours, clients, folder := accesstest.NewAuthority(t, "ours"), accesstest.NewAuthority(t, "clients"), t.TempDir()
	secret := accesstest.WriteFile(t, folder, "token", []byte(token+"\n"))
	ca := accesstest.WriteFile(t, folder, "ca.pem", ours.PEM)
	cert, key := clients.Issue(t, "camera").Write(t, folder)
	plain := serve(t, insecure.NewCredentials())
	mutual := serve(t, credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{ours.Issue(t, "server").TLS(t)},
		ClientCAs:    clients.Pool(),
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}))
	tests := []struct {
		name   string
		server string
		give   dial.Flags
		want   codes.Code
	}{
		{"plain text", plain, dial.Flags{TokenFile: secret}, codes.OK},
		{"plain text without token", plain, dial.Flags{}, codes.Unauthenticated},
		{"all", mutual, dial.Flags{TLSCA: ca, TLSCert: cert, TLSKey: key, TokenFile: secret}, codes.OK},
		{"no token", mutual, dial.Flags{TLSCA: ca, TLSCert: cert, TLSKey: key}, codes.Unauthenticated},
		{"no certificate", mutual, dial.Flags{TLSCA: ca, TokenFile: secret}, codes.Unavailable},
		{"the system's authorities", mutual, dial.Flags{TLS: true, TLSCert: cert, TLSKey: key}, codes.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := check(t, tt.server, tt.give); status.Code(err) != tt.want {
				t.Errorf("a call ended with %v, want %v", err, tt.want)
			}
		})
	}
}

func TestOptionsRefuse(t *testing.T) {
	folder := t.TempDir()
	none := filepath.Join(folder, "none")
	empty := accesstest.WriteFile(t, folder, "empty", nil)
	two := accesstest.WriteFile(t, folder, "two", []byte(token+"\n"+token+"\n"))
	tests := []struct {
		name      string
		give      dial.Flags
		want      string
		wantFlags bool // whether the flags are at fault
	}{
		{"a token in plain text", dial.Flags{TokenFile: none}, "would go in plain text to another machine", true},
		{"a certificate without its key", dial.Flags{TLSCert: empty}, "give both --tls-cert and --tls-key", true},
		{"a key without its certificate", dial.Flags{TLSKey: empty}, "give both --tls-cert and --tls-key", true},
		{"no authority", dial.Flags{TLSCA: empty}, "--tls-ca: received no certificate", false},
		{"no such authority", dial.Flags{TLSCA: none}, "--tls-ca: open ", false},
		{"no such certificate", dial.Flags{TLSCert: none, TLSKey: none}, "--tls-cert: open ", false},
		{"no token", dial.Flags{TLS: true, TokenFile: empty}, "--token-file: received 0 bytes", false},
		{"two tokens", dial.Flags{TLS: true, TokenFile: two}, "expected one token and nothing else", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.give.Options("example.org:50051")
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), token) {
				t.Fatalf("Options = %v, want %q and no token", err, tt.want)
			}
			if _, flags := errors.AsType[*dial.FlagError](err); flags != tt.wantFlags {
				t.Errorf("Options = %T, want a FlagError: %t", err, tt.wantFlags)
			}
		})
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"localhost:1": true, "127.0.0.1:1": true, "127.8.0.1": true, "[::1]:1": true, "::1": true,
		"0.0.0.0:1": false, "[::]:1": false, ":1": false, "example.org:1": false, "localhost.example.org:1": false,
	} {
		if got := dial.IsLoopback(address); got != want {
			t.Errorf("IsLoopback(%q) = %t, want %t", address, got, want)
		}
	}
}
