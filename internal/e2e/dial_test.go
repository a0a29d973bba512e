package e2e_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	"siamese/server/access/accesstest"
)

func TestDialFlagsRefuse(t *testing.T) {
	s := newSecrets(t)
	empty := accesstest.WriteFile(t, s.folder, "empty", nil)
	tests := []struct {
		give     []string
		want     string
		wantCode int
	}{
		{[]string{"--server", "example.org:1", "--token-file", s.client[7]}, "would go in plain text to another machine", 2},
		{[]string{"--server", "127.0.0.1:1", "--token-file", empty}, "expected one token", 1},
		{[]string{"--server", "127.0.0.1:1", "--token-file", s.server[1]}, "expected one token", 1},
		{[]string{"--server", "127.0.0.1:1", "--tls-cert", s.client[3]}, "give both --tls-cert and --tls-key", 2},
		{[]string{"--server", "127.0.0.1:1", "--tls-ca", empty}, "received no certificate", 1},
		{[]string{"--server", "127.0.0.1:1", "--tls-ca", filepath.Join(s.folder, "none")}, "no such file", 1},
		{[]string{"--server", "http://127.0.0.1:1", "--tls"}, "means plain text, and --tls", 2},
		{[]string{"--server", "http://example.org", "--token-file", s.client[7]}, "would go in plain text to another machine", 2},
		{[]string{"--server", "ftp://127.0.0.1:1"}, "expected host:port, http://host:port (plain text)", 2},
		{[]string{"--server", "127.0.0.1:port"}, "expected a number from 1 to 65535", 2},
		{[]string{"--server", "http://127.0.0.1:1/v1/"}, `with "/v1" behind the port`, 2},
		{[]string{"--server", "unix:" + filepath.Join(s.folder, "none")}, "no such file", 1},
	}
	for _, tt := range tests {
		_, stderr, code := proctest.Run(t, "", append([]string{"compare", proctest.GlyphA, proctest.GlyphB}, tt.give...)...)
		if code != tt.wantCode || !strings.Contains(stderr, tt.want) {
			t.Errorf("compare %v = %q, exit code %d; want %q and %d", tt.give, stderr, code, tt.want, tt.wantCode)
		}
		proctest.OneLine(t, stderr)
	}
}

// TestAddressesOfServers: as people write them, and the mistakes that a sentence mends.
func TestAddressesOfServers(t *testing.T) {
	s := newSecrets(t)
	secured := s.serveSecured(t, "--http-addr", "")
	page := proctest.FreeAddress(t)
	plain := proctest.Serve(t, "--http-addr", page)
	trusting := s.client[:6] // without the token
	tests := []struct {
		give     []string
		want     string // of standard output, or of the error where the code is not 0
		wantCode int
	}{
		{[]string{"http://" + plain.Address + "/"}, fixture.ScoreAB, 0},
		{[]string{"grpc://" + plain.Address}, fixture.ScoreAB, 0},
		{[]string{plain.Address + "/"}, fixture.ScoreAB, 0},
		{[]string{"http://" + page}, fixture.ScoreAB, 0}, // gRPC at the port for browsers
		{append([]string{"https://" + secured.Address}, s.client...), fixture.ScoreAB, 0},
		{append([]string{"https://" + plain.Address}, trusting...), "the server answers in plain text, expected TLS: write http://", 1},
		{append([]string{plain.Address}, trusting...), "the server answers in plain text, expected TLS: write http://", 1},
		{[]string{"http://" + secured.Address}, "this port speaks TLS: connect by TLS (https://", 1},
		{[]string{secured.Address}, "this port speaks TLS: connect by TLS (https://", 1},
		{[]string{secured.health}, "this port, which tells health alone", 1},
	}
	for _, tt := range tests {
		stdout, stderr, code := proctest.Run(t, "", append([]string{"compare", proctest.GlyphA, proctest.GlyphB, "--server"}, tt.give...)...)
		got := stdout
		if code != 0 {
			got = stderr
			proctest.OneLine(t, stderr)
		}
		if code != tt.wantCode || !strings.Contains(got, tt.want) {
			t.Errorf("compare --server %v = %q, %q, exit code %d; want %q and %d", tt.give, stdout, stderr, code, tt.want, tt.wantCode)
		}
	}
	answer, err := http.Get("http://" + plain.Address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "this port speaks gRPC in plain text, not HTTP/1") {
		t.Errorf("GET at gRPC's port = %d, %q, %v; want 400 and what it speaks", answer.StatusCode, text, err)
	}
}
