package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// tokenBook is a set of tokens with their names.
type tokenBook struct {
	mu    sync.Mutex
	names map[string]string
}

func newTokenBook() *tokenBook {
	return &tokenBook{names: map[string]string{"a-token": "ann", "b-token": "bob"}}
}

func (b *tokenBook) Name(token string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name, known := b.names[token]
	return name, known
}

func (b *tokenBook) revoke(token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.names, token)
}

// as is a context that shows a token.
func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func TestCallsNeedAToken(t *testing.T) {
	r := serve(t, server.Config{Tokens: newTokenBook()}, &fakeModel{})
	tests := []struct {
		name string
		give []string // values of the header
		want codes.Code
	}{
		{"none", nil, codes.Unauthenticated},
		{"good", []string{"Bearer a-token"}, codes.OK},
		{"good, as others spell it", []string{"bearer  b-token"}, codes.OK},
		{"wrong", []string{"Bearer c-token"}, codes.Unauthenticated},
		{"empty", []string{"Bearer "}, codes.Unauthenticated},
		{"bare", []string{"a-token"}, codes.Unauthenticated},
		{"of another scheme", []string{"Basic a-token"}, codes.Unauthenticated},
		{"two", []string{"Bearer a-token", "Bearer b-token"}, codes.Unauthenticated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			for _, value := range tt.give {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", value)
			}
			_, unary := r.Compare(ctx, compareRequest(grayImage(1), grayImage(2)), grpc.UseCompressor(gzip.Name))
			stream, err := r.StreamCompare(ctx)
			if err == nil {
				_ = stream.Send(&pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Opening{Opening: &pb.StreamOpening{}}})
				_ = stream.CloseSend()
				_, err = stream.Recv()
			}
			listing, reflected := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(ctx)
			if reflected == nil {
				_ = listing.CloseSend()
				if _, reflected = listing.Recv(); errors.Is(reflected, io.EOF) {
					reflected = nil
				}
			}
			for call, err := range map[string]error{"Compare": unary, "StreamCompare": err, "reflection": reflected} {
				if got := status.Convert(err); got.Code() != tt.want || len(got.Details()) != 0 {
					t.Errorf("%s = %v with details %v, want %v without", call, err, got.Details(), tt.want)
				}
			}
		})
	}
	if _, err := healthpb.NewHealthClient(r.conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("health without a token = %v, want an answer", err)
	}
	for _, secret := range []string{"a-token", "b-token", "c-token"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log has the token %q", secret)
		}
	}
}

// TestRefusedCallsCostNoMessage: what is refused for its token has not been
// read, let alone handled.
func TestRefusedCallsCostNoMessage(t *testing.T) {
	r := serve(t, server.Config{Tokens: newTokenBook()}, &fakeModel{})
	_, err := r.Compare(t.Context(), compareRequest(encoded(make([]byte, 4<<20)), grayImage(2)))
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("Compare = %v, want UNAUTHENTICATED", err)
	}
	if strings.Contains(r.log.String(), "msg=call") {
		t.Errorf("the call came as far as its log line:\n%s", r.log)
	}
	if want := `msg="no valid token" rpc=` + comparePath + ` caller="address bufconn"`; !strings.Contains(r.log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, r.log)
	}
}

func TestTokenRevokedUnderAConnection(t *testing.T) {
	tokens := newTokenBook()
	r := serve(t, server.Config{Tokens: tokens}, &fakeModel{})
	ctx := as(t.Context(), "a-token")
	c, _ := r.openStream(ctx, t, &pb.StreamOpening{})
	tokens.revoke("a-token")
	if _, err := r.Compare(ctx, compareRequest(grayImage(1), grayImage(2))); status.Code(err) != codes.Unauthenticated {
		t.Errorf("Compare by a token that was revoked = %v, want UNAUTHENTICATED", err)
	}
	checkProto(t, pairAnswer(1, graySimilarity(1, 2)), c.ask(pair(1, grayImage(1), grayImage(2))), withoutTimings)
	if _, err := c.end(); err != nil {
		t.Errorf("the stream that was under way ended with %v, want OK", err)
	}
}

func TestHTTPCallsNeedAToken(t *testing.T) {
	const friend = "https://friend.example"
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	h := serveHTTP(t, server.Config{Tokens: newTokenBook()}, server.HTTPConfig{Page: page, Origins: []string{friend}}, &fakeModel{})
	infoPath := pb.SiameseService_GetServerInfo_FullMethodName
	tests := []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"call without", http.MethodPost, infoPath, nil, http.StatusUnauthorized},
		{"call with a wrong one", http.MethodPost, infoPath, []string{"Authorization", "Bearer c-token"}, http.StatusUnauthorized},
		{"call with a good one", http.MethodPost, infoPath, []string{"Authorization", "Bearer b-token"}, http.StatusOK},
		{"health", http.MethodPost, healthpb.Health_Check_FullMethodName, nil, http.StatusOK},
		{"the page", http.MethodGet, "/", nil, http.StatusOK},
		{"what a browser asks before", http.MethodOptions, infoPath,
			[]string{"Origin", friend, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}, http.StatusNoContent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := h.do(t, tt.method, tt.path, []byte("{}"), append(tt.headers, "Content-Type", "application/json")...)
			if got.Status != tt.want {
				t.Errorf("answer = %+v, want %d", got, tt.want)
			}
			if asked := got.Header.Get("WWW-Authenticate"); (asked == "Bearer") != (tt.want == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate = %q with status %d", asked, got.Status)
			}
			if tt.method == http.MethodOptions && !strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
				t.Errorf("allowed headers = %q, want Authorization among them", got.Header.Get("Access-Control-Allow-Headers"))
			}
		})
	}
	_, err := callOver[pb.CompareRequest, pb.CompareResponse](t.Context(), h, comparePath, compareRequest(grayImage(1), grayImage(2)), connect.WithGRPCWeb())
	if failed, ok := errors.AsType[*connect.Error](err); !ok || failed.Code() != connect.CodeUnauthenticated || len(failed.Details()) != 0 {
		t.Errorf("gRPC-Web without a token = %v, want unauthenticated without details", err)
	}
}
