package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

const comparePath = pb.SiameseService_Compare_FullMethodName

func compareRequest(a, b *pb.Image) *pb.CompareRequest {
	return &pb.CompareRequest{ImageA: a, ImageB: b}
}

// connectDetails returns ErrorInfo's reason and BadRequest's field.
func connectDetails(t *testing.T, err *connect.Error) (reason, field string) {
	t.Helper()
	for _, detail := range err.Details() {
		value, valueErr := detail.Value()
		if valueErr != nil {
			t.Fatal(valueErr)
		}
		switch d := value.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
		case *errdetails.BadRequest:
			field = d.GetFieldViolations()[0].GetField()
		}
	}
	return reason, field
}

func TestHTTPAnswersAsGRPCDoes(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	request := compareRequest(grayImage(10), grayImage(200))
	want, err := h.Compare(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	protocols := map[string][]connect.ClientOption{
		"Connect in JSON":          {connect.WithProtoJSON()},
		"Connect in JSON, gzipped": {connect.WithProtoJSON(), connect.WithSendGzip()},
		"Connect":                  nil,
		"gRPC-Web":                 {connect.WithGRPCWeb()},
		"gRPC-Web, gzipped":        {connect.WithGRPCWeb(), connect.WithSendGzip()},
	}
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			got, err := callOver[pb.CompareRequest, pb.CompareResponse](t.Context(), h, comparePath, request, options...)
			if err != nil {
				t.Fatal(err)
			}
			checkProto(t, want, got, protocmp.IgnoreFields(&pb.CompareResponse{}, "timings"))
		})
	}
}

func TestHTTPTakesHandWrittenJSON(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	got := h.do(t, http.MethodPost, pb.SiameseService_GetServerInfo_FullMethodName, []byte("{}"), "Content-Type", "application/json")
	if got.Status != http.StatusOK || !strings.Contains(got.Body, `"maxImageBytes":"7340032"`) || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answer = %+v, want 200, the limits and nosniff", got)
	}
}

func TestHTTPTellsErrorsWithDetails(t *testing.T) {
	h := serveHTTP(t, server.Config{MaxCandidates: 2}, server.HTTPConfig{}, &fakeModel{})
	tests := []struct {
		name       string
		give       *pb.RankRequest
		wantCode   connect.Code
		wantReason string
		wantField  string
	}{
		{"no picture", &pb.RankRequest{Query: encoded([]byte("text")), Candidates: []*pb.Image{grayImage(1)}},
			connect.CodeInvalidArgument, string(imaging.ReasonFormatUnknown), "query"},
		{"too many", &pb.RankRequest{Query: grayImage(1), Candidates: []*pb.Image{grayImage(1), grayImage(2), grayImage(3)}},
			connect.CodeInvalidArgument, fault.ReasonTooManyItems, "candidates"},
		{"another model's embedding", &pb.RankRequest{Query: embedding("f00d", 1), Candidates: []*pb.Image{grayImage(1)}},
			connect.CodeFailedPrecondition, fault.ReasonModelMismatch, "query"},
	}
	for _, tt := range tests {
		for name, options := range map[string][]connect.ClientOption{"JSON": {connect.WithProtoJSON()}, "gRPC-Web": {connect.WithGRPCWeb()}} {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				_, err := callOver[pb.RankRequest, pb.RankResponse](t.Context(), h, pb.SiameseService_Rank_FullMethodName, tt.give, options...)
				failed, ok := errors.AsType[*connect.Error](err)
				if !ok {
					t.Fatalf("Rank = %v, want a connect.Error", err)
				}
				_, native := h.Rank(t.Context(), tt.give)
				want := failureOf(native)
				if uint32(failed.Code()) != uint32(want.Code) || failed.Code() != tt.wantCode {
					t.Errorf("code = %v, over gRPC %v, want %v", failed.Code(), want.Code, tt.wantCode)
				}
				reason, field := connectDetails(t, failed)
				if reason != tt.wantReason || field != tt.wantField {
					t.Errorf("details = %q at %q, want %q at %q", reason, field, tt.wantReason, tt.wantField)
				}
			})
		}
	}
}

