package httpapi

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
)

// gzipName is the only compression of bodies that is understood.
const gzipName = "gzip"

func newCompressor() connect.Compressor { return gzip.NewWriter(io.Discard) }

// gunzip unpacks a body of at most limit bytes: some kilobytes can unpack to
// gigabytes. It is not safe for concurrent use.
type gunzip struct {
	packed gzip.Reader
	limit  int64
	left   int64 // bytes that may still come
}

func newGunzip(limit int64) *gunzip { return &gunzip{limit: limit} }

// Reset begins with the next body.
func (g *gunzip) Reset(packed io.Reader) error {
	g.left = g.limit
	return notGzip(g.packed.Reset(packed))
}

// notGzip holds the caller to account for a body that can't be unpacked.
func notGzip(err error) error {
	if err == nil {
		return nil
	}
	return connect.NewError(connect.CodeInvalidArgument,
		// Not wrapped: io.EOF in it would be the body's end.
		errors.New("received a body that is said to be packed with gzip, and is not: "+err.Error()))
}

// Read unpacks the next bytes; over the limit it fails with
// resource_exhausted, as gRPC does.
func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.packed.Read(p)
	g.left -= int64(n)
	if g.left < 0 {
		return 0, connect.NewError(connect.CodeResourceExhausted,
			fmt.Errorf("received a body that unpacks to more than %d bytes", g.limit))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, notGzip(err)
	}
	return n, err
}

// Close ends the body.
func (g *gunzip) Close() error { return g.packed.Close() }
