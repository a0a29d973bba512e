package client_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/client"
	siamesev1 "siamese/proto/siamese/v1"
	"siamese/server"
)

// scores compares what a test is about: not how long it took.
var scores = cmp.Options{
	cmpopts.IgnoreFields(client.FrameScores{}, "Timings", "Prepared"),
	cmpopts.EquateApprox(0, 1e-6), // of float32
}

// openStream opens a stream to a real server that ends with the test.
func openStream(t *testing.T, config client.StreamConfig) *client.Stream {
	t.Helper()
	h := newHost(t, server.Config{})
	h.start(meanModel{})
	stream, err := connectTo(t, h.dial).Stream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

func TestStreamScoresAgainstReferences(t *testing.T) {
	stream := openStream(t, client.StreamConfig{
		References: []client.Reference{{Name: "black", Image: gray(0)}, {Name: "white", Image: gray(255)}},
		Window:     2, Options: client.Options{IncludePrepared: true},
	})
	if stream.Model() != "mean" || stream.Window() != 2 {
		t.Errorf("stream of model %q and window %d, want mean and 2", stream.Model(), stream.Window())
	}
	score := func(level byte, want ...client.Score) {
		t.Helper()
		got, err := stream.Score(t.Context(), gray(level))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(client.FrameScores{Scores: want, Threshold: 0.75}, got, scores); diff != "" {
			t.Errorf("Score (-want +got):\n%s", diff)
		}
		if got.Timings.Total <= 0 || len(got.Prepared) == 0 {
			t.Errorf("Score took %v and gave a picture of %d bytes, want both", got.Timings.Total, len(got.Prepared))
		}
	}
	score(51, client.Score{Reference: "black", Similarity: 0.8, Same: true, Model: "mean"}, client.Score{Reference: "white", Similarity: 0.2, Model: "mean"})
	if _, err := stream.Score(t.Context(), []byte("no picture")); code(err) != codes.InvalidArgument {
		t.Errorf("Score of no picture = %v, want INVALID_ARGUMENT", err)
	}
	if err := stream.SetReference(t.Context(), client.Reference{Name: "black", Image: gray(51)}); err != nil {
		t.Error(err)
	}
	if err := stream.DropReference(t.Context(), "white"); err != nil {
		t.Error(err)
	}
	score(51, client.Score{Reference: "black", Similarity: 1, Same: true, Model: "mean"})
	for what, err := range map[string]error{
		"drop of an unknown name": stream.DropReference(t.Context(), "white"),
		"reference of no picture": stream.SetReference(t.Context(), client.Reference{Name: "c", Image: []byte("no picture")}),
	} {
		if code(err) != codes.InvalidArgument {
			t.Errorf("%s = %v, want INVALID_ARGUMENT", what, err)
		}
	}
	if err := stream.SetReference(t.Context(), client.Reference{}); err == nil {
		t.Error("a reference without name and image is taken, want an error")
	}
}

// Each of many callers is given the scores of its own frame.
func TestStreamIsSharedByCallers(t *testing.T) {
	stream := openStream(t, client.StreamConfig{References: []client.Reference{{Name: "black", Image: gray(0)}}})
	var callers sync.WaitGroup
	for level := range byte(32) {
		callers.Go(func() {
			got, err := stream.Score(t.Context(), gray(level))
			if err != nil {
				t.Error(err)
				return
			}
			want := []client.Score{{Reference: "black", Similarity: 1 - float32(level)/255, Same: true, Model: "mean"}}
			if diff := cmp.Diff(want, got.Scores, scores); diff != "" {
				t.Errorf("scores of level %d (-want +got):\n%s", level, diff)
			}
		})
	}
	callers.Wait()
}

// stored answers a SetReference.
func (s script) stored(name string) {
	_ = s.Send(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ReferenceSet{
		ReferenceSet: &siamesev1.ReferenceSet{Name: name},
	}})
}

// frameScored answers a frame as a server does to which it is strange.
func (s script) frameScored(id uint64) {
	_ = s.Send(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_FrameScored{FrameScored: &siamesev1.FrameScored{
		Id: id, Familiarity: strange, Warning: "the frame is strange", Scores: []*siamesev1.ReferenceScore{
			{Reference: "a", Similarity: 1, Same: true},
			{Reference: "b", Similarity: 0.5, Foreign: true, Model: &siamesev1.ModelReference{Name: "other"}},
		},
	}}})
}

// strangeScores are the scores of frameScored on a stream of that model.
func strangeScores(model string) []client.Score {
	return []client.Score{
		{Reference: "a", Similarity: 1, Same: true, Model: model},
		{Reference: "b", Similarity: 0.5, Model: "other", Foreign: true},
	}
}

