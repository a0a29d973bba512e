package galleries

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/client"
	siamesev1 "siamese/proto/siamese/v1"
)

// fakeGalleries answers searches and enrolls at once, and counts by gallery.
type fakeGalleries struct {
	siamesev1.UnimplementedGalleryServiceServer
	siamesev1.UnimplementedSiameseServiceServer

	mu       sync.Mutex
	searches map[string]int
	enrolled map[string]int
	embedded int
	refuse   bool // one search of ten
}

func (f *fakeGalleries) Identify(_ context.Context, r *siamesev1.IdentifyRequest) (*siamesev1.IdentifyResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.searches[r.GetGallery()]++
	if f.refuse && f.searches[r.GetGallery()]%10 == 0 {
		return nil, status.Error(codes.ResourceExhausted, "full")
	}
	if len(r.GetImage().GetEmbedding().GetValues()) != testLength {
		return nil, status.Error(codes.InvalidArgument, "no embedding")
	}
	return &siamesev1.IdentifyResponse{Matches: []*siamesev1.Identification{{Thing: "a"}}}, nil
}

func (f *fakeGalleries) Enroll(stream grpc.ClientStreamingServer[siamesev1.EnrollRequest, siamesev1.EnrollResponse]) error {
	reply, name := new(siamesev1.EnrollResponse), ""
	ids := make(map[string]bool)
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(reply)
		}
		if err != nil {
			return err
		}
		if request.GetGallery() != "" {
			name = request.GetGallery()
		}
		if entry := request.GetEntry(); entry != nil && !ids[entry.GetId()] {
			ids[entry.GetId()] = true
			reply.Added++
			f.mu.Lock()
			f.enrolled[name]++
			f.mu.Unlock()
		}
	}
}

func (f *fakeGalleries) Embed(_ context.Context, r *siamesev1.EmbedRequest) (*siamesev1.EmbedResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.embedded += len(r.GetImages())
	reply := new(siamesev1.EmbedResponse)
	for range r.GetImages() {
		reply.Results = append(reply.Results, &siamesev1.EmbedResult{Outcome: &siamesev1.EmbedResult_Embedding{Embedding: &siamesev1.Embedding{Values: []float32{1}}}})
	}
	return reply, nil
}

// serveGalleries is a server in this process.
func serveGalleries(t *testing.T) (*fakeGalleries, *runningServer) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeGalleries{searches: make(map[string]int), enrolled: make(map[string]int)}
	server := grpc.NewServer()
	siamesev1.RegisterSiameseServiceServer(server, fake)
	siamesev1.RegisterGalleryServiceServer(server, fake)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Stop
	}()
	connection, err := client.New(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		<-done
	})
	return fake, &runningServer{process: os.Getpid(), client: connection}
}

// servedGallery is a gallery with pictures to enroll.
func servedGallery(t *testing.T) Gallery {
	g := testGallery(t, 50, true)
	for range 52 {
		g.Pictures = append(g.Pictures, []byte("a picture"))
	}
	return g
}

func TestSearchesOverGRPC(t *testing.T) {
	fake, server := serveGalleries(t)
	g := servedGallery(t)
	rows, err := g.callRows(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fake.searches[g.allName()], g.Queries+searchWarmUp; got != want {
		t.Errorf("the server was asked %d times, want %d", got, want)
	}
	if row := named(t, rows, "over gRPC, p99"); row.Value <= 0 || row.Bar == nil || *row.Bar != 25 {
		t.Errorf("%+v, want a time and the bar of the embedded store", row)
	}
}

func TestMemoryOfServer(t *testing.T) {
	_, server := serveGalleries(t)
	rows, err := servedGallery(t).memoryRows(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	most, open := named(t, rows, "most while"), named(t, rows, "gallery open")
	if open.Value <= 0 || most.Value < open.Value {
		t.Errorf("%v MB resident and %v at most, want above 0 and no less", open.Value, most.Value)
	}
}

func TestEnrolmentInTurnWithEmbed(t *testing.T) {
	fake, server := serveGalleries(t)
	g := servedGallery(t)
	rows, err := g.enrolRows(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	if want := 50; fake.embedded != want || fake.enrolled[g.newName()] != want { // five rounds of 10
		t.Errorf("%d embedded, %d enrolled, want %d of each", fake.embedded, fake.enrolled[g.newName()], want)
	}
	if row := named(t, rows, "Enroll to Embed"); row.Value <= 0 {
		t.Errorf("%+v, want a ratio", row)
	}
}

func TestLoadBesideEnrolment(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		fake, server := serveGalleries(t)
		fake.refuse = refuse
		g := servedGallery(t)
		rows, err := g.loadRows(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		if fake.enrolled[g.allName()] == 0 || named(t, rows, "pictures enrolled").Value <= 0 {
			t.Error("nothing was enrolled beside the searches")
		}
		failed := named(t, rows, "calls that failed")
		if (failed.Value > 0) != refuse || failed.Holds == refuse {
			t.Errorf("%+v where some are refused: %t", failed, refuse)
		}
	}
}

func TestNothingFoundIsAnError(t *testing.T) {
	_, server := serveGalleries(t)
	g := servedGallery(t)
	g.Embeddings = [][]float32{{1, 2}, {3, 0}, {0, 1}} // of another length: the server refuses them
	if _, err := g.callRows(t.Context(), server); err == nil || !strings.Contains(err.Error(), "no embedding") {
		t.Errorf("callRows = %v, want the server's error", err)
	}
}
