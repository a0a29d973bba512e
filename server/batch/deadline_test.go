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

// aSecond makes each run take a second.
func aSecond(context.Context, int) error {
	time.Sleep(time.Second) // fake time
	return nil
}

// pacedQueue has one image a run, a second each, and knows it.
func pacedQueue(t *testing.T, runners int) (*batch.Queue, *encoder) {
	t.Helper()
	e := &encoder{before: aSecond}
	q := newQueueWith(t, e, batch.Config{MaxQueued: 100, MaxBatch: 1, Runners: runners})
	for range 8 {
		if _, _, err := q.Submit(t.Context(), images(0)); err != nil {
			t.Fatal(err)
		}
	}
	return q, e
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestDeadlineThatTheQueueCannotKeepIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, e := pacedQueue(t, 1)
		start(t.Context(), q.Submit, 1) // under way
		synctest.Wait()
		for n := byte(2); n <= 4; n++ {
			start(t.Context(), q.Submit, n)
			synctest.Wait()
		}
		_, _, err := q.Submit(within(t, 3500*time.Millisecond), images(5))
		var full *batch.FullError
		if !errors.As(err, &full) {
			t.Fatalf("Submit = %v, want ErrFull", err)
		}
		want := &batch.FullError{Wanted: 1, Queued: 3, Capacity: 100, Wait: 5 * time.Second} // the one under way counts
		if diff := cmp.Diff(want, full); diff != "" {
			t.Errorf("FullError (-want +got):\n%s", diff)
		}
		patient := start(within(t, 7*time.Second), q.Submit, 6)
		if <-patient.done; patient.err != nil {
			t.Errorf("a deadline that can be kept: Submit = %v, want none", patient.err)
		}
		if diff := cmp.Diff([][]byte{{1}, {2}, {3}, {4}, {6}}, e.seen()[8:]); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		if got := q.Stats().Refused; got != 1 {
			t.Errorf("Refused = %d, want 1", got)
		}
	})
}

func TestUnmeetableDeadlineIsNotEncoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, e := pacedQueue(t, 1)
		_, _, err := q.Submit(within(t, 1500*time.Millisecond), images(1, 2))
		if !errors.Is(err, batch.ErrUnmeetable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Submit of two seconds' work in 1.5 s = %v, want ErrUnmeetable", err)
		}
		if _, _, err := q.Submit(within(t, 1500*time.Millisecond), images(3)); err != nil {
			t.Errorf("Submit of one second's work in 1.5 s = %v, want none", err)
		}
		if diff := cmp.Diff([][]byte{{3}}, e.seen()[8:]); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		if got := q.Stats().Dropped[batch.DropUnmeetable]; got != 2 {
			t.Errorf("%d images dropped for an unmeetable deadline, want 2", got)
		}
	})
}

// The run before takes longer than it should: what could be kept when it was
// queued can't be when its turn comes.
func TestUnmeetableDeadlineIsDroppedAtDequeue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, e := pacedQueue(t, 1)
		e.before = func(ctx context.Context, run int) error {
			time.Sleep(time.Second)
			return aSecond(ctx, run)
		}
		start(t.Context(), q.Submit, 1) // two seconds
		synctest.Wait()
		late := start(within(t, 2500*time.Millisecond), q.Submit, 2)
		synctest.Wait()
		next := start(t.Context(), q.Submit, 3)
		if <-late.done; !errors.Is(late.err, batch.ErrUnmeetable) {
			t.Errorf("Submit = %v, want ErrUnmeetable", late.err)
		}
		if <-next.done; next.err != nil {
			t.Errorf("the next caller = %v, want none", next.err)
		}
		if diff := cmp.Diff([][]byte{{1}, {3}}, e.seen()[8:]); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

// A pace that is out of date, or that one slow run speaks for, must not turn
// callers away.
func TestPaceIsNotBelievedForLong(t *testing.T) {
	tests := []struct {
		name  string
		give  func(*encoder)
		pause time.Duration
	}{
		{"11 s later", func(*encoder) {}, 11 * time.Second},
		{"fast once in eight runs", func(e *encoder) {
			e.before = func(_ context.Context, run int) error {
				if run != 9 {
					time.Sleep(time.Second)
				}
				return nil
			}
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, e := pacedQueue(t, 1)
				tt.give(e)
				if _, _, err := q.Submit(t.Context(), images(1)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.pause)
				_, _, err := q.Submit(within(t, 100*time.Millisecond), images(2))
				// Its run takes a second, so it comes too late; but it was tried.
				if errors.Is(err, batch.ErrUnmeetable) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Submit = %v, want the plain context.DeadlineExceeded", err)
				}
				if got := len(e.seen()); got != 10 {
					t.Errorf("%d runs, want 10", got)
				}
			})
		})
	}
}

func TestTwoRunnersHalveTheEstimate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := pacedQueue(t, 2)
		if _, _, err := q.Submit(within(t, 2500*time.Millisecond), images(1, 2, 3, 4)); err != nil {
			t.Errorf("Submit of four seconds' work for two runners = %v, want none", err)
		}
	})
}
