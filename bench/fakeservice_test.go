package bench

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	siamesev1 "siamese/proto/siamese/v1"
)

// fakeService answers at once; a picture's similarity to any is its length/1000.
// Pictures that begin with refused are refused.
type fakeService struct {
	siamesev1.UnimplementedSiameseServiceServer
	compares, ranks, frames, streams atomic.Int64
}

const refused = 'x'

func fakeScore(image *siamesev1.Image) (float32, error) {
	file := image.GetEncoded()
	if len(file) > 0 && file[0] == refused {
		return 0, status.Error(codes.InvalidArgument, "refused")
	}
	return float32(len(file)) / 1000, nil
}

func (f *fakeService) Compare(_ context.Context, r *siamesev1.CompareRequest) (*siamesev1.CompareResponse, error) {
	f.compares.Add(1)
	score, err := fakeScore(r.GetImageB())
	return &siamesev1.CompareResponse{Similarity: score}, err
}

func (f *fakeService) Rank(_ context.Context, r *siamesev1.RankRequest) (*siamesev1.RankResponse, error) {
	f.ranks.Add(1)
	reply := new(siamesev1.RankResponse)
	for i, candidate := range r.GetCandidates() {
		if score, err := fakeScore(candidate); err == nil {
			reply.Ranked = append(reply.Ranked, &siamesev1.RankedCandidate{Index: uint32(i), Similarity: score})
		}
	}
	return reply, nil
}

func (f *fakeService) StreamCompare(messages grpc.BidiStreamingServer[siamesev1.StreamCompareRequest, siamesev1.StreamCompareResponse]) error {
	f.streams.Add(1)
	for {
		message, err := messages.Recv()
		if err != nil {
			return err
		}
		if err := messages.Send(f.reply(message)); err != nil {
			return err
		}
	}
}

// reply is the answer to one message of a stream.
func (f *fakeService) reply(message *siamesev1.StreamCompareRequest) *siamesev1.StreamCompareResponse {
	switch m := message.GetMessage().(type) {
	case *siamesev1.StreamCompareRequest_Opening:
		return &siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_Opened{Opened: &siamesev1.StreamOpened{Window: m.Opening.GetWindow()}}}
	case *siamesev1.StreamCompareRequest_SetReference:
		return &siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ReferenceSet{ReferenceSet: &siamesev1.ReferenceSet{Name: m.SetReference.GetName()}}}
	}
	f.frames.Add(1)
	frame := message.GetFrame()
	score, err := fakeScore(frame.GetImage())
	if err != nil {
		return &siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ItemFailed{ItemFailed: &siamesev1.ItemFailed{
			Item: &siamesev1.ItemFailed_Id{Id: frame.GetId()}, Error: &siamesev1.ItemError{Code: int32(codes.InvalidArgument), Message: "refused"},
		}}}
	}
	return &siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_FrameScored{FrameScored: &siamesev1.FrameScored{
		Id: frame.GetId(), Scores: []*siamesev1.ReferenceScore{{Reference: referenceName, Similarity: score}},
	}}}
}

// serveFake serves on loopback until the test ends.
func serveFake(t *testing.T) (service *fakeService, address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	service = new(fakeService)
	server := grpc.NewServer()
	siamesev1.RegisterSiameseServiceServer(server, service)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Stop
	}()
	stop = func() {
		server.Stop()
		<-done
	}
	t.Cleanup(stop)
	return service, listener.Addr().String(), stop
}

// serveMetrics serves texts, the next one each time, and gives the URL.
func serveMetrics(t *testing.T, texts ...string) string {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(texts[int(asked.Add(1)-1)%len(texts)]))
	}))
	t.Cleanup(server.Close)
	return server.URL
}
