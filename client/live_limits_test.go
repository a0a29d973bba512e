package client_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	"siamese/client"
	"siamese/server"
)

// noise returns a file that is no picture.
func noise(length int) []byte {
	file := make([]byte, length)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(file)
	return file
}

// gRPC ends the stream of a message over the server's limit and does not say
// which one it was.
func TestLiveFindsWhatIsTooLargeForTheServer(t *testing.T) {
	const limit = 64 << 10
	t.Run("a reference", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, server.Config{MaxMessageBytes: limit})
			h.start(meanModel{})
			w := h.live(client.LiveConfig{References: append(one[:1:1], client.Reference{Name: "large", Image: noise(limit)})})
			if got := w.refusal(); got.Name != "large" || got.Err.Code != codes.ResourceExhausted {
				t.Errorf("error = %v, want RESOURCE_EXHAUSTED of large", &got)
			}
			w.phase(client.Streaming)
			checkScores(t, []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}, w.scores(1, 100))
			if got := w.Stats().Reconnects; got != 1 {
				t.Errorf("%d reconnects, want 1", got)
			}
		})
	})
	t.Run("a frame", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, server.Config{MaxMessageBytes: limit})
			h.start(meanModel{})
			w := h.live(client.LiveConfig{References: one})
			w.Offer(client.Frame{ID: 1, Image: noise(limit)})
			if got := w.result(); got.FrameID != 1 || got.Err == nil || got.Err.Code != codes.ResourceExhausted {
				t.Errorf("result = %+v, want frame 1 failed with RESOURCE_EXHAUSTED", got)
			}
			checkScores(t, []client.Score{{Reference: "a", Similarity: 1, Same: true, Model: "mean"}}, w.scores(2, 100))
		})
	})
	t.Run("a frame beside a reference", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, server.Config{MaxMessageBytes: limit})
			blocked := make(gate)
			h.start(meanModel{encode: blocked.encodeBut(100)})
			w := h.live(client.LiveConfig{References: one})
			synctest.Wait()
			w.set("b", gray(99))
			synctest.Wait() // it is in flight
			w.Offer(client.Frame{ID: 1, Image: noise(limit)})
			synctest.Wait()
			for _, update := range w.drained() {
				if update.ReferenceError != nil {
					t.Errorf("%v, want none: the frame was too large", update.ReferenceError)
				}
			}
			blocked.open()
			if got := w.scores(2, 100); len(got) != 2 {
				t.Errorf("scores = %v, want those of a and b", got)
			}
		})
	})
}
