package client_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"siamese/client"
)

// listenWith has each connection dealt with by serve and closed.
func listenWith(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = lis.Close()
		<-ended
	})
	return lis.Addr().String()
}

// TestServersOfAnotherKind: what a server speaks instead is in the error, with what to
// write.
func TestServersOfAnotherKind(t *testing.T) {
	overTLS := httptest.NewTLSServer(http.NotFoundHandler())
	defer overTLS.Close()
	overHTTP := httptest.NewServer(http.NotFoundHandler())
	defer overHTTP.Close()
	secured := grpc.NewServer(grpc.Creds(credentials.NewTLS(overTLS.TLS)))
	defer secured.Stop()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = secured.Serve(lis) }()
	nginx := listenWith(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1<<16))
		_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port"))
	})
	alert := listenWith(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1<<16))
		_, _ = conn.Write([]byte{21, 3, 1, 0, 2, 2, 70})
	})
	// To read all is to close without resetting.
	silent := listenWith(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<16)) })

	trusting := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // it is about what comes before trust
	tests := map[string]struct {
		address string
		options []grpc.DialOption
		want    string
	}{
		"TLS of HTTP":            {overTLS.Listener.Addr().String(), nil, "write https:// before its address"},
		"TLS of gRPC":            {lis.Addr().String(), nil, "write https:// before its address"},
		"TLS, told as HTTP":      {nginx, nil, "the server speaks TLS, expected plain text: write https://"},
		"TLS, told by an alert":  {alert, nil, "the server speaks TLS, expected plain text: write https://"},
		"closed at once":         {silent, nil, "closes the connection without a word"},
		"HTTP":                   {overHTTP.Listener.Addr().String(), nil, "the server speaks HTTP/1, expected gRPC"},
		"plain, asked for TLS":   {overHTTP.Listener.Addr().String(), []grpc.DialOption{client.WithTLS(trusting)}, "the server answers in plain text, expected TLS: write http://"},
		"plain, asked by https:": {"https://" + overHTTP.Listener.Addr().String() + "/", nil, "the server answers in plain text, expected TLS: write http://"},
		"TLS of an unknown name": {"https://" + lis.Addr().String(), nil, "certificate"},
		"no socket":              {"unix:" + filepath.Join(t.TempDir(), "none"), nil, "no such file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := client.New(tt.address, tt.options...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.ServerInfo(t.Context(), "")
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("a call = %v, want Unavailable with %q", err, tt.want)
			}
		})
	}
}
