package client_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/server"
)

// similarityTolerance allows for the rounding of a mean.
const similarityTolerance = 1e-6

var approx = cmpopts.EquateApprox(0, similarityTolerance)

// one is a single reference.
var one = []client.Reference{{Name: "a", Image: gray(100)}}

func TestLiveScoresFramesAgainstReferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		h.start(meanModel{encode: func(byte) error { time.Sleep(30 * time.Millisecond); return nil }}) // fake time
		threshold := float32(0.9)
		w := h.live(client.LiveConfig{
			References: []client.Reference{{Name: "b", Image: gray(200)}, {Name: "a", Image: gray(100)}},
			Threshold:  &threshold,
		})
		threshold = 0 // not the Live's any more
		got := w.phase(client.Streaming)
		want := client.State{Phase: client.Streaming, Since: time.Now(), Model: "mean", Threshold: 0.9, Window: 2}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second) // fake time: the references are there
		sent := time.Now()
		w.offer(-7, 100)
		wantResult := client.Result{
			FrameID: -7, Captured: captured(-7), Sent: sent, Received: sent.Add(30 * time.Millisecond), Threshold: 0.9,
			Scores: []client.Score{
				{Reference: "b", Similarity: 1 - 100./255, Model: "mean"},
				{Reference: "a", Similarity: 1, Same: true, Model: "mean"},
			},
			Timings: client.Timings{Encode: 30 * time.Millisecond, Total: 30 * time.Millisecond},
		}
		if diff := cmp.Diff(wantResult, w.result(), approx); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
	})
}

func TestLiveSendsTheNewestFrameToASlowServer(t *testing.T) {
	tests := []struct {
		name         string
		give, server int // windows
		want         []int64
	}{
		{"default", 0, 0, []int64{1, 2, 100}},
		{"one", 1, 0, []int64{1, 100}},
		{"the server grants less", 4, 1, []int64{1, 100}},
		{"the server would grant more", 3, 0, []int64{1, 2, 3, 100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testSlowServer(t, tt.give, tt.server, tt.want) })
		})
	}
}

