package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
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

// TestServeTakesJSONOfShells: base64 with its line breaks pasted into JSON, as a shell
// does, and curl's own type, which is told what to add.
func TestServeTakesJSONOfShells(t *testing.T) {
	address := proctest.FreeAddress(t)
	server := proctest.Serve(t, "--model", "omniglot", "--http-addr", address)
	encode := exec.CommandContext(t.Context(), "base64", proctest.GlyphA)
	text, err := encode.Output()
	if err != nil {
		t.Skipf("base64 of the system can't be run: %v", err)
	}
	body := fmt.Sprintf(`{"imageA":{"encoded":"%s"},"imageB":{"encoded":"data:image/png;base64,%s"}}`, text, text)
	for kind, want := range map[string]string{
		"Application/JSON;charset=UTF-8":    `"same":true`,
		"application/x-www-form-urlencoded": "so add -H 'Content-Type: application/json'",
	} {
		answer, err := http.Post("http://"+address+"/siamese.v1.SiameseService/Compare", kind, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if plain := strings.ReplaceAll(string(got), " ", ""); err != nil || !strings.Contains(plain, strings.ReplaceAll(want, " ", "")) || strings.Contains(plain, "preparedAPng") {
			t.Errorf("%s = %d %s, %v; want %s and no pictures", kind, answer.StatusCode, got, err, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if code := server.Signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, server.Log)
	}
	log := server.Log.String()
	starting, serving := strings.Index(log, "msg=starting"), strings.Index(log, "msg=serving")
	if first, _, _ := strings.Cut(log, "\n"); starting < 0 || len(first) > 200 || serving < strings.Index(log, "msg=page") || strings.Contains(log, "msg=configuration") {
		t.Errorf("the log begins with %q, want one short line, serving after the page, and no configuration:\n%s", first, log)
	}
}

// TestServeTellsOfAMissingModelFirst: nothing else is said, and no port is opened, with
// the log at its most.
func TestServeTellsOfAMissingModelFirst(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, give := range []string{"nowhere", t.TempDir()} {
		_, stderr, code := proctest.Run(t, "", "serve", "--addr", taken.Addr().String(), "--model", give, "--log-level", "debug")
		if code != 1 || !strings.Contains(stderr, "--model "+give+": the") {
			t.Errorf("serve --model %s = %q, exit code %d; want the missing model and 1", give, stderr, code)
		}
		proctest.OneLine(t, stderr)
	}
}
