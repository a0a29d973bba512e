package e2e_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	"siamese/server/access/accesstest"
)

// secrets are the files of a server that needs certificate and token, and of a
// client that has both.
type secrets struct {
	authority *accesstest.Authority
	folder    string
	server    []string // flags of serve
	client    []string // flags of compare and rank
}

func newSecrets(t *testing.T) *secrets {
	t.Helper()
	s := &secrets{authority: accesstest.NewAuthority(t, "ours"), folder: t.TempDir()}
	ca := accesstest.WriteFile(t, s.folder, "ca.pem", s.authority.PEM)
	cert, key := s.authority.Issue(t, "first").Write(t, s.folder)
	token := filepath.Join(s.folder, "camera.token")
	line, stderr, code := proctest.Run(t, "", "token", "camera", "--out", token)
	if code != 0 || stderr != "" {
		t.Fatalf("token: exit code %d, %s", code, stderr)
	}
	tokens := accesstest.WriteFile(t, s.folder, "tokens", []byte(line))
	ownCert, ownKey := s.authority.Issue(t, "client").Write(t, t.TempDir())
	s.server = []string{"--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca, "--tokens", tokens}
	s.client = []string{"--tls-ca", ca, "--tls-cert", ownCert, "--tls-key", ownKey, "--token-file", token}
	return s
}

// secured is a server whose health is told in plain text at an address of its own.
type secured struct {
	*proctest.Server
	health string
}

// serveSecured starts a server of these secrets and waits until it serves.
func (s *secrets) serveSecured(t *testing.T, args ...string) *secured {
	t.Helper()
	health := proctest.FreeAddress(t)
	args = slices.Concat([]string{"--health-addr", health}, s.server, args)
	return &secured{proctest.ServeWatched(t, proctest.FreeAddress(t), health, args...), health}
}

// TestServeSecured: TLS on both sides and a token, health in plain text, and
// the commands that ask such a server.
func TestServeSecured(t *testing.T) {
	s := newSecrets(t)
	page := proctest.FreeAddress(t)
	server := s.serveSecured(t, "--http-addr", page)
	compare := func(flags ...string) (stdout, stderr string, code int) {
		t.Helper()
		return proctest.Run(t, "", append([]string{"compare", proctest.GlyphA, proctest.GlyphB, "--server", server.Address}, flags...)...)
	}
	if stdout, stderr, code := compare(s.client...); code != 0 || !strings.HasPrefix(stdout, fixture.ScoreAB+" same") {
		t.Errorf("compare with all secrets = %q, %q, exit code %d; want the similarity", stdout, stderr, code)
	}
	if stdout, stderr, code := proctest.Run(t, "", append([]string{"rank", proctest.GlyphA, proctest.GlyphB, "--server", server.Address}, s.client...)...); code != 0 || !strings.Contains(stdout, fixture.ScoreAB) {
		t.Errorf("rank with all secrets = %q, %q, exit code %d; want the similarity", stdout, stderr, code)
	}
	tests := []struct {
		name, want string
		give       []string
	}{
		{"no token", "Unauthenticated", s.client[:6]},
		{"no certificate", "Unavailable", append(s.client[:2:2], s.client[6:]...)},
		{"plain text", "Unavailable", nil},
	}
	for _, tt := range tests {
		_, stderr, code := compare(tt.give...)
		if code != 1 || !strings.Contains(stderr, tt.want) {
			t.Errorf("compare with %s = %q, exit code %d; want %q and 1", tt.name, stderr, code, tt.want)
		}
		proctest.OneLine(t, stderr)
	}
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "SERVING\n"} {
		if got := getText(t, "http://"+server.health+path); got != want {
			t.Errorf("GET %s = %q, want %q", path, got, want)
		}
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	if want := "url=https://" + page + "/"; !strings.Contains(server.Log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, server.Log)
	}
	token := strings.TrimSpace(string(proctest.ReadFile(t, filepath.Join(s.folder, "camera.token"))))
	if strings.Contains(server.Log.String(), token) {
		t.Errorf("the log has the token:\n%s", server.Log)
	}
}

