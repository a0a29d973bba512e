package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Errors of a connection to a server that speaks something else. gRPC keeps trying,
// so that calls end with UNAVAILABLE and these words in the message.
var (
	errServerIsPlain = errors.New("the server answers in plain text, expected TLS: write http:// before its address, or leave out what asks for TLS (https://, --tls, --tls-ca, --tls-cert)")
	errServerIsTLS   = errors.New("the server speaks TLS, expected plain text: write https:// before its address, or ask for TLS (--tls, --tls-ca)")
	errServerIsHTTP1 = errors.New("the server speaks HTTP/1, expected gRPC: its gRPC is at another port (siamese serve --addr)")
	errServerSilent  = errors.New("the server closes the connection without a word: where it speaks TLS, write https:// before its address or ask for TLS (--tls, --tls-ca)")
)

// WithTLS makes a [Client] speak TLS as config says, which must not be changed
// afterwards. Of a server that speaks plain text the error says so.
func WithTLS(config *tls.Config) grpc.DialOption {
	return grpc.WithTransportCredentials(secureTransport{credentials.NewTLS(config)})
}

// secureTransport is TLS that tells of a server which speaks none.
type secureTransport struct {
	credentials.TransportCredentials
}

// ClientHandshake implements credentials.TransportCredentials.
func (s secureTransport) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := s.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
		err = errServerIsPlain
	}
	return conn, info, err
}

// Clone implements credentials.TransportCredentials.
func (s secureTransport) Clone() credentials.TransportCredentials {
	return secureTransport{s.TransportCredentials.Clone()}
}

// plainTransport is plain text that tells of a server which does not speak gRPC so.
type plainTransport struct {
	credentials.TransportCredentials
}

func newPlainTransport() credentials.TransportCredentials {
	return plainTransport{insecure.NewCredentials()}
}

// ClientHandshake implements credentials.TransportCredentials.
func (p plainTransport) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := p.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return conn, info, err
	}
	return &firstAnswer{Conn: conn}, info, nil
}

// Clone implements credentials.TransportCredentials.
func (p plainTransport) Clone() credentials.TransportCredentials {
	return plainTransport{p.TransportCredentials.Clone()}
}

// firstAnswer is a connection that looks at the first bytes of the server's answer.
type firstAnswer struct {
	net.Conn
	seen bool // the reading goroutine's
}

// What answers of servers that speak something else begin with.
var (
	alertOfTLS  = []byte{21, 3} // a record of an alert, of any version
	answerHTTP1 = []byte("HTTP/1.")
)

// Read implements net.Conn.
func (f *firstAnswer) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if f.seen || len(p) == 0 {
		return n, err
	}
	f.seen = true
	switch {
	case bytes.HasPrefix(p[:n], alertOfTLS):
		return 0, errServerIsTLS
	case bytes.HasPrefix(p[:n], answerHTTP1) && bytes.Contains(p[:n], []byte("HTTPS")):
		return 0, errServerIsTLS // as Go's own server and nginx say
	case bytes.HasPrefix(p[:n], answerHTTP1):
		return 0, errServerIsHTTP1
	case n == 0 && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		return 0, fmt.Errorf("%w: %w", errServerSilent, err)
	}
	return n, err
}
