package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/access"
	"siamese/server/internal/fault"
)

// TestCallCountsBeforeItsMessage: a call is one from its header on, whether its
// message comes or not, and one too many is refused before its message is taken.
func TestCallCountsBeforeItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, registry := serveMeasured(t, server.Config{MaxCalls: 1}, &fakeModel{})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{}) // is open: MaxStreams bounds it
		half, cancel := context.WithCancel(t.Context())
		defer cancel()
		r.beginCall(half, t, comparePath)
		_, err := r.Compare(t.Context(), compareRequest(encoded(make([]byte, 4<<20)), grayImage(2)))
		if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonServerBusy, ""}, failureOf(err)); diff != "" {
			t.Fatalf("second call under way (-want +got):\n%s", diff)
		}
		if got := detail[*errdetails.ErrorInfo](t, err).GetMetadata()["max_calls"]; got != "1" {
			t.Errorf("max_calls = %q, want 1", got)
		}
		if want := `msg="as many calls as the server takes" rpc=` + comparePath; !strings.Contains(r.log.String(), want) || strings.Contains(r.log.String(), "msg=call ") {
			t.Errorf("the log is\n%s\nwant %q and no call", r.log, want)
		}
		r.health(t, "") // is let in
		if err := r.beginCall(t.Context(), t, pb.SiameseService_StreamCompare_FullMethodName).RecvMsg(nil); failureOf(err).Reason != fault.ReasonServerBusy {
			t.Errorf("a stream that is not open = %v, want SERVER_BUSY", err)
		}
		if _, err := c.end(); err != nil {
			t.Errorf("the open stream ended with %v, want OK", err)
		}
		cancel()
		synctest.Wait()
		r.checkAnswers(t)
		r.checkAnswers(t) // a call has left before its answer is there
		checkScrape(t, scrape{"siamese_refusals_total{reason=SERVER_BUSY}": 2, "siamese_refusals_total{reason=OTHER}": 1},
			gather(t, registry).of("siamese_refusals"))
	})
}

// One caller with calls whose messages never come, or with silent streams, leaves
// places for another, and is told so.
func TestOneCallerLeavesPlacesForOthers(t *testing.T) {
	const places = 8 // of which one caller gets 7
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{MaxCalls: places, MaxStreams: places, Tokens: newTokenBook()}, &fakeModel{})
		ann, bob := as(t.Context(), "a-token"), as(t.Context(), "b-token")
		for range places - 1 {
			r.openStream(ann, t, &pb.StreamOpening{})
		}
		for range places - 1 {
			r.beginCall(ann, t, comparePath)
		}
		synctest.Wait()
		if _, err := r.Compare(ann, compareRequest(grayImage(1), grayImage(2))); failureOf(err).Reason != fault.ReasonServerBusy {
			t.Errorf("the caller's call %d = %v, want SERVER_BUSY", places, err)
		}
		if _, err := r.Compare(bob, compareRequest(grayImage(1), grayImage(2))); err != nil {
			t.Errorf("another caller's call = %v, want an answer", err)
		}
		if _, opened := r.openStream(bob, t, &pb.StreamOpening{}); opened == nil {
			t.Error("another caller's stream did not open")
		}
	})
}

// beginCall sends a call's header and nothing else. Its messages are of rawCodec.
func (r *running) beginCall(ctx context.Context, t *testing.T, method string) grpc.ClientStream {
	t.Helper()
	stream, err := r.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method, grpc.ForceCodec(rawCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return stream
}

// rawCodec sends bytes as they are, and drops what comes.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (rawCodec) Unmarshal([]byte, any) error   { return nil }
func (rawCodec) Name() string                  { return "proto" }

// TestPlaceComesBack: whatever becomes of a call.
func TestPlaceComesBack(t *testing.T) {
	reflection := reflectionpb.ServerReflection_ServerReflectionInfo_FullMethodName
	tests := []struct {
		name   string
		method string
		give   []byte        // the message; nil: none comes
		waits  time.Duration // until the call has ended
		want   codes.Code
	}{
		{"no message", comparePath, nil, 2 * time.Minute, codes.Canceled},
		{"no opening of a stream", pb.SiameseService_StreamCompare_FullMethodName, nil, 20 * time.Second, codes.FailedPrecondition},
		{"no message on a stream", reflection, nil, time.Minute, codes.DeadlineExceeded},
		{"no such message", comparePath, []byte("\xff"), 0, codes.InvalidArgument},
		{"no such method", "/siamese.v1.SiameseService/Unheard", []byte{}, 0, codes.Unimplemented},
		{"refused by its handler", comparePath, []byte{}, 0, codes.InvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := serve(t, server.Config{MaxCalls: 1, CallerLimits: access.Limits{Calls: 1}}, &fakeModel{})
				stream := r.beginCall(t.Context(), t, tt.method)
				if tt.give != nil {
					_ = stream.SendMsg(tt.give) // it may have been refused already
					_ = stream.CloseSend()
				}
				started := time.Now()
				if err := stream.RecvMsg(nil); status.Code(err) != tt.want || time.Since(started) != tt.waits {
					t.Errorf("the call ended with %v after %v, want %v after %v", err, time.Since(started), tt.want, tt.waits)
				}
				synctest.Wait()
				r.checkAnswers(t)
			})
		})
	}
}

// TestHTTPCallsComeAfterEachOther: who waits for the answer has no call under way,
// whatever the answer is.
func TestHTTPCallsComeAfterEachOther(t *testing.T) {
	h := serveHTTP(t, server.Config{MaxCalls: 1, CallerLimits: access.Limits{Calls: 1}}, server.HTTPConfig{}, &fakeModel{})
	tests := []struct {
		method, path, give string
		want               int
	}{
		{http.MethodPost, pb.SiameseService_GetServerInfo_FullMethodName, "{}", http.StatusOK},
		{http.MethodPost, comparePath, "{}", http.StatusBadRequest},
		{http.MethodPost, comparePath, "no JSON", http.StatusBadRequest},
		{http.MethodPost, "/siamese.v1.SiameseService/Unheard", "{}", http.StatusNotImplemented},
		{http.MethodGet, comparePath, "", http.StatusMethodNotAllowed},
	}
	for range 20 {
		for _, tt := range tests {
			if got := h.do(t, tt.method, tt.path, []byte(tt.give), "Content-Type", "application/json"); got.Status != tt.want {
				t.Errorf("%s %s of %q = %+v, want %d", tt.method, tt.path, tt.give, got, tt.want)
			}
		}
	}
}
