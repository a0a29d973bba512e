package conns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
)

// Port tells clients that speak something else than a port does what it speaks, where
// gRPC and TLS would close the connection without a word. It is safe for concurrent
// use.
type Port struct {
	// TLS says that the port speaks TLS, else plain text.
	TLS bool

	// Log takes, once at level info, that a client speaks TLS to a port of plain text,
	// since that client can be told nothing. Required.
	Log *slog.Logger

	once sync.Once
}

// Errors of connections whose client speaks something else; it has been told.
var (
	errHTTP1 = errors.New("a client speaks HTTP/1 to a port of gRPC")
	errPlain = errors.New("a client speaks plain text to a port of TLS")
	errTLS   = errors.New("a client speaks TLS to a port of plain text")
)

// greeting is what a client begins with.
type greeting int

const (
	undecided greeting = iota // too few bytes
	greetsHTTP1
	greetsHTTP2
	greetsTLS
	greetsOtherwise
)

// preface begins HTTP/2 in plain text, and so gRPC. Three letters tell it from the
// methods of HTTP/1.
const (
	preface      = "PRI"
	methods      = "GET POS PUT HEA OPT DEL PAT CON TRA"
	handshakeTLS = 22 // the type of TLS's first record
)

func greetingOf(head []byte) greeting {
	switch {
	case len(head) > 0 && head[0] == handshakeTLS:
		return greetsTLS
	case len(head) < len(preface):
		return undecided
	}
	switch begins := string(head[:len(preface)]); {
	case begins == preface:
		return greetsHTTP2
	case !strings.Contains(begins, " ") && strings.Contains(methods, begins):
		return greetsHTTP1
	}
	return greetsOtherwise
}

// hear reads what a client begins with. The connection that it returns reads the same
// again.
func hear(raw net.Conn) (net.Conn, greeting, error) {
	head := make([]byte, 0, len(preface))
	for {
		n, err := raw.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		if kind := greetingOf(head); kind != undecided {
			return &replayed{Conn: raw, head: head}, kind, nil
		}
		if err != nil {
			return nil, undecided, err
		}
	}
}

// replayed is a connection of which some bytes were read already.
type replayed struct {
	net.Conn
	head []byte
}

// Read implements net.Conn.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.head) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.head)
	r.head = r.head[n:]
	return n, nil
}

// GuardGRPC has a port of gRPC guarded: inner are its credentials.
func (p *Port) GuardGRPC(inner credentials.TransportCredentials) credentials.TransportCredentials {
	return greeted{TransportCredentials: inner, port: p}
}

type greeted struct {
	credentials.TransportCredentials
	port *Port
}

// ServerHandshake implements credentials.TransportCredentials.
func (g greeted) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, kind, err := hear(raw)
	switch {
	case err != nil:
		return nil, nil, err
	case kind == greetsHTTP1:
		answerHTTP1(raw, g.port.speaksGRPC())
		return nil, nil, errHTTP1
	case kind == greetsHTTP2 && g.port.TLS:
		answerGRPC(conn, speaksTLS)
		return nil, nil, errPlain
	case kind == greetsTLS && !g.port.TLS:
		g.port.tell(raw)
		// Clients of TLS say of this that it is no TLS, which tells more than an alert.
		answerHTTP1(raw, "this port speaks plain text, not TLS")
		return nil, nil, errTLS
	}
	return g.TransportCredentials.ServerHandshake(conn)
}

// Clone implements credentials.TransportCredentials.
func (g greeted) Clone() credentials.TransportCredentials {
	return greeted{TransportCredentials: g.TransportCredentials.Clone(), port: g.port}
}

// GuardHTTP has a port of HTTP guarded: what Go's own server says to clients of HTTP/1
// will do.
func (p *Port) GuardHTTP(lis net.Listener) net.Listener { return &guarded{Listener: lis, port: p} }

type guarded struct {
	net.Listener
	port *Port
}

// Accept implements net.Listener.
func (g *guarded) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guardedConn{Conn: conn, port: g.port}, nil
}

// guardedConn hears its client at the first Read, which is that of the connection's own
// goroutine: Accept must not wait.
type guardedConn struct {
	net.Conn
	port  *Port
	heard net.Conn // nil before the first Read
}