func getText(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestServeReloadsOnHangUp: new files are taken over while the server runs, and
// a bad one is told and changes nothing.
func TestServeReloadsOnHangUp(t *testing.T) {
	s := newSecrets(t)
	server := s.serveSecured(t, "--credentials-period", "0s", "--http-addr", "")
	shown := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", server.Address, &tls.Config{RootCAs: s.authority.Pool(), ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	hangUp := func(want string) {
		t.Helper()
		if err := server.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		server.Log.WaitFor(t, want)
	}
	if got := shown(); got != "first" {
		t.Fatalf("the server showed %q, want %q", got, "first")
	}
	s.authority.Issue(t, "second").Write(t, s.folder)
	hangUp("msg=reloaded source=\"certificate")
	if got := shown(); got != "second" {
		t.Errorf("after SIGHUP the server showed %q, want %q", got, "second")
	}
	if err := os.Truncate(filepath.Join(s.folder, "key.pem"), 10); err != nil {
		t.Fatal(err)
	}
	hangUp("level=ERROR msg=\"not reloaded")
	if got := shown(); got != "second" {
		t.Errorf("with a broken key the server showed %q, want %q", got, "second")
	}
	line, _, _ := proctest.Run(t, "", "token", "another")
	accesstest.WriteFile(t, s.folder, "tokens", []byte(line))
	hangUp("msg=reloaded source=\"tokens")
	_, stderr, code := proctest.Run(t, "", append([]string{"compare", proctest.GlyphA, proctest.GlyphB, "--server", server.Address}, s.client...)...)
	if code != 1 || !strings.Contains(stderr, "Unauthenticated") {
		t.Errorf("compare by a token that was revoked = %q, exit code %d; want Unauthenticated", stderr, code)
	}
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
}

func TestServeRefusesPlainTextForOthers(t *testing.T) {
	s := newSecrets(t)
	none := filepath.Join(s.folder, "none.pem")
	tests := []struct {
		give     []string
		want     string
		wantCode int
	}{
		{[]string{"--addr", "0.0.0.0:0"}, "takes calls from other machines, and they would be in plain text: give --tls-cert and --tls-key, keep to 127.0.0.1, or allow it by --insecure", 2},
		{[]string{"--addr", ":0"}, "--addr [::]:", 2},
		{[]string{"--addr", "127.0.0.1:0", "--http-addr", "0.0.0.0:0"}, "--http-addr ", 2},
		{[]string{"--addr", "127.0.0.1:0", "--tls-cert", s.server[1]}, "give both --tls-cert and --tls-key", 2},
		{[]string{"--addr", "127.0.0.1:0", "--tls-client-ca", s.server[5]}, "give both --tls-cert and --tls-key", 2},
		{[]string{"--addr", "127.0.0.1:0", "--tls-cert", none, "--tls-key", none}, "none.pem: no such file", 1},
		{[]string{"--addr", "127.0.0.1:0", "--tokens", none}, "none.pem: no such file", 1},
		{[]string{"--addr", "127.0.0.1:0", "--tokens", s.client[1]}, "line 1: received a line without a colon", 1},
		{[]string{"--addr", "127.0.0.1:0", "--caller-rate=-1"}, "CallsPerSecond is -1", 2},
		{[]string{"--addr", "127.0.0.1:0", "--health-addr", "nowhere"}, "--health-addr: ", 1},
	}
	for _, tt := range tests {
		_, stderr, code := proctest.Run(t, "", append([]string{"serve", "--http-addr=", "--log-level=error"}, tt.give...)...)
		if code != tt.wantCode || !strings.Contains(stderr, tt.want) {
			t.Errorf("serve %v = %q, exit code %d; want %q and %d", tt.give, stderr, code, tt.want, tt.wantCode)
		}
		proctest.OneLine(t, stderr)
	}
}

// TestServeInsecureWhenAsked: as in a container, whose port is on all its
// addresses.
func TestServeInsecureWhenAsked(t *testing.T) {
	line, _, _ := proctest.Run(t, "", "token", "camera")
	tokens := accesstest.WriteFile(t, t.TempDir(), "tokens", []byte(line))
	server := proctest.Serve(t, "--insecure", "--tokens", tokens, "--http-addr", "0.0.0.0:0")
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	if want := "tokens go in plain text"; !strings.Contains(server.Log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, server.Log)
	}
}
