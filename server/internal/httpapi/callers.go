package httpapi

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"siamese/server/internal/fault"
)

// What a caller does wrong is told as that: neither the transcoder nor gRPC behind
// it can tell a request that makes no sense from a failure of the server's.

// connectEncoding says how the messages of a body are packed, in Connect's form for
// streams.
const connectEncoding = "Connect-Content-Encoding"

// checkConnect holds a request's header to Connect's protocol; encoding is the header
// that says how its message is packed.
func checkConnect(r *http.Request, encoding string) error {
	const version = "Connect-Protocol-Version"
	if got := r.Header.Get(version); got != "" && got != "1" {
		return fmt.Errorf("received %s %.16q, expected 1", version, got)
	}
	r.Header.Set(version, "1")
	packed := strings.ToLower(strings.Join(r.Header.Values(encoding), ", "))
	switch packed {
	case "", "identity":
		r.Header.Del(encoding)
	case gzipName, "x-gzip":
		r.Header.Set(encoding, gzipName)
	default:
		return fmt.Errorf("received %s %.64q, expected gzip or none", encoding, packed)
	}
	return nil
}

// blame has gRPC's handler tell a caller what it did wrong, where gRPC would call
// it INTERNAL.
func blame(backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := &blamed{ResponseWriter: w, kind: r.Header.Get("Content-Type")}
		backend.ServeHTTP(b, r)
		b.finish()
	})
}

// blamed is an answer of gRPC's handler on its way. It is the handler's alone.
type blamed struct {
	http.ResponseWriter
	kind    string          // the request's type, which is that of the answer
	refusal strings.Builder // what gRPC wrote by plain HTTP, since it took the request for none of its own
	refused bool
	begun   bool // gRPC has written something
}

// maxRefusal is as much as is told of a refusal, in bytes.
const maxRefusal = 256

// WriteHeader implements http.ResponseWriter.
func (b *blamed) WriteHeader(code int) {
	b.begun = true
	b.refused = code >= http.StatusBadRequest
	if !b.refused {
		b.ResponseWriter.WriteHeader(code)
	}
}

// Write implements http.ResponseWriter.
func (b *blamed) Write(p []byte) (int, error) {
	b.begun = true
	if !b.refused {
		return b.ResponseWriter.Write(p)
	}
	b.refusal.Write(p[:min(len(p), maxRefusal-b.refusal.Len())])
	return len(p), nil
}

// Flush implements http.Flusher, which gRPC asks for.
func (b *blamed) Flush() {
	b.begun = true
	if flusher, ok := b.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// finish sets the end of the call, which is in the trailers and has not gone yet.
func (b *blamed) finish() {
	h := b.Header()
	switch {
	case b.refused:
		b.whole(fault.Unreadable(strings.TrimSpace(b.refusal.String())))
		return
	case !b.begun: // the caller has gone
		b.whole(fault.Of(context.Canceled))
		return
	}
	code, err := strconv.Atoi(h.Get("Grpc-Status"))
	if err != nil || h.Get("Grpc-Status-Details-Bin") != "" {
		return // it has not ended, or by our own explanation
	}
	message, err := url.PathUnescape(h.Get("Grpc-Message"))
	if err != nil {
		message = h.Get("Grpc-Message") // it is not packed after all
	}
	own := status.New(codes.Code(code), message)
	if told := status.Convert(fault.Blame(own.Err())); told.Code() != own.Code() {
		b.end(told)
	}
}

// whole is an answer that gRPC has not begun.
func (b *blamed) whole(told *fault.Fault) {
	h := b.Header()
	h.Set("Content-Type", b.kind)
	for _, name := range []string{"Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"} {
		h.Add("Trailer", name)
	}
	b.ResponseWriter.WriteHeader(http.StatusOK)
	b.end(told.GRPCStatus())
}

func (b *blamed) end(told *status.Status) {
	h := b.Header()
	h.Set("Grpc-Status", strconv.Itoa(int(told.Code())))
	h.Set("Grpc-Message", url.PathEscape(told.Message()))
	if details, err := proto.Marshal(told.Proto()); err == nil {
		h.Set("Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(details))
	}
}
