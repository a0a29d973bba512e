package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"connectrpc.com/connect"

	"siamese/server"
)

// onHTTP is a server with a real port for browsers.
type onHTTP struct {
	*running
	url    string
	client *http.Client
}

// serveHTTP starts a server that has its model and an HTTP side; both end with
// the test.
func serveHTTP(t *testing.T, cfg server.Config, web server.HTTPConfig, model server.Model) *onHTTP {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddHTTP(listener, web); err != nil {
		t.Fatal(err)
	}
	r := serveOn(t, s, log)
	if err := setModel(s, model, modelInfo); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &onHTTP{running: r, url: "http://" + listener.Addr().String(), client: &http.Client{Transport: transport}}
}

// callOver calls a method through a protocol of browsers.
func callOver[Req, Resp any](ctx context.Context, h *onHTTP, method string, req *Req, options ...connect.ClientOption) (*Resp, error) {
	client := connect.NewClient[Req, Resp](h.client, h.url+method, options...)
	resp, err := client.CallUnary(ctx, connect.NewRequest(req))
	if err != nil {
		return nil, err
	}
	return resp.Msg, nil
}

// answer is an HTTP answer, read to its end.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// do sends a request with headers, given as key, value, key, value …
func (h *onHTTP) do(t *testing.T, method, path string, body []byte, headers ...string) answer {
	t.Helper()
	return h.send(t, method, path, bytes.NewReader(body), headers...)
}

// send is do with a body whose length is told only where its type tells it.
func (h *onHTTP) send(t *testing.T, method, path string, body io.Reader, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(read)}
}
