package batch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
)

func TestSubmitReturnsEachImagesEmbeddingInOrder(t *testing.T) {
	q := newQueue(t, &encoder{}, 10, 4)
	got, _, err := q.Submit(t.Context(), images(7, 3, 3, 9, 1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(embeddings(7, 3, 3, 9, 1), got); diff != "" {
		t.Errorf("Submit (-want +got):\n%s", diff)
	}
}

func TestSubmitOfNothingRunsNothing(t *testing.T) {
	e := &encoder{}
	got, _, err := newQueue(t, e, 1, 1).Submit(t.Context(), nil)
	if got != nil || err != nil || len(e.seen()) != 0 {
		t.Errorf("Submit(nil) = %v, %v after %d runs, want nothing", got, err, len(e.seen()))
	}
}

func TestSubmitRefusesAnImageOfTheWrongLength(t *testing.T) {
	q := newQueue(t, &encoder{}, 10, 4)
	_, _, err := q.Submit(t.Context(), []batch.Image{{Pixels: image(1)}, {Pixels: []byte{1, 2, 3}}})
	if err == nil || !strings.Contains(err.Error(), "image 1 has 3 bytes, expected 2") {
		t.Errorf("Submit = %v, want the lengths", err)
	}
}

func TestRunsMixCallersAndSplitThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		e := &encoder{before: open.before}
		q := newQueue(t, e, 20, 4)
		first := start(t.Context(), q.Submit, 1)
		synctest.Wait()
		second := start(t.Context(), q.Submit, 10, 11, 12)
		synctest.Wait()
		third := start(t.Context(), q.Submit, 20, 21, 22, 23, 24)
		synctest.Wait()
		close(open)
		for _, s := range []*submission{first, second, third} {
			<-s.done
		}
		wantRuns := [][]byte{{1}, {10, 11, 20, 21}, {12, 22, 23, 24}}
		if diff := cmp.Diff(wantRuns, e.seen()); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(embeddings(20, 21, 22, 23, 24), third.embeddings); diff != "" {
			t.Errorf("split caller (-want +got):\n%s", diff)
		}
	})
}

func TestReportTellsWaitAndRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &encoder{before: func(context.Context, int) error { time.Sleep(time.Second); return nil }}
		q := newQueue(t, e, 20, 2)
		first := start(t.Context(), q.Submit, 1)
		synctest.Wait()
		second := start(t.Context(), q.Submit, 10, 11, 12)
		<-first.done
		<-second.done
		// The second caller waits for the first one's run; its last image waits
		// for its own first run too.
		want := []batch.Report{
			{Queue: 0, Encode: time.Second},
			{Queue: 2 * time.Second, Encode: 2 * time.Second},
		}
		if diff := cmp.Diff(want, []batch.Report{first.report, second.report}); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

func TestCallersThatLeftAreNotEncodedAndFreeTheirRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		e := &encoder{before: open.before}
		q := newQueue(t, e, 4, 2)
		start(t.Context(), q.Submit, 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		dead := start(ctx, q.Submit, 2, 3, 4)
		synctest.Wait()
		if <-dead.done; !errors.Is(dead.err, context.DeadlineExceeded) {
			t.Errorf("Submit past its deadline = %v, want context.DeadlineExceeded", dead.err)
		}
		if got := q.Stats().Queued; got != 0 {
			t.Errorf("Stats().Queued after the caller left = %d, want 0", got)
		}
		alive := start(t.Context(), q.Submit, 5, 6, 7, 8)
		synctest.Wait()
		close(open)
		<-alive.done
		if diff := cmp.Diff([][]byte{{1}, {5, 6}, {7, 8}}, e.seen()); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestCallerWhoLeavesDuringItsRunGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		q := newQueue(t, &encoder{before: open.before}, 8, 2)
		ctx, cancel := context.WithCancel(t.Context())
		left := start(ctx, q.Submit, 1, 2, 3) // 3 is still queued
		synctest.Wait()
		cancel()
		if <-left.done; left.embeddings != nil || !errors.Is(left.err, context.Canceled) {
			t.Errorf("Submit = %v, %v, want context.Canceled alone", left.embeddings, left.err)
		}
		close(open)
		got, _, err := q.Submit(t.Context(), images(9))
		if diff := cmp.Diff(embeddings(9), got); diff != "" || err != nil {
			t.Errorf("the next caller: %v (-want +got):\n%s", err, diff)
		}
	})
}

// The staging buffers are reused, callers come and go and share images, so
// results could end up with the wrong caller: this storm looks for that.
func TestEveryCallerGetsItsOwn(t *testing.T) {
	for _, runners := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d runners", runners), func(t *testing.T) {
			q := newQueueWith(t, &encoder{}, batch.Config{MaxQueued: 1000, MaxBatch: 5, Runners: runners})
			storm(t, q)
			room, _, err := q.Submit(t.Context(), images(make([]byte, 1000)...))
			if err != nil || len(room) != 1000 {
				t.Errorf("Submit of as many as may wait = %v: room was lost", err)
			}
			q.Close() // a run whose callers have left may still be under way
			stats := q.Stats()
			if stats.Queued != 0 || stats.InFlight != 0 || stats.Running != 0 {
				t.Errorf("Stats() at the end = %+v, want nothing left", stats)
			}
			if stats.Shared == 0 || stats.Dropped[batch.DropCancelled] == 0 {
				t.Errorf("%d shared, %d dropped: the storm was none", stats.Shared, stats.Dropped[batch.DropCancelled])
			}
		})
	}
}

func storm(t *testing.T, q *batch.Queue) {
	const callers, calls = 16, 50
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			for range calls {
				if err := submitRandom(t.Context(), q, random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// submitRandom submits a few images, some of them others' too, and leaves half
// of the times.
func submitRandom(ctx context.Context, q *batch.Queue, random *rand.Rand) error {
	ns := make([]byte, 1+random.IntN(7))
	for i := range ns {
		ns[i] = byte(random.UintN(64))
	}
	given := images(ns...)
	if random.IntN(2) == 0 {
		given = keyed(ns...)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if random.IntN(2) == 0 {
		go cancel()
	}
	got, _, err := q.Submit(ctx, given)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if diff := cmp.Diff(embeddings(ns...), got); err != nil || diff != "" {
		return fmt.Errorf("Submit(%v): %w (-want +got):\n%s", ns, err, diff)
	}
	return nil
}

func BenchmarkSubmit(b *testing.B) {
	q, err := batch.New(batch.Config{MaxQueued: 512, MaxBatch: 8, ImageBytes: 105 * 105 * 3, EmbeddingLength: 4608},
		func(_ context.Context, pixels []byte) ([]float32, error) {
			return make([]float32, len(pixels)/(105*105*3)*4608), nil
		})
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	image := []batch.Image{{Pixels: make([]byte, 105*105*3)}}
	for b.Loop() {
		if _, _, err := q.Submit(b.Context(), image); err != nil {
			b.Fatal(err)
		}
	}
}
