package batch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
)

func TestSubmitRefusesWhatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		q := newQueue(t, &encoder{before: open.before}, 4, 2)
		first := start(t.Context(), q.Submit, 1) // under way: takes no room
		synctest.Wait()
		second := start(t.Context(), q.Submit, 2, 3, 4)
		synctest.Wait()

		_, _, err := q.Submit(t.Context(), images(5, 6, 8))
		var full *batch.FullError
		if !errors.As(err, &full) || !errors.Is(err, batch.ErrFull) {
			t.Fatalf("Submit = %v, want ErrFull", err)
		}
		if diff := cmp.Diff(&batch.FullError{Wanted: 3, Queued: 3, Capacity: 4}, full); diff != "" {
			t.Errorf("FullError (-want +got):\n%s", diff)
		}
		third := start(t.Context(), q.Submit, 7) // one still fits
		synctest.Wait()
		if got := q.Stats().Queued; got != 4 {
			t.Errorf("Stats().Queued = %d, want 4", got)
		}
		close(open)
		for _, s := range []*submission{first, second, third} {
			if <-s.done; s.err != nil {
				t.Errorf("accepted submission failed: %v", s.err)
			}
		}
		if _, _, err := q.Submit(t.Context(), images(1, 2, 3, 4)); err != nil {
			t.Errorf("Submit once the queue is empty = %v, want none", err)
		}
	})
}

func TestSubmitWaitWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		e := &encoder{before: open.before}
		q := newQueue(t, e, 2, 2)
		start(t.Context(), q.Submit, 1)
		synctest.Wait()
		start(t.Context(), q.Submit, 2, 3)
		synctest.Wait()
		patient := start(t.Context(), q.SubmitWait, 4)
		impatient, cancel := context.WithCancel(t.Context())
		left := start(impatient, q.SubmitWait, 5)
		synctest.Wait()
		if len(e.seen()) != 1 || q.Stats().Queued != 2 {
			t.Errorf("%d runs, %d queued, want 1 and 2", len(e.seen()), q.Stats().Queued)
		}
		cancel()
		if <-left.done; !errors.Is(left.err, context.Canceled) {
			t.Errorf("caller that left = %v, want context.Canceled", left.err)
		}
		close(open)
		<-patient.done
		if diff := cmp.Diff(embeddings(4), patient.embeddings); diff != "" {
			t.Errorf("SubmitWait (-want +got):\n%s", diff)
		}
	})
}

func TestSubmitWaitRefusesWhatCanNeverFit(t *testing.T) {
	_, _, err := newQueue(t, &encoder{}, 2, 2).SubmitWait(t.Context(), images(1, 2, 3))
	if !errors.Is(err, batch.ErrFull) {
		t.Errorf("SubmitWait = %v, want ErrFull", err)
	}
}