// TestHTTPBoundsBodies: what gRPC refuses is refused, packed or not, and a good
// call is answered afterwards.
func TestHTTPBoundsBodies(t *testing.T) {
	const limit = 64 << 10
	h := serveHTTP(t, server.Config{MaxMessageBytes: limit}, server.HTTPConfig{}, &fakeModel{})
	tests := []struct {
		name    string
		bytes   int
		options []connect.ClientOption
		want    connect.Code
	}{
		{"under the limit, no picture", limit - 1<<10, []connect.ClientOption{connect.WithProtoJSON()}, connect.CodeInvalidArgument},
		{"over it as JSON", limit + 1, []connect.ClientOption{connect.WithProtoJSON()}, connect.CodeResourceExhausted},
		{"over it as proto", limit + 1, nil, connect.CodeResourceExhausted},
		{"over what is buffered", 4 * limit, []connect.ClientOption{connect.WithProtoJSON()}, connect.CodeResourceExhausted},
		{"packed bomb", 8 << 20, []connect.ClientOption{connect.WithSendGzip()}, connect.CodeResourceExhausted},
		{"packed bomb over gRPC-Web", 8 << 20, []connect.ClientOption{connect.WithGRPCWeb(), connect.WithSendGzip()}, connect.CodeResourceExhausted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := compareRequest(encoded(make([]byte, tt.bytes)), grayImage(1))
			_, err := callOver[pb.CompareRequest, pb.CompareResponse](t.Context(), h, comparePath, request, tt.options...)
			if got := connect.CodeOf(err); got != tt.want {
				t.Errorf("%d bytes = %v, want %v", tt.bytes, err, tt.want)
			}
		})
	}
	h.checkAnswers(t)
}

func TestHTTPRefusesWhatBrowsersCannotHave(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	tests := []struct {
		name, method, path, kind string
		wantStatus               int
		wantBody                 string
	}{
		{"the stream", http.MethodPost, pb.SiameseService_StreamCompare_FullMethodName, "application/json",
			http.StatusNotImplemented, "call it over gRPC at the server's other port, or send frames by Rank"},
		{"the stream, as a stream", http.MethodPost, pb.SiameseService_StreamCompare_FullMethodName, "application/connect+json",
			http.StatusOK, "call it over gRPC at the server's other port, or send frames by Rank"},
		{"no such call", http.MethodPost, "/siamese.v1.SiameseService/Guess", "application/json",
			http.StatusNotImplemented, "there is no call"},
		{"a call by GET", http.MethodGet, pb.SiameseService_GetServerInfo_FullMethodName + "?connect=v1&encoding=json&message=%7B%7D", "",
			http.StatusMethodNotAllowed, "expected POST"},
		{"health's stream", http.MethodPost, "/grpc.health.v1.Health/Watch", "application/json", http.StatusNotFound, "not found"},
		{"no page", http.MethodGet, "/", "", http.StatusNotFound, "not found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := h.do(t, tt.method, tt.path, []byte("{}"), "Content-Type", tt.kind)
			if got.Status != tt.wantStatus || !strings.Contains(got.Body, tt.wantBody) {
				t.Errorf("%s %s = %d %q, want %d and %q", tt.method, tt.path, got.Status, got.Body, tt.wantStatus, tt.wantBody)
			}
		})
	}
}

func TestHTTPTellsOfWrongJSON(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	for _, give := range []string{"{", "no JSON", `{"imageA": 1}`} {
		got := h.do(t, http.MethodPost, comparePath, []byte(give), "Content-Type", "application/json")
		if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, `"code":"invalid_argument"`) || !strings.Contains(got.Body, "expected a CompareRequest in JSON") {
			t.Errorf("%q = %d %s, want 400 and what was expected", give, got.Status, got.Body)
		}
	}
}

