package batch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
)

func TestImageInTheQueueOrUnderWayIsEncodedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		e := &encoder{before: open.before}
		q := newQueue(t, e, 3, 1)
		first := startImages(t.Context(), q.Submit, keyed(1))
		synctest.Wait()
		second := startImages(t.Context(), q.Submit, keyed(2))
		synctest.Wait()
		// 1 is under way and 2 waits; 3 comes twice in one call. All fits: what is
		// shared takes no room.
		third := startImages(t.Context(), q.Submit, keyed(2, 1, 3, 3, 4))
		synctest.Wait()
		if got := q.Stats().Queued; got != 3 {
			t.Errorf("Stats().Queued = %d, want 3", got)
		}
		close(open)
		for _, s := range []*submission{first, second, third} {
			if <-s.done; s.err != nil {
				t.Errorf("Submit = %v, want none", s.err)
			}
		}
		if diff := cmp.Diff(embeddings(2, 1, 3, 3, 4), third.embeddings); diff != "" {
			t.Errorf("shared embeddings (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([][]byte{{1}, {2}, {3}, {4}}, e.seen()); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		if third.report.Shared != 3 || q.Stats().Shared != 3 {
			t.Errorf("Shared = %d in the report, %d in Stats, want 3", third.report.Shared, q.Stats().Shared)
		}
	})
}

func TestImageIsEncodedAgainOnceItsRunIsOver(t *testing.T) {
	e := &encoder{}
	q := newQueue(t, e, 4, 4)
	for range 2 {
		if _, _, err := q.Submit(t.Context(), keyed(1)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([][]byte{{1}, {1}}, e.seen()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// The caller that brought an image first may leave: the others' embedding must not go
// with them, nor its place in the queue.
func TestSharedImageOutlivesItsFirstCaller(t *testing.T) {
	for _, when := range []string{"waits", "is under way"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testFirstCallerLeaves(t, when == "waits") })
		})
	}
}

func testFirstCallerLeaves(t *testing.T, waits bool) {
	open := make(gate)
	e := &encoder{before: open.before}
	q := newQueue(t, e, 8, 1)
	if waits {
		start(t.Context(), q.Submit, 1)
		synctest.Wait()
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := startImages(ctx, q.Submit, keyed(5, 6))
	synctest.Wait()
	second := startImages(t.Context(), q.Submit, keyed(5))
	third := startImages(t.Context(), q.Submit, keyed(7))
	synctest.Wait()
	cancel()
	if <-first.done; !errors.Is(first.err, context.Canceled) {
		t.Errorf("first caller = %v, want context.Canceled", first.err)
	}
	if got := q.Stats().Dropped[batch.DropCancelled]; got != 1 {
		t.Errorf("%d images were dropped, want 1: the one that nobody else wants", got)
	}
	close(open)
	for _, s := range []*submission{second, third} {
		if <-s.done; s.err != nil {
			t.Errorf("another caller = %v, want none", s.err)
		}
	}
	if diff := cmp.Diff(embeddings(5), second.embeddings); diff != "" {
		t.Errorf("shared embedding (-want +got):\n%s", diff)
	}
	want := [][]byte{{5}, {7}}
	if waits {
		want = [][]byte{{1}, {5}, {7}}
	}
	if diff := cmp.Diff(want, e.seen()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestFailureOfASharedImageReachesAllWhoWantIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		open := make(gate)
		e := &encoder{before: func(context.Context, int) error { <-open; return boom }}
		q := newQueue(t, e, 8, 1)
		first := startImages(t.Context(), q.Submit, keyed(1, 2))
		synctest.Wait()
		second := startImages(t.Context(), q.Submit, keyed(1))
		synctest.Wait()
		close(open)
		for _, s := range []*submission{first, second} {
			if <-s.done; !errors.Is(s.err, boom) {
				t.Errorf("Submit = %v, want the run's error", s.err)
			}
		}
		if stats := q.Stats(); stats.Queued != 0 || stats.Failed != 1 || stats.Dropped[batch.DropFailed] != 1 {
			t.Errorf("Stats() = %+v, want nothing queued, one failed run, one image dropped with it", stats)
		}
	})
}

// A caller that waits for room reserves a place for each image; those that turn
// out to be shared must be given back.
func TestSubmitWaitGivesSurplusRoomBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		q := newQueue(t, &encoder{before: open.before}, 3, 1)
		startImages(t.Context(), q.Submit, keyed(1))
		synctest.Wait()
		startImages(t.Context(), q.Submit, keyed(2, 3))
		synctest.Wait()
		patient := startImages(t.Context(), q.SubmitWait, keyed(3, 4, 4, 5)[:3])
		synctest.Wait()
		close(open)
		if <-patient.done; patient.err != nil {
			t.Fatalf("SubmitWait = %v, want none", patient.err)
		}
		if diff := cmp.Diff(embeddings(3, 4, 4), patient.embeddings); diff != "" {
			t.Errorf("embeddings (-want +got):\n%s", diff)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := q.SubmitWait(ctx, images(7, 8, 9)); err != nil {
			t.Errorf("SubmitWait of as many as may wait = %v: room was lost", err)
		}
	})
}
