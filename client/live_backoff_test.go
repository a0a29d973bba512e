package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"siamese/client"
	"siamese/server"
)

func TestLiveBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		w := h.live(client.LiveConfig{References: one, MinBackoff: time.Second, MaxBackoff: 10 * time.Second})
		wants := []time.Duration{1, 2, 4, 8, 10, 10, 10}
		differs := false
		for _, want := range wants {
			want *= time.Second
			got := w.phase(client.Waiting)
			if got.RetryIn < want/2 || got.RetryIn > want {
				t.Errorf("retry in %v, want %v to %v", got.RetryIn, want/2, want)
			}
			if code(got.Err) != codes.Unavailable {
				t.Errorf("error = %v, want UNAVAILABLE", got.Err)
			}
			if next := w.phase(client.Connecting); next.Since.Sub(got.Since) != got.RetryIn {
				t.Errorf("retried after %v, want %v", next.Since.Sub(got.Since), got.RetryIn)
			}
			differs = differs || got.RetryIn != want
		}
		if !differs {
			t.Error("no pause was shortened at random")
		}
		h.start(meanModel{})
		w.offer(1, 100)
		w.result()
		h.kill()
		if got := w.phase(client.Waiting).RetryIn; got > time.Second {
			t.Errorf("retry in %v after a stream that was of use, want at most MinBackoff, 1s", got)
		}
	})
}

func TestLiveWaitsAsLongAsTheServerAsks(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{-time.Second: 0, 7 * time.Second: 7 * time.Second, time.Hour: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			busy, err := status.New(codes.ResourceExhausted, "full").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(asked)})
			if err != nil {
				t.Fatal(err)
			}
			w := scripted(t, client.LiveConfig{MinBackoff: time.Second, MaxBackoff: time.Minute}, func(script) error { return busy.Err() })
			got := w.phase(client.Waiting)
			if least, most := want+time.Second/2, want+time.Second; got.RetryIn < least || got.RetryIn > most {
				t.Errorf("asked to wait %v: retry in %v, want %v to %v", asked, got.RetryIn, least, most)
			}
		})
	}
}

func TestLiveRetriesSlowlyWhatRetriesDoNotHeal(t *testing.T) {
	tests := []struct {
		give         codes.Code
		wantLongest  time.Duration
		wantShortest time.Duration
	}{
		{codes.Unavailable, time.Second, time.Second / 2},
		{codes.Internal, time.Second, time.Second / 2},
		{codes.Unimplemented, time.Minute, time.Minute / 2},
		{codes.Unauthenticated, time.Minute, time.Minute / 2},
		{codes.PermissionDenied, time.Minute, time.Minute / 2},
		{codes.InvalidArgument, time.Minute, time.Minute / 2},
	}
	for _, tt := range tests {
		t.Run(tt.give.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				w := scripted(t, client.LiveConfig{MinBackoff: time.Second, MaxBackoff: time.Minute}, func(script) error {
					tries++
					return status.Error(tt.give, "no")
				})
				got := w.phase(client.Waiting)
				if code(got.Err) != tt.give || got.RetryIn < tt.wantShortest || got.RetryIn > tt.wantLongest {
					t.Errorf("state = %+v, want %v and a retry in %v to %v", got, tt.give, tt.wantShortest, tt.wantLongest)
				}
				w.phase(client.Waiting)
				if tries != 2 {
					t.Errorf("%d tries, want 2", tries)
				}
			})
		})
	}
}
