package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	pb "siamese/proto/siamese/v1"
	"siamese/server/internal/admission"
	"siamese/server/internal/fault"
	"siamese/server/internal/httpapi"
	"siamese/server/internal/memory"
)

// echo answers GetServerInfo with the model that it was asked for.
type echo struct {
	pb.UnimplementedSiameseServiceServer
}

func (echo) GetServerInfo(_ context.Context, req *pb.GetServerInfoRequest) (*pb.GetServerInfoResponse, error) {
	if req.GetModel() == "none" {
		return nil, fault.ModelNotFound("none", []string{"some"}).At("model")
	}
	return &pb.GetServerInfoResponse{DefaultModel: req.GetModel()}, nil
}

type tokens map[string]string

func (t tokens) Name(token string) (string, bool) {
	name, known := t[token]
	return name, known
}

const maxMessageBytes = 1 << 20

// serveFront serves a front over echo and returns its address.
func serveFront(t *testing.T, allowed admission.Tokens) string {
	t.Helper()
	budget, err := memory.NewBudget(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	gate, err := admission.NewGate(admission.Config{Tokens: allowed, MaxCalls: 8, MaxMessageBytes: maxMessageBytes, Memory: budget, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	backend := grpc.NewServer(append(admission.Options(), grpc.MaxRecvMsgSize(maxMessageBytes), grpc.ChainUnaryInterceptor(gate.Unary))...)
	backend.RegisterService(admission.Guard(pb.SiameseService_ServiceDesc), echo{})
	const info = pb.SiameseService_GetServerInfo_FullMethodName
	write := func(_ *pb.GetServerInfoRequest, reply *pb.GetServerInfoResponse) (*httpapi.Answer, error) {
		return &httpapi.Answer{Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(reply.GetDefaultModel())}, nil
	}
	front := httpapi.Front{Prefix: "/other", Routes: []httpapi.Route{
		httpapi.NewRoute("GET /other/models/{model}", info, func(r *http.Request, _ []byte) (*pb.GetServerInfoRequest, error) {
			return &pb.GetServerInfoRequest{Model: r.PathValue("model")}, nil
		}, write),
		httpapi.NewRoute("POST /other/echo", info, func(_ *http.Request, body []byte) (*pb.GetServerInfoRequest, error) {
			if len(body) == 0 {
				return nil, fault.Unreadable("received an empty body").At("body")
			}
			return &pb.GetServerInfoRequest{Model: string(body)}, nil
		}, write),
		httpapi.NewRoute("POST /other/panic", info, func(*http.Request, []byte) (*pb.GetServerInfoRequest, error) {
			var none []int
			_ = none[1]
			return nil, nil
		}, write),
	}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web, err := httpapi.New(listener, httpapi.Config{}, httpapi.Backend{
		GRPC: backend, Gate: gate, MaxMessageBytes: maxMessageBytes, StallTimeout: time.Minute, Fronts: []httpapi.Front{front},
		Explain: fault.Explainer{Log: log, RequestID: func(context.Context) string { return "" }}.Status,
	}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	web.Start(func() {})
	t.Cleanup(func() { _ = web.Stop(context.Background()) })
	return "http://" + listener.Addr().String()
}

// told is the JSON of an error.
type told struct{ Error, Code, Reason, Field string }

// answer is an answer over HTTP, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, body string, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(read)}
}

func pack(t *testing.T, writer func(io.Writer) io.WriteCloser, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := writer(&packed)
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func toGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func toZlib(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }

func TestFrontAnswersByTheCall(t *testing.T) {
	url := serveFront(t, nil)
	long := strings.Repeat("long ", 1000)
	tests := []struct {
		name, method, path, body string
		header                   http.Header
		want                     string
	}{
		{"by its path", "GET", "/other/models/a%20b", "", nil, "a b"},
		{"by its body", "POST", "/other/echo", "text", nil, "text"},
		{"gzip", "POST", "/other/echo", pack(t, toGzip, "text"), http.Header{"Content-Encoding": {"gzip"}}, "text"},
		{"deflate", "POST", "/other/echo", pack(t, toZlib, "text"), http.Header{"Content-Encoding": {"deflate"}}, "text"},
		{"packed answer", "POST", "/other/echo", long, http.Header{"Accept-Encoding": {"br, gzip;q=0, deflate"}}, pack(t, toZlib, long)},
		{"short answer", "POST", "/other/echo", "text", http.Header{"Accept-Encoding": {"gzip"}}, "text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(t, tt.method, url+tt.path, tt.body, tt.header)
			if got.status != http.StatusOK || got.body != tt.want {
				t.Errorf("answer = %d %.100q, want 200 %.100q", got.status, got.body, tt.want)
			}
		})
	}
}

func TestFrontRefusesInItsOwnForm(t *testing.T) {
	url := serveFront(t, nil)
	tests := []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		want                     told // without its text
	}{
		{"by the call", "GET", "/other/models/none", "", nil, 404, told{Code: "NOT_FOUND", Reason: "MODEL_NOT_FOUND", Field: "model"}},
		{"by reading", "POST", "/other/echo", "", nil, 400, told{Code: "INVALID_ARGUMENT", Reason: "MESSAGE_UNREADABLE", Field: "body"}},
		{"panic", "POST", "/other/panic", "", nil, 500, told{Code: "INTERNAL", Reason: "INTERNAL"}},
		{"no such path", "GET", "/other/nothing", "", nil, 404, told{Code: "UNIMPLEMENTED"}},
		{"path that is no text", "GET", "/other/models/%ff", "", nil, 400, told{Code: "INVALID_ARGUMENT", Reason: "MESSAGE_UNREADABLE"}},
		{"method", "PUT", "/other/echo", "x", nil, 405, told{Code: "UNIMPLEMENTED"}},
		{"packing", "POST", "/other/echo", "x", http.Header{"Content-Encoding": {"br"}}, 400, told{Code: "INVALID_ARGUMENT", Reason: "MESSAGE_UNREADABLE"}},
		{"no gzip", "POST", "/other/echo", "x", http.Header{"Content-Encoding": {"gzip"}}, 400, told{Code: "INVALID_ARGUMENT", Reason: "MESSAGE_UNREADABLE"}},
		{"no deflate", "POST", "/other/echo", "x", http.Header{"Content-Encoding": {"deflate"}}, 400, told{Code: "INVALID_ARGUMENT", Reason: "MESSAGE_UNREADABLE"}},
		{"body too long", "POST", "/other/echo", strings.Repeat("x", 2<<20), nil, 413, told{Code: "RESOURCE_EXHAUSTED"}},
		{"unpacked too long", "POST", "/other/echo", pack(t, toGzip, strings.Repeat("x", 2<<20)), http.Header{"Content-Encoding": {"gzip"}}, 413, told{Code: "RESOURCE_EXHAUSTED"}},
		{"message too long", "POST", "/other/echo", strings.Repeat("x", maxMessageBytes+1), nil, 413, told{Code: "RESOURCE_EXHAUSTED"}},
		{"page of another origin", "POST", "/other/echo", "x", http.Header{"Origin": {"http://evil.example"}}, 403, told{Code: "PERMISSION_DENIED"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := ask(t, tt.method, url+tt.path, tt.body, tt.header)
			var got told
			if err := json.Unmarshal([]byte(resp.body), &got); err != nil || got.Error == "" {
				t.Fatalf("answer %q is no error in JSON: %v", resp.body, err)
			}
			got.Error = ""
			if resp.status != tt.status || got != tt.want {
				t.Errorf("answer = %d %s, want %d %+v", resp.status, resp.body, tt.status, tt.want)
			}
		})
	}
}

func TestFrontPassesTheGate(t *testing.T) {
	url := serveFront(t, tokens{"secret": "me"})
	got := ask(t, http.MethodGet, url+"/other/models/a", "", nil)
	if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != "Bearer" || !strings.Contains(got.body, `"UNAUTHENTICATED"`) {
		t.Errorf("without a token = %+v, want 401 in JSON", got)
	}
	got = ask(t, http.MethodGet, url+"/other/models/a", "", http.Header{"Authorization": {"Bearer secret"}})
	if got.status != http.StatusOK || got.body != "a" {
		t.Errorf("with a token = %+v, want 200 a", got)
	}
}
