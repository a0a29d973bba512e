package batch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
)

func reserve(t *testing.T, q *batch.Queue, n int) *batch.Place {
	t.Helper()
	place, err := q.Reserve(t.Context(), n)
	if err != nil {
		t.Fatalf("Reserve(%d) = %v, want a place", n, err)
	}
	return place
}

// A place is room that others do not get, until it is given back.
func TestPlaceTakesRoom(t *testing.T) {
	q := newQueue(t, &encoder{}, 4, 2)
	place := reserve(t, q, 3)
	_, err := q.Reserve(t.Context(), 3)
	var full *batch.FullError
	if !errors.As(err, &full) {
		t.Fatalf("Reserve of more than there is = %v, want ErrFull", err)
	}
	if diff := cmp.Diff(&batch.FullError{Wanted: 3, Queued: 3, Capacity: 4}, full); diff != "" {
		t.Errorf("FullError (-want +got):\n%s", diff)
	}
	if _, _, err := q.Submit(t.Context(), images(1, 2, 3)); !errors.Is(err, batch.ErrFull) {
		t.Errorf("Submit of more than there is = %v, want ErrFull", err)
	}
	if got := q.Stats(); got.Reserved != 3 || got.Refused != 6 {
		t.Errorf("%d reserved, %d refused, want 3 and 6", got.Reserved, got.Refused)
	}
	place.Release()
	place.Release()
	if got := q.Stats().Reserved; got != 0 {
		t.Errorf("%d reserved once given back, want none", got)
	}
	if _, _, err := q.Submit(t.Context(), images(1, 2, 3, 4)); err != nil {
		t.Errorf("Submit into the empty queue = %v, want none", err)
	}
}

// What was reserved is there when the queue is full, and what is too much of it
// goes back.
func TestPlaceSubmits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		q := newQueue(t, &encoder{before: open.before}, 4, 2)
		start(t.Context(), q.Submit, 1) // under way
		synctest.Wait()
		place := reserve(t, q, 3)
		start(t.Context(), q.Submit, 2)
		synctest.Wait()
		placed := start(t.Context(), place.Submit, 3, 4)
		synctest.Wait()
		if got := q.Stats(); got.Queued != 3 || got.Reserved != 0 {
			t.Errorf("%d queued, %d reserved, want 3 and none", got.Queued, got.Reserved)
		}
		other := start(t.Context(), q.Submit, 5) // into the room that went back
		synctest.Wait()
		close(open)
		<-other.done
		if <-placed.done; placed.err != nil || other.err != nil {
			t.Fatalf("submissions = %v, %v, want none", placed.err, other.err)
		}
		if diff := cmp.Diff(embeddings(3, 4), placed.embeddings); diff != "" {
			t.Errorf("embeddings (-want +got):\n%s", diff)
		}
	})
}

func TestPlaceRefuses(t *testing.T) {
	q := newQueue(t, &encoder{}, 4, 2)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Reserve(gone, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Reserve for a caller that left = %v, want context.Canceled", err)
	}
	if _, _, err := reserve(t, q, 1).Submit(t.Context(), images(1, 2)); err == nil || !strings.Contains(err.Error(), "for 1 images, received 2") {
		t.Errorf("Submit of two to a place for one = %v, want an error", err)
	}
	if _, _, err := reserve(t, q, 1).Submit(gone, images(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Submit of a caller that left = %v, want context.Canceled", err)
	}
	if got := q.Stats().Reserved; got != 0 {
		t.Errorf("%d reserved, want the places back", got)
	}
	last := reserve(t, q, 4) // all room is there again
	q.Close()
	if _, err := q.Reserve(t.Context(), 1); !errors.Is(err, batch.ErrClosed) {
		t.Errorf("Reserve when closed = %v, want ErrClosed", err)
	}
	if _, _, err := last.Submit(t.Context(), images(1)); !errors.Is(err, batch.ErrClosed) {
		t.Errorf("Submit when closed = %v, want ErrClosed", err)
	}
}

// Images that are still prepared count as before those that come: else all who
// come meanwhile are let in, and prepared in vain.
func TestPlacesCountForDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := pacedQueue(t, 1) // a second each
		for range 3 {
			defer reserve(t, q, 1).Release()
		}
		for _, tt := range []struct {
			give time.Duration
			want error
		}{{4 * time.Second, batch.ErrFull}, {6 * time.Second, nil}} {
			place, err := q.Reserve(within(t, tt.give), 1)
			if !errors.Is(err, tt.want) {
				t.Errorf("Reserve behind three seconds' work within %v = %v, want %v", tt.give, err, tt.want)
			}
			if err == nil {
				place.Release()
			}
		}
		if _, err := q.Reserve(within(t, 500*time.Millisecond), 1); !errors.Is(err, batch.ErrUnmeetable) {
			t.Errorf("Reserve of a second's work within half of one = %v, want ErrUnmeetable", err)
		}
	})
}
