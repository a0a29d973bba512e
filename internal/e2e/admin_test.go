package e2e_test

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"siamese/client"
	"siamese/internal/proctest"
	adminv1 "siamese/proto/siamese/admin/v1"
	"siamese/server/access/accesstest"
)

// everywhere is an address on all interfaces with a free port; local is the way
// there that stays on this machine.
func everywhere(t *testing.T) (address, local string) {
	t.Helper()
	_, port, err := net.SplitHostPort(proctest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return "0.0.0.0:" + port, "localhost:" + port
}

// askAdmin makes a call of the admin service over a connection of its own.
func askAdmin(t *testing.T, address string, transport grpccredentials.TransportCredentials, options ...grpc.DialOption) codes.Code {
	t.Helper()
	connection, err := grpc.NewClient(address, append(options, grpc.WithTransportCredentials(transport))...)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_, err = adminv1.NewAdminServiceClient(connection).GetStatus(t.Context(), &adminv1.GetStatusRequest{})
	return status.Code(err)
}

// TestAdminBeyondLoopback: operators show a certificate and a token of their
// own; those of callers open nothing, and new files are taken over.
func TestAdminBeyondLoopback(t *testing.T) {
	s, folder := newSecrets(t), t.TempDir()
	operators, successors := accesstest.NewAuthority(t, "operators"), accesstest.NewAuthority(t, "successors")
	ca := accesstest.WriteFile(t, folder, "operators.pem", operators.PEM)
	tokenFile := filepath.Join(folder, "token")
	line, _, _ := proctest.Run(t, "", "token", "olga", "--out", tokenFile)
	tokens := accesstest.WriteFile(t, folder, "tokens", []byte(line))
	address, local := everywhere(t)
	server := s.serveSecured(t, "--http-addr", "", "--admin-addr", address, "--admin-client-ca", ca, "--admin-tokens", tokens, "--credentials-period", "0s")

	var shown string
	over := func(authority *accesstest.Authority) grpccredentials.TransportCredentials {
		return grpccredentials.NewTLS(&tls.Config{
			ServerName: "localhost", RootCAs: s.authority.Pool(), Certificates: []tls.Certificate{authority.Issue(t, "olga").TLS(t)},
			VerifyConnection: func(state tls.ConnectionState) error {
				shown = state.PeerCertificates[0].Subject.CommonName
				return nil
			},
		})
	}
	olga := client.WithToken(strings.TrimSpace(string(proctest.ReadFile(t, tokenFile))))
	camera := client.WithToken(strings.TrimSpace(string(proctest.ReadFile(t, filepath.Join(s.folder, "camera.token")))))
	tests := []struct {
		name  string
		over  grpccredentials.TransportCredentials
		token grpc.DialOption
		want  codes.Code
	}{
		{"an operator", over(operators), olga, codes.OK},
		{"an operator without token", over(operators), grpc.EmptyDialOption{}, codes.Unauthenticated},
		{"an operator with a caller's token", over(operators), camera, codes.Unauthenticated},
		{"a caller's certificate", over(s.authority), olga, codes.Unavailable},
		{"plain text", insecure.NewCredentials(), olga, codes.Unavailable},
	}
	for _, tt := range tests {
		if got := askAdmin(t, local, tt.over, tt.token); got != tt.want {
			t.Errorf("call by %s = %v, want %v", tt.name, got, tt.want)
		}
	}

	s.authority.Issue(t, "second").Write(t, s.folder)
	accesstest.WriteFile(t, folder, "operators.pem", successors.PEM)
	if err := server.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	server.Log.WaitFor(t, "operators.pem\"\n")
	if got := askAdmin(t, local, over(successors), olga); got != codes.OK || shown != "second" {
		t.Errorf("after SIGHUP a call of the new authority's = %v to %q, want OK to %q", got, shown, "second")
	}
	if got := askAdmin(t, local, over(operators), olga); got != codes.Unavailable {
		t.Errorf("after SIGHUP a call of the old authority's = %v, want %v", got, codes.Unavailable)
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	if want := `caller="token olga"`; !strings.Contains(server.Log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, server.Log)
	}
}

// TestAdminOnLoopback is in plain text beside ports that speak TLS, until it is
// asked to look at certificates.
func TestAdminOnLoopback(t *testing.T) {
	s := newSecrets(t)
	tests := []struct {
		name string
		give []string
		want codes.Code
	}{
		{"nothing", nil, codes.OK},
		{"operators' certificates", []string{"--admin-client-ca", filepath.Join(s.folder, "ca.pem")}, codes.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			admin := proctest.FreeAddress(t)
			s.serveSecured(t, slices.Concat([]string{"--http-addr", "", "--admin-addr", admin}, tt.give)...)
			if got := askAdmin(t, admin, insecure.NewCredentials()); got != tt.want {
				t.Errorf("a call in plain text = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAdminInsecureWhenAsked(t *testing.T) {
	address, local := everywhere(t)
	server := proctest.Serve(t, "--http-addr", "", "--admin-addr", address, "--admin-insecure")
	if got := askAdmin(t, local, insecure.NewCredentials()); got != codes.OK {
		t.Errorf("a call in plain text = %v, want OK", got)
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	if want := "whoever reaches the admin service can change what is served"; !strings.Contains(server.Log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, server.Log)
	}
}

func TestAdminRefusesOthersWithoutProof(t *testing.T) {
	s := newSecrets(t)
	cert, tokens, ca := s.server[:4], s.server[7], s.server[5]
	tests := []struct {
		give []string
		want string
	}{
		{nil, "lets other machines change what is served"},
		{[]string{"--insecure"}, "allow it by --admin-insecure"},
		{cert, "give --tls-cert and --tls-key with --admin-client-ca or --admin-tokens"},
		{s.server, "lets other machines change what is served"}, // what callers need is not what operators need
		{[]string{"--admin-tokens", tokens}, "lets other machines change what is served"},
		{[]string{"--admin-client-ca", ca}, "give both --tls-cert and --tls-key"},
	}
	for _, tt := range tests {
		args := slices.Concat([]string{"serve", "--addr=127.0.0.1:0", "--http-addr=", "--log-level=error", "--admin-addr=0.0.0.0:0"}, tt.give)
		_, stderr, code := proctest.Run(t, "", args...)
		if code != 2 || !strings.Contains(stderr, tt.want) {
			t.Errorf("serve %v = %q, exit code %d; want %q and 2", tt.give, stderr, code, tt.want)
		}
		proctest.OneLine(t, stderr)
	}
}
