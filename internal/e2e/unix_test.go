package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"siamese/client"
	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
	"siamese/server/access/accesstest"
)

// socketFolder is a folder whose path is short enough for sockets.
func socketFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// TestServeOnUnixSockets: both ports, asked by every command, by the Go client with a
// token in plain text, over HTTP, and by the real grpcurl.
func TestServeOnUnixSockets(t *testing.T) {
	folder := socketFolder(t)
	socket, page := "unix:"+filepath.Join(folder, "grpc.sock"), filepath.Join(folder, "http.sock")
	token := filepath.Join(folder, "token")
	line, _, _ := proctest.Run(t, "", "token", "camera", "--out", token)
	tokens := accesstest.WriteFile(t, folder, "tokens", []byte(line))
	server := proctest.ServeAt(t, socket, "--http-addr", "unix:"+page, "--tokens", tokens)
	for _, path := range []string{filepath.Join(folder, "grpc.sock"), page} {
		if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o600 {
			t.Errorf("%s has mode %v, %v; want a socket of mode 0600", path, info.Mode(), err)
		}
	}
	for _, tt := range []struct {
		give []string
		want string
	}{
		{[]string{"compare", proctest.GlyphA, proctest.GlyphB, "--server", socket}, fixture.ScoreAB + " same"},
		{[]string{"compare", proctest.GlyphA, proctest.GlyphB, "--server", strings.Replace(socket, "unix:", "unix://", 1)}, fixture.ScoreAB + " same"},
		{[]string{"rank", proctest.GlyphA, proctest.GlyphC, proctest.GlyphB, "--server", socket}, "1     " + fixture.ScoreAB},
		{[]string{"models", "--server", socket}, "general"},
	} {
		if got := proctest.Succeed(t, append(tt.give, "--token-file", token)...); !strings.Contains(got, tt.want) {
			t.Errorf("%v printed %q, want %q", tt.give, got, tt.want)
		}
	}
	connection, err := client.New(socket, client.WithToken(strings.TrimSpace(string(proctest.ReadFile(t, token)))))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.Compare(t.Context(), proctest.ReadFile(t, proctest.GlyphA), proctest.ReadFile(t, proctest.GlyphB), client.Options{}); err != nil {
		t.Errorf("Compare by the Go client = %v", err)
	}
	if status, body := postTo(t, page, token); status != http.StatusOK || !strings.Contains(body, `"siamese-general"`) {
		t.Errorf("GetServerInfo over HTTP = %d %s, want the model's name", status, body)
	}
	askByGrpcurl(t, socket, token)
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*.sock")); len(left) != 0 {
		t.Errorf("after the stop there is %v, want no socket", left)
	}
	for _, want := range []string{"msg=serving address=" + socket, "msg=page url=unix:" + page} {
		if !strings.Contains(server.Log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, server.Log)
		}
	}
}

// postTo calls GetServerInfo over HTTP by a socket.
func postTo(t *testing.T, socket, token string) (status int, body string) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/siamese.v1.SiameseService/GetServerInfo", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json;charset=UTF-8")
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(proctest.ReadFile(t, token))))
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// askByGrpcurl lists the services and calls one with the real grpcurl.
func askByGrpcurl(t *testing.T, socket, token string) {
	t.Helper()
	grpcurl := os.Getenv("GRPCURL")
	if grpcurl == "" {
		t.Log("GRPCURL is not set, so grpcurl is not tried: `make test` sets it to the grpcurl that it installs")
		return
	}
	header := "authorization: Bearer " + strings.TrimSpace(string(proctest.ReadFile(t, token)))
	for _, how := range [][]string{{"-plaintext", "-unix"}, {"-plaintext"}} {
		list, err := exec.CommandContext(t.Context(), grpcurl, append(how, "-H", header, socket, "list")...).CombinedOutput()
		if err != nil || !strings.Contains(string(list), "siamese.v1.SiameseService") {
			t.Errorf("grpcurl %v %s list = %v, %s", how, socket, err, list)
		}
	}
	info, err := exec.CommandContext(t.Context(), grpcurl, "-plaintext", "-unix", "-H", header, "-d", "{}", socket, "siamese.v1.SiameseService/GetServerInfo").CombinedOutput()
	if err != nil || !json.Valid(info) {
		t.Errorf("grpcurl GetServerInfo = %v, %s", err, info)
	}
}

// TestSocketOfAKilledServer gives way to the next one; that of a living one does not.
func TestSocketOfAKilledServer(t *testing.T) {
	socket := filepath.Join(socketFolder(t), "s.sock")
	proctest.ServeAt(t, "unix:"+socket, "--model", "omniglot").Kill()
	if _, err := os.Stat(socket); err != nil {
		t.Fatalf("a killed server leaves no socket, so nothing is tested: %v", err)
	}
	second := proctest.ServeAt(t, "unix:"+socket, "--model", "omniglot")
	_, stderr, code := proctest.Run(t, "", "serve", "--addr", "unix:"+socket, "--http-addr", "", "--log-level", "error")
	if code != 1 || !strings.Contains(stderr, "another program answers there") {
		t.Errorf("a third server = %q, exit code %d; want that the second one answers", stderr, code)
	}
	proctest.OneLine(t, stderr)
	proctest.Succeed(t, "compare", proctest.GlyphA, proctest.GlyphB, "--server", "unix:"+socket)
	if code := second.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, second.Log)
	}
}
