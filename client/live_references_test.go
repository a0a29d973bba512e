package client_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/server"
)

// restart kills the server and starts another one once its clients know.
func (h *host) restart(model server.Model) {
	h.t.Helper()
	h.kill()
	synctest.Wait()
	h.start(model)
}

// scores offers a frame and returns its scores.
func (w *watched) scores(id int64, level byte) []client.Score {
	w.t.Helper()
	w.offer(id, level)
	got := w.result()
	if got.FrameID != id || got.Err != nil {
		w.t.Fatalf("result = %+v, want frame %d scored", got, id)
	}
	return got.Scores
}

func (w *watched) set(name string, image []byte) {
	w.t.Helper()
	if err := w.SetReference(client.Reference{Name: name, Image: image}); err != nil {
		w.t.Fatalf("SetReference(%q) = %v, want none", name, err)
	}
}

func checkScores(t *testing.T, want, got []client.Score) {
	t.Helper()
	if diff := cmp.Diff(want, got, approx); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
}

func TestLiveFramesWaitForAReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		h.start(meanModel{})
		w := h.live(client.LiveConfig{})
		w.offer(1, 50)
		time.Sleep(time.Hour) // fake time: a stream that owes nothing is not given up
		w.offer(2, 60)
		synctest.Wait()
		if diff := cmp.Diff(client.Stats{Offered: 2, Replaced: 1}, w.Stats()); diff != "" {
			t.Errorf("stats without a reference (-want +got):\n%s", diff)
		}
		w.set("a", gray(60))
		if got := w.result(); got.FrameID != 2 {
			t.Errorf("result = %+v, want frame 2 scored", got)
		}
		w.DropReference("a")
		synctest.Wait()
		w.offer(3, 60)
		synctest.Wait()
		if got := w.Stats().Sent; got != 1 {
			t.Errorf("%d frames were sent after the last reference was dropped, want 1 as before", got)
		}
	})
}

func TestLiveReferencesChangeWhileItStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		h.start(meanModel{})
		w := h.live(client.LiveConfig{References: one})
		checkScores(t, []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}, w.scores(1, 100))
		w.set("b", gray(0))
		w.set("a", gray(0))
		far := []client.Score{{Reference: "a", Similarity: 1 - 100./255, Model: "mean"}, {Reference: "b", Similarity: 1 - 100./255, Model: "mean"}}
		checkScores(t, far, w.scores(2, 100))
		w.DropReference("a")
		w.DropReference("nobody")
		checkScores(t, far[1:], w.scores(3, 100))
		w.DropReference("b")
		w.set("b", gray(100)) // again
		w.set("a", gray(0))
		checkScores(t, []client.Score{{Reference: "b", Similarity: 1, Same: true, Model: "mean"}, far[0]}, w.scores(4, 100))
		h.restart(meanModel{})
		checkScores(t, []client.Score{{Reference: "b", Similarity: 1, Same: true, Model: "mean"}, far[0]}, w.scores(5, 100))
	})
}

func TestLiveSendsARefusedReferenceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		h.start(meanModel{})
		w := h.live(client.LiveConfig{References: append([]client.Reference{{Name: "bad", Image: []byte("junk")}}, one...)})
		got := w.refusal()
		if got.Name != "bad" || got.Err.Reason != "IMAGE_FORMAT_UNKNOWN" || !errors.Is(&got, got.Err) {
			t.Errorf("error = %v, want IMAGE_FORMAT_UNKNOWN of bad", &got)
		}
		if want := `reference "bad": IMAGE_FORMAT_UNKNOWN: `; !strings.HasPrefix(got.Error(), want) {
			t.Errorf("error = %q, want %q and more", got.Error(), want)
		}
		for id := range int64(3) {
			checkScores(t, []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}, w.scores(id, 100))
			h.restart(meanModel{})
			w.phase(client.Streaming)
			synctest.Wait()
			for _, update := range w.drained() {
				if update.ReferenceError != nil {
					t.Errorf("%v on stream %d, want none", update.ReferenceError, id+2)
				}
			}
		}
	})
}

func TestLiveKeepsTheImageBeforeARefusedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		var encoded atomic.Int32
		h.start(meanModel{encode: func(byte) error { encoded.Add(1); return nil }})
		w := h.live(client.LiveConfig{References: one})
		want := []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}
		// A frame with the reference's pixels would share its run, were it still in flight.
		w.scores(1, 90)
		w.set("a", []byte("junk"))
		w.refusal()
		checkScores(t, want, w.scores(2, 100))
		if got := encoded.Load(); got != 3 {
			t.Errorf("%d images were encoded, want 3, the reference and two frames: the server has kept it", got)
		}
		h.restart(meanModel{})
		checkScores(t, want, w.scores(3, 100))

		// The same where the refusal comes from the next server.
		h.kill()
		synctest.Wait()
		w.set("a", []byte("junk"))
		h.start(meanModel{})
		w.refusal()
		checkScores(t, want, w.scores(4, 100))
	})
}

func TestLiveForgetsAnImageThatTheNextServerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		h.start(meanModel{})
		w := h.live(client.LiveConfig{References: one})
		w.scores(1, 100)
		h.cfg.Limits.MaxBytes = 10
		h.restart(meanModel{})
		if got := w.refusal(); got.Name != "a" || got.Err.Reason != "IMAGE_TOO_LARGE" {
			t.Errorf("error = %v, want IMAGE_TOO_LARGE of a", &got)
		}
		w.offer(2, 100)
		time.Sleep(time.Minute) // fake time
		h.cfg.Limits.MaxBytes = 0
		h.restart(meanModel{})
		time.Sleep(time.Minute)
		if got := w.Stats().Sent; got != 1 {
			t.Errorf("%d frames were sent, want 1: there is nothing to score a second against", got)
		}
	})
}

// The drop of a reference that turns out to be refused is no error of its own.
func TestLiveDropsAReferenceThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		blocked := make(gate)
		h.start(meanModel{encode: blocked.encodeBut()})
		w := h.live(client.LiveConfig{References: append(one[:1:1], client.Reference{Name: "bad", Image: []byte("junk")})})
		synctest.Wait()
		w.DropReference("bad")
		synctest.Wait()
		blocked.open()
		if got := w.refusal(); got.Name != "bad" {
			t.Errorf("error = %v, want one of bad", &got)
		}
		synctest.Wait()
		for _, update := range w.drained() {
			t.Errorf("an update more: %+v", update)
		}
		checkScores(t, []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}, w.scores(1, 100))
	})
}

func TestLiveTellsOfMoreReferencesThanTheServerHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{MaxStreamReferences: 1})
		h.start(meanModel{})
		w := h.live(client.LiveConfig{References: append(one[:1:1], client.Reference{Name: "b", Image: gray(1)})})
		if got := w.refusal(); got.Name != "b" || got.Err.Reason != "TOO_MANY_REFERENCES" {
			t.Errorf("error = %v, want TOO_MANY_REFERENCES of b", &got)
		}
		checkScores(t, []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}, w.scores(1, 100))
	})
}

func TestLiveSendsAReferenceAgainThatTheServerFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, server.Config{})
		var tries atomic.Int32
		h.start(meanModel{encode: func(byte) error { tries.Add(1); return errors.New("the device is gone") }})
		w := h.live(client.LiveConfig{References: one})
		if got := w.refusal(); got.Name != "a" || got.Err.Code != codes.Internal {
			t.Errorf("error = %v, want INTERNAL of a", &got)
		}
		w.offer(1, 0)
		time.Sleep(time.Minute) // fake time
		if got := tries.Load(); got != 1 {
			t.Errorf("%d images were encoded, want the reference, once", got)
		}
		h.restart(meanModel{})
		checkScores(t, []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}, w.scores(2, 100))
	})
}

func TestLiveRefusesReferencesThatNoServerTakes(t *testing.T) {
	tests := []struct {
		name string
		give client.Reference
		want string
	}{
		{"no name", client.Reference{Image: gray(1)}, "received a name of 0 bytes, expected 1 to 256"},
		{"long name", client.Reference{Name: strings.Repeat("n", 257), Image: gray(1)}, "received a name of 257 bytes, expected 1 to 256"},
		{"not UTF-8", client.Reference{Name: "\xff", Image: gray(1)}, `received the name "\xff", expected UTF-8`},
		{"no image", client.Reference{Name: "a"}, "received an image of 0 bytes, expected an encoded file"},
		{"over a message", client.Reference{Name: "a", Image: make([]byte, 16<<20)}, "received an image of 16777216 bytes, expected at most 16776192"},
	}
	synctest.Test(t, func(t *testing.T) {
		w := newHost(t, server.Config{}).live(client.LiveConfig{})
		for _, tt := range tests {
			if err := w.SetReference(tt.give); err == nil || err.Error() != "client: set reference: "+tt.want {
				t.Errorf("%s: SetReference = %v, want %q", tt.name, err, tt.want)
			}
		}
		for i := range 256 {
			w.set(string(rune('Ā'+i)), one[0].Image)
		}
		w.set("Ā", gray(2)) // in use
		if err := w.SetReference(one[0]); err == nil || !strings.Contains(err.Error(), "expected at most 256") {
			t.Errorf("SetReference of one more than 256 = %v, want an error that says so", err)
		}
	})
}
