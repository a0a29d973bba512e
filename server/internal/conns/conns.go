// Package conns bounds connections and tells of those over gRPC what gRPC itself
// does not: how many bytes of a call have come, before they are a message, and when
// the last byte of its answer has gone.
package conns

import (
	"net"

	"siamese/server/access"
)

// Limit returns a listener that closes at once what lis accepts while places has
// none left.
func Limit(lis net.Listener, places *access.Places) net.Listener {
	return &limited{Listener: lis, places: places}
}

type limited struct {
	net.Listener
	places *access.Places
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if leave, ok := l.places.Enter(conn.RemoteAddr().String()); ok {
			return &counted{Conn: conn, leave: leave}, nil
		}
		_ = conn.Close() // its error is the peer's
	}
}

// counted is a connection that has a place.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
