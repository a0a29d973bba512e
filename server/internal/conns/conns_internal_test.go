package conns

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"siamese/server/access"
)

// noted is what a connection told of a call.
type noted struct {
	received int
	gone     int
}

func (n *noted) Received(bytes int) { n.received += bytes }
func (n *noted) Gone()              { n.gone++ }

func frameOf(kind, flags byte, stream uint32, payload string) []byte {
	header := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(header, stream), payload...)
}

// fakeConn reads what is given and keeps what is written.
type fakeConn struct {
	net.Conn
	in      io.Reader
	out     bytes.Buffer
	onWrite func()
	fails   error
	closed  atomic.Bool
}

func (f *fakeConn) Read(p []byte) (int, error) { return f.in.Read(p) }
func (f *fakeConn) Write(p []byte) (int, error) {
	if f.onWrite != nil {
		f.onWrite()
	}
	if f.fails != nil {
		return 0, f.fails
	}
	return f.out.Write(p)
}
func (f *fakeConn) Close() error                       { f.closed.Store(true); return nil }
func (f *fakeConn) SetWriteDeadline(t time.Time) error { return nil }

// oneByOne reads a byte at a time.
type oneByOne struct{ io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(len(p), 1)]) }

// TestBytesOfACallAreTold: of messages alone, however they come in pieces.
func TestBytesOfACallAreTold(t *testing.T) {
	sent := bytes.Join([][]byte{
		bytes.Repeat([]byte("P"), prefaceBytes),
		frameOf(0x4, 0, 0, "settings"),
		frameOf(frameHeaders, 4, 1, "header"),
		frameOf(frameData, 0, 1, "12345"),
		frameOf(frameData, 0, 3, "of another call"),
		frameOf(frameData, flagPadded, 1, "\x04678pppp"),
		frameOf(frameData, flagEndStream, 1, ""),
	}, nil)
	for name, in := range map[string]io.Reader{"at once": bytes.NewReader(sent), "byte by byte": oneByOne{bytes.NewReader(sent)}} {
		t.Run(name, func(t *testing.T) {
			c := newConn(&fakeConn{in: in}, time.Minute)
			var call noted
			var got []byte
			for buffer := make([]byte, 64); ; {
				n, err := c.Read(buffer)
				got = append(got, buffer[:n]...)
				if c.reading.current.kind == frameHeaders && c.streams[1] == nil {
					c.track(&call)
				}
				if err != nil {
					break
				}
			}
			if !bytes.Equal(got, sent) {
				t.Errorf("read %q, want all that was sent", got)
			}
			if call.received != 8 || call.gone != 0 {
				t.Errorf("told %+v, want 8 bytes received and the call not gone", call)
			}
		})
	}
}

// TestCallIsGone: when its last frame is on its way, not after it, or when a side
// gives it up.
func TestCallIsGone(t *testing.T) {
	tests := []struct {
		name string
		do   func(c *conn)
		want int
	}{
		{"header and data", func(c *conn) {
			_, _ = c.Write(append(frameOf(frameHeaders, 4, 1, "h"), frameOf(frameData, 0, 1, "data")...))
		}, 0},
		{"trailer", func(c *conn) { _, _ = c.Write(frameOf(frameHeaders, 4|flagEndStream, 1, "t")) }, 1},
		{"trailer in two writes", func(c *conn) {
			trailer := frameOf(frameHeaders, 4|flagEndStream, 1, "t")
			_, _ = c.Write(trailer[:6])
			_, _ = c.Write(trailer[6:])
		}, 1},
		{"of another call", func(c *conn) { _, _ = c.Write(frameOf(frameHeaders, 4|flagEndStream, 3, "t")) }, 0},
		{"reset by the server", func(c *conn) { _, _ = c.Write(frameOf(frameRSTStream, 0, 1, "code")) }, 1},
		{"reset by the client", func(c *conn) { _, _ = io.ReadAll(c) }, 1},
		{"closed", func(c *conn) { _ = c.Close(); _ = c.Close() }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeConn{in: bytes.NewReader(append(bytes.Repeat([]byte("P"), prefaceBytes), frameOf(frameRSTStream, 0, 1, "code")...))}
			c := newConn(fake, time.Minute)
			c.reading.current.stream = 1
			var call noted
			c.track(&call)
			fake.onWrite = func() {
				if tt.name == "trailer" && call.gone != 1 {
					t.Error("the trailer is written before the call has gone")
				}
			}
			tt.do(c)
			if call.gone != tt.want {
				t.Errorf("told %d times that the call has gone, want %d", call.gone, tt.want)
			}
		})
	}
}

// TestStalledConnectionIsClosed: counted from the last progress of an answer that
// waits.
func TestStalledConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeConn{in: bytes.NewReader(nil)}
		c := newConn(fake, time.Minute)
		c.reading.current.stream = 1
		var call noted
		stream := c.track(&call)
		time.Sleep(time.Hour)
		stream.Wait()
		stream.Rest()
		time.Sleep(time.Hour)
		if fake.closed.Load() {
			t.Fatal("closed while no answer waited")
		}
		stream.Wait()
		for range 5 {
			time.Sleep(50 * time.Second)
			_, _ = c.Write(frameOf(frameData, 0, 1, "some"))
		}
		if fake.closed.Load() {
			t.Fatal("closed though the answer made progress")
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if !fake.closed.Load() || call.gone != 1 {
			t.Errorf("closed %v, gone %d times after a minute without progress, want both", fake.closed.Load(), call.gone)
		}
	})
}

// TestFailedWriteCloses: gRPC itself leaves the connection to a reader that may wait
// for ever.
func TestFailedWriteCloses(t *testing.T) {
	fake := &fakeConn{in: bytes.NewReader(nil), fails: errors.New("timeout")}
	if _, err := newConn(fake, time.Minute).Write(frameOf(frameData, 0, 1, "some")); err == nil || !fake.closed.Load() {
		t.Errorf("Write = %v, closed %v, want an error and closed", err, fake.closed.Load())
	}
}

// TestLimit: connections beyond the places are closed, and a place comes back once.
func TestLimit(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lis := Limit(inner, access.NewPlaces(5, 2))
	defer lis.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	dial()
	first := <-accepted
	dial()
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("a third connection was kept, want it closed")
	}
	first.Close()
	first.Close()
	dial()
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("one that was closed twice made room for two")
	}
}
