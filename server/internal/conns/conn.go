package conns

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// Call is a call over gRPC as its connection tells of it. Its methods are called by
// the connection's own goroutines and must not block.
type Call interface {
	// Received tells that n bytes of the call's messages have come.
	Received(n int)

	// Gone tells, once, that nothing more of the call is to be written: the last
	// byte of its answer is on its way, one side has given it up, or the connection
	// is closed.
	Gone()
}

// Credentials has each connection followed. The gRPC server that has them must read
// without a buffer of its own (grpc.ReadBufferSize(0)): the call that Track is asked
// for is that of the frame read last.
type Credentials struct {
	credentials.TransportCredentials
	stall time.Duration
}

// NewCredentials returns what inner does, on connections that are followed. One on
// which a write, or an answer that waits for its peer to make room, makes no
// progress for as long as stall is closed.
func NewCredentials(inner credentials.TransportCredentials, stall time.Duration) Credentials {
	return Credentials{TransportCredentials: inner, stall: stall}
}

// ServerHandshake implements credentials.TransportCredentials.
func (c Credentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	conn := newConn(secured, c.stall)
	return conn, authInfo{AuthInfo: info, conn: conn}, nil
}

// Clone implements credentials.TransportCredentials.
func (c Credentials) Clone() credentials.TransportCredentials {
	return Credentials{TransportCredentials: c.TransportCredentials.Clone(), stall: c.stall}
}

// authInfo leads from a call to its connection.
type authInfo struct {
	credentials.AuthInfo
	conn *conn
}

// TLS returns the state of the TLS connection that ctx's call came by, nil where
// it came in plain text.
func TLS(ctx context.Context) *tls.ConnectionState {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info := from.AuthInfo
	if followed, ok := info.(authInfo); ok {
		info = followed.AuthInfo
	}
	if secured, ok := info.(credentials.TLSInfo); ok {
		return &secured.State
	}
	return nil
}

// Track has the connection of ctx tell call of itself. It must be called from
// grpc.InTapHandle. Where ctx has no connection that is followed, the stream is nil
// and call is told nothing.
func Track(ctx context.Context, call Call) *Stream {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := from.AuthInfo.(authInfo)
	if !ok {
		return nil
	}
	return info.conn.track(call)
}

// Stream is a call's place on its connection. A nil one does nothing.
type Stream struct {
	conn *conn
	call Call

	// waits is since when an answer waits to be written without progress; zero
	// where none does. Guarded by conn.mu.
	waits time.Time
}

// Wait says that an answer waits to be written from now on.
func (s *Stream) Wait() {
	if s != nil {
		s.conn.wait(s)
	}
}

// Rest says that it waits no more, and that the call goes on.
func (s *Stream) Rest() {
	if s != nil {
		s.conn.mu.Lock()
		defer s.conn.mu.Unlock()
		s.waits = time.Time{}
	}
}

// readBufferBytes holds frames' headers; payloads are read past it.
const readBufferBytes = 4 << 10

// conn is a connection that follows its frames.
type conn struct {
	net.Conn
	stall   time.Duration
	in      *bufio.Reader
	reading frames // of the reading goroutine
	writing frames // of the writing one

	mu       sync.Mutex
	streams  map[uint32]*Stream // nil when closed
	watching bool               // that look is to come
}

func newConn(inner net.Conn, stall time.Duration) *conn {
	return &conn{
		Conn: inner, stall: stall,
		in:      bufio.NewReaderSize(inner, readBufferBytes),
		reading: frames{preface: prefaceBytes},
		streams: make(map[uint32]*Stream),
	}
}

// track is called while the frame read last is the call's header.
func (c *conn) track(call Call) *Stream {
	stream := &Stream{conn: c, call: call}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams == nil {
		call.Gone()
		return stream
	}
	c.streams[c.reading.current.stream] = stream
	return stream
}

// Read implements net.Conn: it reads at most to the end of a frame's header or
// payload, so that its reader never knows of more frames than reading does.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p[:min(len(p), c.reading.next())])
	if n == 0 {
		return n, err
	}
	inPayload := c.reading.payload > 0
	begins := c.reading.follow(p[:n])
	switch current := c.reading.current; {
	case begins && current.kind == frameRSTStream:
		c.end(current.stream)
	case inPayload && c.reading.payload == 0 && current.kind == frameData:
		c.received(current.stream, c.reading.data())
	}
	return n, err
}

func (c *conn) received(id uint32, n int) {
	c.mu.Lock()
	stream := c.streams[id]
	c.mu.Unlock()
	if stream != nil {
		stream.call.Received(n)
	}
}

// Write implements net.Conn. A call is over before its last frame goes, so that a
// peer that has its answer can call again.
func (c *conn) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part := rest[:min(len(rest), c.writing.next())]
		rest = rest[len(part):]
		if c.writing.follow(part) {
			c.wrote(c.writing.current)
		}
	}
	_ = c.SetWriteDeadline(time.Now().Add(c.stall)) // fails on a closed connection, as does the write
	n, err := c.Conn.Write(p)
	if err != nil {
		_ = c.Close() // gRPC leaves that to its reader, which may be waiting for ever
	}
	return n, err
}

func (c *conn) wrote(f frame) {
	if f.ends() {
		c.end(f.stream)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if stream := c.streams[f.stream]; stream != nil && f.length > 0 && !stream.waits.IsZero() {
		stream.waits = time.Now()
	}
}

func (c *conn) end(id uint32) {
	c.mu.Lock()
	stream := c.streams[id]
	delete(c.streams, id)
	c.mu.Unlock()
	if stream != nil {
		stream.call.Gone()
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.mu.Lock()
	left := c.streams
	c.streams = nil
	c.mu.Unlock()
	for _, stream := range left {
		stream.call.Gone()
	}
	return c.Conn.Close()
}

// wait notes when a stream's answer began to wait, and that somebody has to look.
func (c *conn) wait(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams == nil {
		return
	}
	s.waits = time.Now()
	if !c.watching {
		c.watching = true
		time.AfterFunc(c.stall, c.look)
	}
}

// look closes the connection where an answer has waited too long, and comes again
// while one waits at all.
func (c *conn) look() {
	c.mu.Lock()
	var oldest time.Time
	for _, stream := range c.streams {
		if !stream.waits.IsZero() && (oldest.IsZero() || stream.waits.Before(oldest)) {
			oldest = stream.waits
		}
	}
	left := c.stall - time.Since(oldest)
	stalled := !oldest.IsZero() && left <= 0
	c.watching = !oldest.IsZero() && !stalled
	if c.watching {
		time.AfterFunc(left, c.look)
	}
	c.mu.Unlock()
	if stalled {
		_ = c.Close()
	}
}