func TestStreamTellsWhatIsForeign(t *testing.T) {
	c := connect(t, &stub{stream: func(s script) error {
		opening, _ := s.Recv()
		if got := opening.GetOpening().GetOptions().GetModel(); got != "auto" {
			t.Errorf("stream opened with model %q, want auto", got)
		}
		s.open()
		frame, _ := s.Recv()
		s.frameScored(frame.GetFrame().GetId())
		<-s.Context().Done()
		return nil
	}})
	stream, err := c.Stream(t.Context(), client.StreamConfig{Options: client.Options{Model: "auto"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	got, err := stream.Score(t.Context(), []byte("a"))
	want := client.FrameScores{Scores: strangeScores("general"), Familiarity: isStrange, Warning: "the frame is strange"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Score = %v (-want +got):\n%s", err, diff)
	}
}

func TestStreamEnds(t *testing.T) {
	response := func(id uint64) *siamesev1.StreamCompareResponse {
		return &siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_FrameScored{FrameScored: &siamesev1.FrameScored{Id: id}}}
	}
	tests := []struct {
		name string
		give func(script) error // from the frame on
		want codes.Code
	}{
		{"by the server", func(script) error { return nil }, codes.Unavailable},
		{"with an error", func(script) error { return status.Error(codes.Aborted, "no more") }, codes.Aborted},
		{"after it drained", func(s script) error {
			_ = s.Send(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_Draining{}})
			return status.Error(codes.Unavailable, "about to stop")
		}, codes.Unavailable},
		{"of another frame", func(s script) error { _ = s.Send(response(3)); return nil }, codes.Internal},
		{"of no frame", func(s script) error { s.stored("a"); return nil }, codes.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, &stub{stream: func(s script) error {
				_, _ = s.Recv()
				s.open()
				_, _ = s.Recv()
				return tt.give(s)
			}})
			stream, err := c.Stream(t.Context(), client.StreamConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			if _, err := stream.Score(t.Context(), []byte("a")); code(err) != tt.want {
				t.Errorf("Score = %v, want %v", err, tt.want)
			}
			if _, err := stream.Score(t.Context(), []byte("a")); err == nil {
				t.Error("Score on a stream that has ended gives no error")
			}
		})
	}
}

func TestStreamIsNotOpened(t *testing.T) {
	references := []client.Reference{{Name: "a", Image: []byte("a")}}
	tests := []struct {
		name   string
		give   func(script) error
		config client.StreamConfig
		want   codes.Code
	}{
		{"the end at once", func(script) error { return nil }, client.StreamConfig{}, codes.Unavailable},
		{"refused", func(script) error { return status.Error(codes.ResourceExhausted, "full") }, client.StreamConfig{}, codes.ResourceExhausted},
		{"another answer", func(s script) error { s.stored("a"); return nil }, client.StreamConfig{}, codes.Internal},
		{"an answer that is of no reference", func(s script) error { s.open(); s.open(); <-s.Context().Done(); return nil }, client.StreamConfig{References: references}, codes.Internal},
		{"a reference refused", func(s script) error {
			s.open()
			_, _ = s.Recv()
			_, _ = s.Recv()
			_ = s.Send(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ItemFailed{ItemFailed: &siamesev1.ItemFailed{Error: failed}}})
			<-s.Context().Done()
			return nil
		}, client.StreamConfig{References: references}, codes.InvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stream, err := connect(t, &stub{stream: tt.give}).Stream(t.Context(), tt.config)
			if err == nil {
				_ = stream.Close()
			}
			if code(err) != tt.want {
				t.Errorf("Stream = %v, want %v", err, tt.want)
			}
		})
	}
}

// A caller that gives up leaves its frame's answer to nobody; Close ends those
// that wait.
func TestStreamCallersGiveUp(t *testing.T) {
	received := make(chan struct{})
	c := connect(t, &stub{stream: func(s script) error {
		_, _ = s.Recv()
		s.open()
		_, _ = s.Recv()
		received <- struct{}{}
		<-s.Context().Done()
		return nil
	}})
	stream, err := c.Stream(t.Context(), client.StreamConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-received; cancel() }()
	if _, err := stream.Score(ctx, []byte("a")); code(err) != codes.Canceled {
		t.Errorf("Score of a caller that gave up = %v, want CANCELED", err)
	}
	if _, err := stream.Score(ctx, []byte("a")); code(err) != codes.Canceled {
		t.Errorf("Score after that = %v, want CANCELED", err)
	}
	waits := make(chan error)
	go func() { _, err := stream.Score(context.Background(), []byte("b")); waits <- err }()
	_ = stream.Close()
	if err := <-waits; code(err) != codes.Canceled {
		t.Errorf("Score on a closed stream = %v, want CANCELED", err)
	}
	_ = stream.Close()
}