func TestHTTPOrigins(t *testing.T) {
	const friend, stranger = "https://friend.example", "https://stranger.example"
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{Origins: []string{friend}}, &fakeModel{})
	tests := []struct {
		name, method string
		origin, site string
		wantStatus   int
		wantAllowed  string
	}{
		{"a program", http.MethodPost, "", "", http.StatusOK, ""},
		{"the server's page", http.MethodPost, h.url, "same-origin", http.StatusOK, ""},
		{"a friend asks", http.MethodOptions, friend, "cross-site", http.StatusNoContent, friend},
		{"a friend calls", http.MethodPost, friend, "cross-site", http.StatusOK, friend},
		{"a stranger asks", http.MethodOptions, stranger, "cross-site", http.StatusMethodNotAllowed, ""},
		{"a stranger calls", http.MethodPost, stranger, "cross-site", http.StatusForbidden, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"Content-Type", "application/json"}
			if tt.origin != "" {
				headers = append(headers, "Origin", tt.origin, "Sec-Fetch-Site", tt.site)
			}
			got := h.do(t, tt.method, pb.SiameseService_GetServerInfo_FullMethodName, []byte("{}"), headers...)
			allowed := got.Header.Get("Access-Control-Allow-Origin")
			if got.Status != tt.wantStatus || allowed != tt.wantAllowed {
				t.Errorf("status %d, allowed origin %q, want %d, %q (%s)", got.Status, allowed, tt.wantStatus, tt.wantAllowed, got.Body)
			}
			if tt.wantAllowed == "" {
				return
			}
			if exposed := got.Header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "Grpc-Status-Details-Bin") || !strings.Contains(exposed, "X-Request-Id") {
				t.Errorf("exposed headers = %q, want gRPC-Web's and the request's id among them", exposed)
			}
			if tt.method != http.MethodOptions {
				if got.Header.Get("X-Request-Id") == "" {
					t.Error("the answer has no X-Request-Id")
				}
				return
			}
			for _, want := range []string{"Connect-Protocol-Version", "Authorization", "X-Request-Id"} {
				if headers := got.Header.Get("Access-Control-Allow-Headers"); !strings.Contains(headers, want) {
					t.Errorf("allowed headers = %q, want %s among them", headers, want)
				}
			}
		})
	}
}

func TestHTTPShowsThePage(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page at "+r.URL.Path) })
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{Page: page}, &fakeModel{})
	if got := h.do(t, http.MethodGet, "/some/file", nil); got.Body != "page at /some/file" {
		t.Errorf("GET = %q, want the page", got.Body)
	}
}

func TestHTTPConfigValidate(t *testing.T) {
	for give, wantErr := range map[string]bool{
		"https://friend.example": false, "http://localhost:3000": false,
		"*": true, "friend.example": true, "https://friend.example/": true, "ftp://friend.example": true, "https://": true, "null": true,
	} {
		err := server.HTTPConfig{Origins: []string{give}}.Validate()
		if (err != nil) != wantErr {
			t.Errorf("Validate of origin %q = %v, want an error: %v", give, err, wantErr)
		}
		if err != nil && !strings.Contains(err.Error(), give) {
			t.Errorf("Validate = %v, want %q in it", err, give)
		}
	}
}

func TestAddHTTPOnceAndBeforeServe(t *testing.T) {
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddHTTP(bufconn.Listen(1), server.HTTPConfig{Origins: []string{"*"}}); err == nil {
		t.Error("AddHTTP with origin * = nil, want an error")
	}
	if err := s.AddHTTP(bufconn.Listen(1), server.HTTPConfig{}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddHTTP(bufconn.Listen(1), server.HTTPConfig{}); !errors.Is(err, server.ErrHTTPAdded) {
		t.Errorf("second AddHTTP = %v, want ErrHTTPAdded", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx, bufconn.Listen(1)); err != nil {
		t.Errorf("Serve = %v, want none", err)
	}
	other := bufconn.Listen(1)
	if err := s.AddHTTP(other, server.HTTPConfig{}); !errors.Is(err, server.ErrServed) {
		t.Errorf("AddHTTP after Serve = %v, want ErrServed", err)
	}
}

func TestServeEndsWhenItsHTTPListenerFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddHTTP(listener, server.HTTPConfig{}); err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	want := "serve HTTP at " + listener.Addr().String()
	if err := s.Serve(t.Context(), bufconn.Listen(1)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Serve = %v, want %q", err, want)
	}
}