// Read implements net.Conn.
func (g *guardedConn) Read(p []byte) (int, error) {
	if g.heard == nil {
		conn, kind, err := hear(g.Conn)
		if err != nil {
			return 0, err
		}
		g.heard = conn
		switch {
		case kind == greetsHTTP2 && g.port.TLS:
			answerGRPC(conn, speaksTLS)
			return 0, errPlain
		case kind == greetsTLS && !g.port.TLS:
			g.port.tell(g.Conn)
		}
	}
	return g.heard.Read(p)
}

// What ports say of themselves.
const speaksTLS = "this port speaks TLS: connect by TLS (https://, siamese --tls, grpcurl without -plaintext)"

func (p *Port) speaksGRPC() string {
	how := "in plain text"
	if p.TLS {
		how = "over TLS"
	}
	return "this port speaks gRPC " + how + ", not HTTP/1: the page and calls as JSON are at the server's port for HTTP (siamese serve --http-addr, 8080 by default)"
}

// tell logs of a client that speaks TLS where it can't be answered.
func (p *Port) tell(conn net.Conn) {
	level := slog.LevelDebug // anybody could fill the log
	p.once.Do(func() { level = slog.LevelInfo })
	p.Log.Log(context.Background(), level, "a client speaks TLS to a port of plain text: let it speak plain text (http://, grpcurl -plaintext), or give the server --tls-cert and --tls-key",
		"address", conn.LocalAddr().String(), "client", conn.RemoteAddr().String())
}

// answerHTTP1 answers a request of HTTP/1 before it is read, or what begins otherwise.
func answerHTTP1(conn net.Conn, sentence string) {
	answer := fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n",
		len(sentence)+1, sentence)
	sayLast(conn, []byte(answer))
}

// A client has to read an answer before the connection is closed on what it still
// sends, or the answer is lost.
const (
	lastWordsTimeout = time.Second
	lastWordsBytes   = 1 << 20
)

// sayLast writes an answer and waits for its client to leave. What fails is the
// client's.
func sayLast(conn net.Conn, answer []byte) {
	_ = conn.SetDeadline(time.Now().Add(lastWordsTimeout))
	if _, err := conn.Write(answer); err == nil {
		_, _ = io.CopyN(io.Discard, conn, lastWordsBytes)
	}
}

// What a connection may cost whose calls are all refused.
const (
	refusalTimeout     = 5 * time.Second // until its calls have come
	refusalIdleTimeout = time.Second
	refusedStreams     = 10
	refusedHeaderBytes = 16 << 10
)

// answerGRPC refuses the calls of a connection of HTTP/2 with a sentence, for some
// seconds: the only words that all clients of gRPC show are those of a call's status.
func answerGRPC(conn net.Conn, sentence string) {
	defer time.AfterFunc(refusalTimeout, func() { _ = conn.Close() }).Stop()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", strconv.Itoa(int(codes.Unavailable)))
			w.Header().Set("Grpc-Message", sentence)
		}),
		Protocols:         new(http.Protocols),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: refusedStreams},
		ReadHeaderTimeout: refusalTimeout,
		IdleTimeout:       refusalIdleTimeout,
		MaxHeaderBytes:    refusedHeaderBytes,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	server.Protocols.SetUnencryptedHTTP2(true)
	only := &onlyConn{Conn: conn, closed: make(chan struct{})}
	_ = server.Serve(only) // it ends when the connection is closed
}

// onlyConn is a connection and a listener that accepts nothing else.
type onlyConn struct {
	net.Conn
	accepted bool // Accept's caller alone
	once     sync.Once
	closed   chan struct{}
}

// Accept implements net.Listener: it returns the connection, and then waits for its end.
func (o *onlyConn) Accept() (net.Conn, error) {
	if !o.accepted {
		o.accepted = true
		return o, nil
	}
	<-o.closed
	return nil, net.ErrClosed
}

// Addr implements net.Listener.
func (o *onlyConn) Addr() net.Addr { return o.LocalAddr() }

// Close implements net.Conn and net.Listener.
func (o *onlyConn) Close() error {
	o.once.Do(func() { close(o.closed) })
	return o.Conn.Close()
}