func testSlowServer(t *testing.T, window, granted int, want []int64) {
	h := newHost(t, server.Config{MaxStreamWindow: granted})
	blocked := make(gate)
	h.start(meanModel{encode: blocked.encodeBut(100)})
	w := h.live(client.LiveConfig{References: one, Window: window})
	synctest.Wait()
	for id := int64(1); id <= 100; id++ {
		w.offer(id, 50)
		synctest.Wait()
	}
	blocked.open()
	synctest.Wait()
	var got []int64
	for _, update := range w.drained() {
		if update.Result != nil {
			got = append(got, update.Result.FrameID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frames answered (-want +got):\n%s", diff)
	}
	n := int64(len(want))
	wantStats := client.Stats{Offered: 100, Replaced: 100 - n, Sent: n, Scored: n}
	if diff := cmp.Diff(wantStats, w.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

// While references are in flight they hold the server's window, so that the
// frame which waits there is replaced there.
func TestLiveTellsOfFramesThatTheServerDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		blocked := make(gate)
		h.start(meanModel{encode: blocked.encodeBut()})
		w := h.live(client.LiveConfig{References: append([]client.Reference{{Name: "b", Image: gray(1)}}, one...)})
		for id := int64(1); id <= 2; id++ {
			synctest.Wait()
			w.offer(id, 100)
		}
		synctest.Wait()
		blocked.open()
		if got := w.result(); got.FrameID != 1 || !got.Dropped || got.Scores != nil || got.Err != nil {
			t.Errorf("result = %+v, want frame 1 dropped", got)
		}
		if got := w.result(); got.FrameID != 2 || got.Dropped || len(got.Scores) != 2 {
			t.Errorf("result = %+v, want frame 2 scored", got)
		}
		if diff := cmp.Diff(client.Stats{Offered: 2, Sent: 2, Scored: 1, DroppedByServer: 1}, w.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestLiveGoesOnAfterABadFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		h.start(meanModel{})
		w := h.live(client.LiveConfig{References: one})
		w.Offer(client.Frame{ID: 1, Image: []byte("no picture")})
		got := w.result()
		if got.FrameID != 1 || got.Err == nil || got.Err.Reason != "IMAGE_FORMAT_UNKNOWN" || got.Err.Code != codes.InvalidArgument {
			t.Errorf("result = %+v, want frame 1 refused with IMAGE_FORMAT_UNKNOWN", got)
		}
		w.offer(2, 100)
		if got := w.result(); got.FrameID != 2 || len(got.Scores) != 1 {
			t.Errorf("result = %+v, want frame 2 scored", got)
		}
		if diff := cmp.Diff(client.Stats{Offered: 2, Sent: 2, Scored: 1, Failed: 1}, w.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestLiveIsNotHeldUpByASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		h.start(meanModel{})
		w := h.live(client.LiveConfig{References: one})
		const frames, kept = 200, 64
		for id := int64(1); id <= frames; id++ {
			w.offer(id, 100)
			synctest.Wait()
		}
		const others = 3 // connecting, streaming, the reference taken
		want := client.Stats{Offered: frames, Sent: frames, Scored: frames, UpdatesLost: frames + others - kept}
		if diff := cmp.Diff(want, w.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		updates := w.drained()
		if len(updates) != kept {
			t.Fatalf("%d updates were kept, want %d", len(updates), kept)
		}
		if first, last := updates[0].Result, updates[kept-1].Result; first.FrameID != frames-kept+1 || last.FrameID != frames {
			t.Errorf("results %d to %d were kept, want the newest", first.FrameID, last.FrameID)
		}
	})
}

// In a bubble a call that blocks for ever fails the test.
func TestLiveNeverWaitsForTheNetwork(t *testing.T) {
	stuck := func(ctx context.Context, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, stuck, client.LiveConfig{})
		started := time.Now()
		for id := range int64(1000) {
			w.Offer(client.Frame{ID: id, Image: one[0].Image})
			if err := w.SetReference(one[0]); err != nil {
				t.Fatal(err)
			}
		}
		w.DropReference("a")
		if got := w.State().Phase; got != client.Connecting {
			t.Errorf("phase = %v, want connecting", got)
		}
		if err := w.Close(); err != nil {
			t.Errorf("Close = %v, want none", err)
		}
		if took := time.Since(started); took != 0 {
			t.Errorf("all of it took %v, want no time", took)
		}
		if diff := cmp.Diff(client.Stats{Offered: 1000, Replaced: 999}, w.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestLiveEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(w *client.Live, cancel context.CancelFunc)
	}{
		{"by Close", func(w *client.Live, _ context.CancelFunc) { _ = w.Close() }},
		{"by its context", func(_ *client.Live, cancel context.CancelFunc) { cancel() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testEnd(t, tt.end) })
		})
	}
}

func testEnd(t *testing.T, end func(*client.Live, context.CancelFunc)) {
	h := newHost(t, server.Config{})
	blocked := make(gate)
	h.start(meanModel{encode: blocked.encodeBut()})
	defer blocked.open()
	c := connectTo(t, h.dial)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := c.Live(ctx, client.LiveConfig{References: one})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{Live: l, t: t}
	w.offer(1, 100)
	synctest.Wait()
	end(l, cancel)
	if got := w.result(); got.FrameID != 1 || got.Err == nil || got.Err.Code != codes.Canceled {
		t.Errorf("result = %+v, want frame 1 cancelled", got)
	}
	w.phase(client.Closed)
	if update, ok := <-w.Updates(); ok {
		t.Errorf("an update after the end: %+v", update)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v, want none", err)
		}
	}
	w.offer(2, 100)
	w.DropReference("a")
	if err := w.SetReference(one[0]); err == nil {
		t.Error("SetReference after the end = nil, want an error")
	}
	if diff := cmp.Diff(client.Stats{Offered: 1, Sent: 1, Failed: 1}, w.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	if got := w.State().Phase; got != client.Closed {
		t.Errorf("phase = %v, want closed", got)
	}
}
