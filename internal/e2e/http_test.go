package e2e_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"siamese/internal/proctest"
)

// TestServeShowsThePage: the page and a call for browsers, from the real
// program.
func TestServeShowsThePage(t *testing.T) {
	address := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--http-addr", address, "--cors-origin", "https://friend.example")
	page, err := http.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	if err != nil || !strings.Contains(string(text), "<title>siamese") {
		t.Errorf("GET / = %d, %q, %v; want the page", page.StatusCode, text, err)
	}
	info, err := http.Post("http://"+address+"/siamese.v1.SiameseService/GetServerInfo", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer info.Body.Close()
	answer, err := io.ReadAll(info.Body)
	if err != nil || !strings.Contains(string(answer), `"siamese-general"`) {
		t.Errorf("GetServerInfo = %d, %q, %v; want the model's name", info.StatusCode, answer, err)
	}
	http.DefaultClient.CloseIdleConnections()
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	if want := "url=http://" + address + "/"; !strings.Contains(server.Log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, server.Log)
	}
}

func TestServeRefusesBadHTTPFlags(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		give     []string
		want     string
		wantCode int
	}{
		{[]string{"--http-addr", taken.Addr().String()}, "is taken by another program", 1},
		{[]string{"--http-addr", "nowhere"}, "--http-addr: ", 1},
		{[]string{"--http-addr", "127.0.0.1:0", "--cors-origin", "*"}, `has "*", expected scheme and host`, 2},
	}
	for _, tt := range tests {
		_, stderr, code := proctest.Run(t, "", append([]string{"serve", "--addr=127.0.0.1:0", "--log-level=error"}, tt.give...)...)
		if code != tt.wantCode || !strings.Contains(stderr, tt.want) {
			t.Errorf("serve %v = %q, exit code %d; want %q and %d", tt.give, stderr, code, tt.want, tt.wantCode)
		}
		proctest.OneLine(t, stderr)
	}
}
