package httpapi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
)

// gzipName is the only compression of bodies that is understood.
const gzipName = "gzip"

// takeBody reads a call's body whole, unpacked and within the gate's budget, before
// it is turned into a message: the transcoder takes room for what a header promises,
// and unpacks without asking for whom.
func (b Backend) takeBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := b.readBody(r)
		if err != nil {
			// Over HTTP/1 an answer before the body's end may be lost with the
			// connection, and a caller that is refused has to learn why.
			b.drain(w, r)
			admission.RefuseBody(r.Context(), r.URL.Path, err)
			refuseAs(w, r, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		r.Header.Del("Content-Length")
		next.ServeHTTP(w, r)
	})
}

func (b Backend) readBody(r *http.Request) ([]byte, error) {
	limit := int(b.maxTextBytes())
	if r.ContentLength > int64(limit) {
		return nil, status.Errorf(codes.ResourceExhausted, "received a body of %d bytes, expected at most %d", r.ContentLength, limit)
	}
	if err := admission.FitsBody(r.Context(), r.ContentLength); err != nil {
		return nil, err
	}
	packing := admission.Plain
	if r.Header.Get("Content-Encoding") == gzipName {
		packing = admission.Gzip
		r.Header.Del("Content-Encoding")
	}
	body, err := admission.ReadBody(r.Context(), r.Body, limit, packing)
	switch kind := r.Header.Get("Content-Type"); { // as understand spells it
	case err != nil:
		return nil, err
	case strings.HasPrefix(kind, "application/grpc"):
		return unpackEnvelope(r, body, limit, "Grpc-Encoding")
	case kind == kindConnectJSON || kind == kindConnectProto:
		return unpackEnvelope(r, body, limit, connectEncoding)
	case kind == "application/json" && len(body) == 0:
		return nil, fault.Unreadable("received an empty body, expected JSON, at least {}")
	}
	return body, nil
}

// What comes before a message of gRPC-Web or of Connect's streams: flags and its length.
const (
	envelopeBytes  = 5
	flagCompressed = 1
)

// unpackEnvelope checks that a body is the one message of a call of gRPC-Web, or of
// Connect's form for streams, and unpacks it; encoding is the header that says how it is
// packed.
func unpackEnvelope(r *http.Request, body []byte, limit int, encoding string) ([]byte, error) {
	if len(body) < envelopeBytes {
		return nil, fault.Unreadable(fmt.Sprintf("received a body of %d bytes, expected a message behind %d that tell its length", len(body), envelopeBytes))
	}
	packed, says := body[envelopeBytes:], binary.BigEndian.Uint32(body[1:])
	if uint64(says) != uint64(len(packed)) {
		return nil, fault.Unreadable(fmt.Sprintf("received %d bytes of a message, expected the %d that it says it has", len(packed), says))
	}
	if body[0]&flagCompressed == 0 || r.Header.Get(encoding) != gzipName {
		return body, nil
	}
	message, err := admission.ReadBody(r.Context(), bytes.NewReader(packed), limit, admission.Gzip)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, envelopeBytes, envelopeBytes+len(message))
	binary.BigEndian.PutUint32(plain[1:], uint32(len(message)))
	return append(plain, message...), nil
}

// drain reads on for a moment, so that the answer is not lost. Of what is longer still,
// MaxBytesReader tells the HTTP server, which then leaves the connection open until the
// answer can have been read; by itself it resets those that the caller wants closed.
func (b Backend) drain(w http.ResponseWriter, r *http.Request) {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, b.maxTextBytes()))
}
