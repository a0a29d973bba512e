package client_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/client"
	"siamese/server"
)

func TestLiveComesBackAfterItsServerWasKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		blocked := make(gate)
		h.start(meanModel{encode: blocked.encodeBut(10, 20, 30)})
		w := h.live(client.LiveConfig{References: []client.Reference{
			{Name: "kept", Image: gray(10)}, {Name: "renewed", Image: gray(20)}, {Name: "dropped", Image: gray(30)},
		}})
		w.offer(1, 15)
		synctest.Wait()
		go h.kill()
		synctest.Wait() // the stream has ended, though the encoder has not
		blocked.open()
		if got := w.result(); got.FrameID != 1 || got.Err == nil || got.Err.Code != codes.Unavailable {
			t.Errorf("result = %+v, want frame 1 failed with UNAVAILABLE", got)
		}
		if got := w.phase(client.Waiting); code(got.Err) != codes.Unavailable || got.RetryIn <= 0 {
			t.Errorf("state = %+v, want UNAVAILABLE and a retry", got)
		}
		w.DropReference("dropped")
		if err := w.SetReference(client.Reference{Name: "renewed", Image: gray(40)}); err != nil {
			t.Fatal(err)
		}
		for id := int64(2); id <= 5; id++ {
			w.offer(id, 40)
		}
		time.Sleep(time.Minute) // fake time
		h.start(meanModel{})
		w.phase(client.Streaming)
		got := w.result()
		want := []client.Score{{Reference: "kept", Similarity: 1 - 30./255, Same: true, Model: "mean"}, {Reference: "renewed", Similarity: 1, Same: true, Model: "mean"}}
		if diff := cmp.Diff(want, got.Scores, approx); diff != "" || got.FrameID != 5 {
			t.Errorf("frame %d, want 5; scores (-want +got):\n%s", got.FrameID, diff)
		}
		wantStats := client.Stats{Offered: 5, Replaced: 3, Sent: 2, Scored: 1, Failed: 1, Reconnects: 1}
		if diff := cmp.Diff(wantStats, w.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

// The same over TCP, in real time.
func TestLiveComesBackOverTCP(t *testing.T) {
	var conns []net.Conn
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			conns = append(conns, conn) // one dial at a time
		}
		return conn, err
	}
	stop := serveTCP(t, listener)
	w := watch(t, dial, client.LiveConfig{References: one, MinBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond})
	w.offer(1, 100)
	if got := w.result(); got.FrameID != 1 || len(got.Scores) != 1 {
		t.Fatalf("result = %+v, want frame 1 scored", got)
	}
	_ = conns[0].Close()
	stop()
	w.phase(client.Waiting)
	if listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	defer serveTCP(t, listener)()
	w.offer(2, 100)
	if got := w.result(); got.FrameID != 2 || len(got.Scores) != 1 {
		t.Errorf("result = %+v, want frame 2 scored", got)
	}
}

func serveTCP(t *testing.T, listener net.Listener) (stop func()) {
	t.Helper()
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := setModel(s, meanModel{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	return func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
	}
}

func TestLiveGivesUpAServerThatOwesAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		blocked := make(gate)
		h.start(meanModel{encode: blocked.encodeBut(1, 100)})
		defer blocked.open()
		w := h.live(client.LiveConfig{References: one, AnswerTimeout: 7 * time.Second})
		w.phase(client.Streaming)
		time.Sleep(time.Hour) // fake time: nothing is owed
		w.offer(1, 1)
		if got := w.result(); got.Err != nil {
			t.Fatalf("result = %+v, want frame 1 scored after a silent hour", got)
		}
		started := time.Now()
		w.offer(2, 0)
		got := w.result()
		if got.FrameID != 2 || got.Err == nil || got.Err.Code != codes.DeadlineExceeded {
			t.Errorf("result = %+v, want frame 2 failed with DEADLINE_EXCEEDED", got)
		}
		if took := time.Since(started); took != 7*time.Second {
			t.Errorf("given up after %v, want AnswerTimeout, 7s", took)
		}
		if state := w.phase(client.Waiting); code(state.Err) != codes.DeadlineExceeded {
			t.Errorf("state = %+v, want DEADLINE_EXCEEDED", state)
		}
	})
}

func TestLiveMovesOnWhenItsServerDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		blocked := make(gate)
		h.start(meanModel{encode: blocked.encodeBut(100)})
		w := h.live(client.LiveConfig{References: one})
		w.offer(1, 50)
		synctest.Wait()
		h.stop()
		synctest.Wait()
		if got := w.phase(client.Draining); got.Model != "mean" || got.Threshold != meanInfo.Threshold {
			t.Errorf("state = %+v, want the model's as before", got)
		}
		w.offer(2, 50) // for the next server
		synctest.Wait()
		started := time.Now()
		blocked.open()
		if got := w.result(); got.FrameID != 1 || len(got.Scores) != 1 {
			t.Errorf("result = %+v, want frame 1 scored while draining", got)
		}
		got := w.phase(client.Waiting)
		if failure, ok := errors.AsType[*client.Error](got.Err); !ok || failure.Reason != "DRAINING" {
			t.Errorf("state = %+v, want DRAINING", got)
		}
		if took := time.Since(started); took != 0 {
			t.Errorf("left the server after %v, want at once: all was answered", took)
		}
		h.kill()
		h.start(meanModel{})
		if got := w.result(); got.FrameID != 2 || len(got.Scores) != 1 {
			t.Errorf("result = %+v, want frame 2 scored by the next server", got)
		}
		if diff := cmp.Diff(client.Stats{Offered: 2, Sent: 2, Scored: 2, Reconnects: 1}, w.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

// Callers, a reader and a server that comes and goes, all at once: every frame
// that was sent is told of once, and the counts add up.
func TestLiveCountsEveryFrameOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		slow := meanModel{encode: func(byte) error { time.Sleep(20 * time.Millisecond); return nil }} // fake time
		h.start(slow)
		w := h.live(client.LiveConfig{References: one, MinBackoff: 10 * time.Millisecond, MaxBackoff: 50 * time.Millisecond})
		var callers sync.WaitGroup
		callers.Go(func() {
			for id := range int64(500) {
				w.offer(id, byte(id))
				time.Sleep(14 * time.Millisecond)
			}
		})
		callers.Go(func() {
			for i := range byte(200) {
				_ = w.SetReference(client.Reference{Name: string('b' + rune(i%3)), Image: gray(i)})
				time.Sleep(30 * time.Millisecond)
				w.DropReference(string('b' + rune(i%5)))
			}
		})
		callers.Go(func() {
			for range 5 {
				time.Sleep(time.Second)
				h.kill()
				time.Sleep(100 * time.Millisecond)
				h.start(slow)
			}
		})
		var seen []int64
		read := make(chan struct{})
		go func() {
			defer close(read)
			for update := range w.Updates() {
				if update.Result != nil {
					seen = append(seen, update.Result.FrameID)
				}
			}
		}()
		callers.Wait()
		_ = w.Close()
		<-read
		got := w.Stats()
		if waiting := got.Offered - got.Replaced - got.Sent; got.Offered != 500 || waiting < 0 || waiting > 1 {
			t.Errorf("stats = %+v, want 500 offered, replaced or sent", got)
		}
		if got.Sent != got.Scored+got.DroppedByServer+got.Failed || got.Sent != int64(len(seen)) {
			t.Errorf("stats = %+v and %d results, want one for each sent", got, len(seen))
		}
		if got.Scored < 100 || got.Reconnects != 5 {
			t.Errorf("stats = %+v, want 100 scored at least and 5 reconnects", got)
		}
		if !slices.IsSorted(seen) || len(slices.Compact(seen)) != int(got.Sent) {
			t.Errorf("results of frames %v, want each once and in order", seen)
		}
	})
}

func code(err error) codes.Code { return status.Code(err) }
