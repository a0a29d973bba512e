package client_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/client"
	siamesev1 "siamese/proto/siamese/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// stub answers with what a test gives it.
type stub struct {
	siamesev1.UnimplementedSiameseServiceServer
	compare func(*siamesev1.CompareRequest) (*siamesev1.CompareResponse, error)
	rank    func(*siamesev1.RankRequest) (*siamesev1.RankResponse, error)
	batch   func(*siamesev1.BatchCompareRequest) (*siamesev1.BatchCompareResponse, error)
	embed   func(*siamesev1.EmbedRequest) (*siamesev1.EmbedResponse, error)
	info    func(*siamesev1.GetServerInfoRequest) (*siamesev1.GetServerInfoResponse, error)
	stream  func(script) error
}

func (s *stub) Compare(_ context.Context, request *siamesev1.CompareRequest) (*siamesev1.CompareResponse, error) {
	return s.compare(request)
}

func (s *stub) Rank(_ context.Context, request *siamesev1.RankRequest) (*siamesev1.RankResponse, error) {
	return s.rank(request)
}

func (s *stub) BatchCompare(_ context.Context, request *siamesev1.BatchCompareRequest) (*siamesev1.BatchCompareResponse, error) {
	return s.batch(request)
}

func (s *stub) Embed(_ context.Context, request *siamesev1.EmbedRequest) (*siamesev1.EmbedResponse, error) {
	return s.embed(request)
}

func (s *stub) GetServerInfo(_ context.Context, request *siamesev1.GetServerInfoRequest) (*siamesev1.GetServerInfoResponse, error) {
	return s.info(request)
}

func (s *stub) StreamCompare(stream grpc.BidiStreamingServer[siamesev1.StreamCompareRequest, siamesev1.StreamCompareResponse]) error {
	return s.stream(script{stream})
}

// connect serves a stub in memory and returns a client of it.
func connect(t *testing.T, service *stub) *client.Client {
	t.Helper()
	return connectTo(t, serveStub(t, service))
}

func serveStub(t *testing.T, service *stub) dialer {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	siamesev1.RegisterSiameseServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
}

func TestCompare(t *testing.T) {
	c := connect(t, &stub{compare: func(request *siamesev1.CompareRequest) (*siamesev1.CompareResponse, error) {
		if a, b := request.GetImageA().GetEncoded(), request.GetImageB().GetEncoded(); string(a) != "a" || string(b) != "b" {
			t.Errorf("server received %q and %q, want %q and %q", a, b, "a", "b")
		}
		options := request.GetOptions()
		if options.Threshold == nil || options.GetThreshold() != 0.25 || !options.GetIncludePrepared() || options.GetModel() != "canary" || options.GetTestTimeViews() != 5 {
			t.Errorf("server received options %v, want threshold 0.25, include_prepared, model canary and 5 views", options)
		}
		return &siamesev1.CompareResponse{
			Similarity: 0.75, Same: true, Threshold: 0.25,
			Model:        &siamesev1.ModelReference{Name: "model"},
			PreparedAPng: []byte("png a"), PreparedBPng: []byte("png b"),
			FamiliarityA: known, FamiliarityB: strange, Warning: "b is strange",
		}, nil
	}})
	threshold := float32(0.25)
	got, err := c.Compare(t.Context(), []byte("a"), []byte("b"), client.Options{Threshold: &threshold, IncludePrepared: true, Model: "canary", TestTimeViews: 5})
	if err != nil {
		t.Fatal(err)
	}
	want := client.Comparison{
		Similarity: 0.75, Same: true, Threshold: 0.25, Model: "model",
		PreparedA: []byte("png a"), PreparedB: []byte("png b"),
		FamiliarityA: isKnown, FamiliarityB: isStrange, Warning: "b is strange",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Compare (-want +got):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	busy, err := status.New(codes.ResourceExhausted, "full").WithDetails(
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	refused, err := status.New(codes.InvalidArgument, "received 0 bytes").WithDetails(
		&errdetails.ErrorInfo{Reason: "IMAGE_EMPTY", Domain: "siamese.v1"},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "image_b"}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give error
		want client.Error
	}{
		{refused.Err(), client.Error{Code: codes.InvalidArgument, Reason: "IMAGE_EMPTY", Message: "received 0 bytes", Field: "image_b"}},
		{busy.Err(), client.Error{Code: codes.ResourceExhausted, Message: "full", RetryIn: 1500 * time.Millisecond}},
		{status.Error(codes.Unavailable, "away"), client.Error{Code: codes.Unavailable, Message: "away"}},
	}
	for _, tt := range tests {
		c := connect(t, &stub{compare: func(*siamesev1.CompareRequest) (*siamesev1.CompareResponse, error) { return nil, tt.give }})
		_, err := c.Compare(t.Context(), nil, nil, client.Options{})
		got, ok := errors.AsType[*client.Error](err)
		if !ok {
			t.Fatalf("Compare = %v, want a *client.Error", err)
		}
		if diff := cmp.Diff(tt.want, *got); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		if status.Code(err) != tt.want.Code {
			t.Errorf("status.Code(%v) = %v, want %v", err, status.Code(err), tt.want.Code)
		}
	}
}

func TestRank(t *testing.T) {
	c := connect(t, &stub{rank: func(request *siamesev1.RankRequest) (*siamesev1.RankResponse, error) {
		if got := len(request.GetCandidates()); got != 2 || !proto.Equal(request.GetQuery(), request.GetCandidates()[0]) {
			t.Errorf("server received %v, want the query and itself among two candidates", request)
		}
		return &siamesev1.RankResponse{
			Ranked: []*siamesev1.RankedCandidate{
				{Index: 0, Similarity: 1, Same: true, PreparedPng: []byte("png")},
				{Index: 2, Familiarity: strange, Warning: "it is strange", Model: &siamesev1.ModelReference{Name: "other"}},
			},
			Familiarity: known, Warning: "the query is strange",
			Errors:    []*siamesev1.CandidateError{{Index: 1, Error: &siamesev1.ItemError{Code: 3, Reason: "IMAGE_SHAPE", Message: "thin", Field: "candidates[1]"}}},
			Threshold: 0.5,
			Model:     &siamesev1.ModelReference{Name: "model"},

			PreparedQueryPng: []byte("query"),
		}, nil
	}})
	got, err := c.Rank(t.Context(), []byte("q"), [][]byte{[]byte("q"), []byte("thin")}, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := client.Ranking{
		Matches: []client.Match{
			{Index: 0, Similarity: 1, Same: true, Model: "model", Prepared: []byte("png")},
			{Index: 2, Model: "other", Familiarity: isStrange, Warning: "it is strange"},
		},
		Familiarity: isKnown, Warning: "the query is strange",
		Failed:    map[int]*client.Error{1: {Code: codes.InvalidArgument, Reason: "IMAGE_SHAPE", Message: "thin", Field: "candidates[1]"}},
		Threshold: 0.5,
		Model:     "model",

		PreparedQuery: []byte("query"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Rank (-want +got):\n%s", diff)
	}
}
