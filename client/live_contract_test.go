package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"siamese/client"
	siamesev1 "siamese/proto/siamese/v1"
)

func TestLiveLeavesAServerThatDrainsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := scripted(t, client.LiveConfig{AnswerTimeout: 7 * time.Second}, func(s script) error {
			s.open()
			_ = s.Send(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_Draining{}})
			<-s.Context().Done()
			return nil
		})
		since := w.phase(client.Draining).Since
		got := w.phase(client.Waiting)
		if took := got.Since.Sub(since); code(got.Err) != codes.DeadlineExceeded || took != 7*time.Second {
			t.Errorf("state = %+v after %v, want DEADLINE_EXCEEDED after AnswerTimeout, 7s", got, took)
		}
	})
}

func TestLiveLeavesAServerThatBreaksTheContract(t *testing.T) {
	answer := func(m *siamesev1.StreamCompareResponse) func(script) error {
		return func(s script) error { s.open(); _ = s.Send(m); <-s.Context().Done(); return nil }
	}
	tests := []struct {
		name string
		give func(script) error
		want codes.Code
	}{
		{"no opened", func(s script) error { _ = s.Send(&siamesev1.StreamCompareResponse{}); <-s.Context().Done(); return nil }, codes.Internal},
		{"the end at once", func(script) error { return nil }, codes.Unavailable},
		{"the end", func(s script) error { s.open(); return nil }, codes.Unavailable},
		{"a frame that is not in flight", answer(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_FrameScored{
			FrameScored: &siamesev1.FrameScored{Id: 3}}}), codes.Internal},
		{"drops of such", answer(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_FramesDropped{
			FramesDropped: &siamesev1.FramesDropped{Ids: []uint64{3}}}}), codes.Internal},
		{"a failure of such", answer(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ItemFailed{
			ItemFailed: &siamesev1.ItemFailed{Item: &siamesev1.ItemFailed_Id{Id: 3}}}}), codes.Internal},
		{"a reference that is not in flight", answer(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ReferenceSet{
			ReferenceSet: &siamesev1.ReferenceSet{Name: "b"}}}), codes.Internal},
		{"a failure of that", answer(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ItemFailed{
			ItemFailed: &siamesev1.ItemFailed{Item: &siamesev1.ItemFailed_Reference{Reference: "b"}}}}), codes.Internal},
		{"a failure of nothing", answer(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ItemFailed{
			ItemFailed: &siamesev1.ItemFailed{Error: &siamesev1.ItemError{Code: int32(codes.Aborted)}}}}), codes.Aborted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := scripted(t, client.LiveConfig{}, tt.give)
				if got := w.phase(client.Waiting); code(got.Err) != tt.want {
					t.Errorf("state = %+v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestLiveTellsWhatIsForeign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := scripted(t, client.LiveConfig{References: one, Model: "auto", TestTimeViews: 3}, func(s script) error {
			opening, _ := s.Recv()
			if got := opening.GetOpening().GetOptions(); got.GetModel() != "auto" || got.GetTestTimeViews() != 3 {
				t.Errorf("stream opened with model %q and %d views, want auto and 3", got.GetModel(), got.GetTestTimeViews())
			}
			s.open()
			set, _ := s.Recv()
			_ = s.Send(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_ReferenceSet{ReferenceSet: &siamesev1.ReferenceSet{
				Name: set.GetSetReference().GetName(), Familiarity: strange, Warning: "it is strange",
			}}})
			frame, _ := s.Recv()
			s.frameScored(frame.GetFrame().GetId())
			<-s.Context().Done()
			return nil
		})
		w.offer(1, 100)
		wantSet := client.ReferenceSet{Name: one[0].Name, Familiarity: isStrange, Warning: "it is strange"}
		set := *awaited(w, "a reference taken", func(u client.Update) *client.ReferenceSet { return u.ReferenceSet })
		if diff := cmp.Diff(wantSet, set); diff != "" {
			t.Errorf("reference taken (-want +got):\n%s", diff)
		}
		got := w.result()
		want := client.Result{
			FrameID: 1, Captured: captured(1), Sent: got.Sent, Received: got.Received,
			Scores: strangeScores("general"), Familiarity: isStrange, Warning: "the frame is strange",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
	})
}

// script is a stream whose server is the test.
type script struct {
	grpc.BidiStreamingServer[siamesev1.StreamCompareRequest, siamesev1.StreamCompareResponse]
}

func (s script) open() {
	_ = s.Send(&siamesev1.StreamCompareResponse{Message: &siamesev1.StreamCompareResponse_Opened{
		Opened: &siamesev1.StreamOpened{Window: 1, Model: &siamesev1.ModelReference{Name: "general"}},
	}})
}

// scripted starts a Live whose streams are all served by serve.
func scripted(t *testing.T, config client.LiveConfig, serve func(script) error) *watched {
	t.Helper()
	return watch(t, serveStub(t, &stub{stream: serve}), config)
}
