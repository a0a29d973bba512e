package httpapi

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"siamese/server/internal/admission"
	"siamese/server/internal/telemetry"
)

// passedHeaders are what of a request's header a call is told, too.
var passedHeaders = []string{telemetry.RequestIDHeader, "Traceparent", "Tracestate", http.CanonicalHeaderKey(admission.Authorization), "User-Agent"}

// invoke calls a unary method of the gRPC server in this process, by its handler of
// HTTP, so that the call passes all that one over the network does; r is the request
// that it is made for, which has passed the gate, and w its answer, which is told the
// id that the call has. The error is a status.
func (b Backend) invoke(w http.ResponseWriter, r *http.Request, rpc string, request, reply proto.Message) error {
	framed, err := frame(request)
	if err != nil {
		return err
	}
	call := r.Clone(r.Context())
	call.Method, call.URL = http.MethodPost, &url.URL{Path: rpc}
	call.Proto, call.ProtoMajor, call.ProtoMinor = "HTTP/2.0", 2, 0
	call.Body, call.ContentLength = io.NopCloser(bytes.NewReader(framed)), int64(len(framed))
	call.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
	for _, name := range passedHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			call.Header[name] = values
		}
	}
	answer := newRecorder()
	blame(b.GRPC).ServeHTTP(answer, call)
	if id := answer.header.Get(telemetry.RequestIDHeader); id != "" {
		w.Header().Set(telemetry.RequestIDHeader, id)
	}
	if err := answer.status(); err != nil {
		return err
	}
	return unframe(answer.body.Bytes(), reply)
}

// frame puts before a message what gRPC has before it.
func frame(message proto.Message) ([]byte, error) {
	framed, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, envelopeBytes, envelopeBytes+proto.Size(message)), message)
	if err != nil {
		return nil, fmt.Errorf("pack a %s: %w", message.ProtoReflect().Descriptor().FullName(), err)
	}
	binary.BigEndian.PutUint32(framed[1:], uint32(len(framed)-envelopeBytes))
	return framed, nil
}

// unframe reads the one message of a unary answer.
func unframe(framed []byte, into proto.Message) error {
	if len(framed) < envelopeBytes || framed[0]&flagCompressed != 0 {
		return status.Errorf(codes.Internal, "gRPC answered %d bytes, expected a plain message", len(framed))
	}
	return proto.Unmarshal(framed[envelopeBytes:], into)
}

// recorder is an answer of a handler in this process.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: make(http.Header)} }

// Header implements http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

// Flush implements http.Flusher, which gRPC asks for.
func (w *recorder) Flush() {}

// status is how gRPC's answer says that the call ended.
func (w *recorder) status() error {
	if packed := w.header.Get("Grpc-Status-Details-Bin"); packed != "" {
		var told spb.Status
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(packed, "="))
		if err == nil && proto.Unmarshal(plain, &told) == nil {
			return status.FromProto(&told).Err()
		}
	}
	ended, err := strconv.ParseUint(w.header.Get("Grpc-Status"), 10, 8)
	if err != nil {
		return status.Errorf(codes.Internal, "gRPC answered without a status")
	}
	message, err := url.PathUnescape(w.header.Get("Grpc-Message"))
	if err != nil {
		message = w.header.Get("Grpc-Message")
	}
	return status.Error(codes.Code(ended), message)
}

// smallestPacked is the size from which an answer is packed, in bytes.
const smallestPacked = 1 << 10

// writeAnswer answers, packed as the caller takes it.
func writeAnswer(w http.ResponseWriter, r *http.Request, answer *Answer) {
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	var packer io.WriteCloser
	if packing := acceptedPacking(r.Header.Values("Accept-Encoding")); len(answer.Body) >= smallestPacked && packing != admission.Plain {
		w.Header().Set("Content-Encoding", string(packing))
		if packer = gzip.NewWriter(w); packing == admission.Deflate {
			packer = zlib.NewWriter(w)
		}
	}
	w.Header().Add("Vary", "Accept-Encoding")
	w.WriteHeader(cmp.Or(answer.Status, http.StatusOK))
	if packer == nil {
		_, _ = w.Write(answer.Body) // who has left reads nothing
		return
	}
	_, _ = packer.Write(answer.Body)
	_ = packer.Close()
}

// acceptedPacking returns the first packing of a header Accept-Encoding that there is
// here and that is not ruled out.
func acceptedPacking(accepted []string) admission.Packing {
	for part := range strings.SplitSeq(strings.Join(accepted, ","), ",") {
		name, parameters, _ := strings.Cut(part, ";")
		weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(parameters, " ", ""), "q="), 64)
		if err == nil && weight == 0 {
			continue
		}
		switch packing := admission.Packing(strings.ToLower(strings.TrimSpace(name))); packing {
		case admission.Gzip, admission.Deflate:
			return packing
		}
	}
	return admission.Plain
}
