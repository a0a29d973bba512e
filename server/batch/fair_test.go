package batch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
)

// numbers returns n numbers of images from first on.
func numbers(first byte, n int) []byte {
	ns := make([]byte, n)
	for i := range ns {
		ns[i] = first + byte(i)
	}
	return ns
}

// A call of many images is under way: a small one is answered after the run that is
// at work and one of its own, be it another caller's or the same caller's.
func TestSmallCallsDoNotWaitForALargeOne(t *testing.T) {
	tests := []struct {
		caller     string
		shortRuns  bool
		wantSecond []byte // the run after the one that is at work
	}{
		{"b", false, []byte{200, 201, 4, 5}},
		{"a", false, []byte{200, 201, 4, 5}},
		{"b", true, []byte{200, 201}}, // the run does not hold it up with images of the other
		{"a", true, []byte{200, 201}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s, short runs %v", tt.caller, tt.shortRuns), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &encoder{before: aSecond}
				q := newQueueWith(t, e, batch.Config{MaxQueued: 200, MaxBatch: 4, ShortRuns: tt.shortRuns})
				large := start(t.Context(), q.For("a").Submit, numbers(0, 100)...)
				time.Sleep(time.Second / 2)
				begun := time.Now()
				_, _, err := q.For(tt.caller).Submit(t.Context(), images(200, 201))
				if took := time.Since(begun); err != nil || took > 2*time.Second {
					t.Errorf("Submit beside 100 images = %v after %v, want none within two runs", err, took)
				}
				if diff := cmp.Diff(tt.wantSecond, e.seen()[1]); diff != "" {
					t.Errorf("second run (-want +got):\n%s", diff)
				}
				if <-large.done; large.err != nil {
					t.Errorf("the large call: %v", large.err)
				}
			})
		})
	}
}

// A caller with many calls gets no more of the encoder than one with a single call.
func TestCallersShareTheEncoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &encoder{before: aSecond}
		q := newQueueWith(t, e, batch.Config{MaxQueued: 200, MaxBatch: 2})
		for i := range byte(10) {
			start(t.Context(), q.For("a").Submit, numbers(10*i, 10)...)
			synctest.Wait()
		}
		b := start(t.Context(), q.For("b").Submit, numbers(200, 20)...)
		begun := time.Now()
		<-b.done
		if took := time.Since(begun); b.err != nil || took > 22*time.Second {
			t.Errorf("10 runs' images beside 50 of another caller's took %v (%v), want about 20 s", took, b.err)
		}
	})
}

// Whatever one caller has in the queue, another finds room for a few images, and so
// does another call of the same caller beside two large ones.
func TestRoomIsShared(t *testing.T) {
	const most = 100
	tests := []struct {
		name      string
		give      []int // images of calls of caller a, all let in
		caller    string
		images    int
		wantFits  bool
		wantLimit int // what FullError tells as the capacity
	}{
		{"all of an empty queue", nil, "a", 100, true, 0},
		{"more than all", nil, "a", 101, false, most},
		{"a small call beside a full one", []int{100}, "a", 2, true, 0},
		{"a large call beside a full one", []int{100}, "a", 34, false, most},
		{"another caller's large call", []int{100}, "b", 100, true, 0},
		{"beside as much as a caller can have", []int{100, 33, 11, 4}, "a", 2, false, most},
		{"another caller beside that", []int{100, 33, 11, 4}, "b", 70, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := make(gate)
				q := newQueueWith(t, &encoder{before: open.before}, batch.Config{MaxQueued: most, MaxBatch: 1})
				start(t.Context(), q.Submit, 1) // under way
				synctest.Wait()
				for _, n := range tt.give {
					place, err := q.For("a").Reserve(t.Context(), n)
					if err != nil {
						t.Fatalf("Reserve(%d) = %v, want none", n, err)
					}
					defer place.Release()
				}
				place, err := q.For(tt.caller).Reserve(t.Context(), tt.images)
				if fits := err == nil; fits != tt.wantFits {
					t.Errorf("Reserve(%d) = %v, want it let in: %v", tt.images, err, tt.wantFits)
				}
				var full *batch.FullError
				if errors.As(err, &full) && full.Capacity != tt.wantLimit {
					t.Errorf("FullError.Capacity = %d, want %d", full.Capacity, tt.wantLimit)
				}
				place.Release()
				close(open)
			})
		})
	}
}

// What a caller waits for is its share: many images of another one don't make it late.
func TestDeadlinesGoByTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := pacedQueue(t, 1) // a second each
		place, err := q.For("a").Reserve(t.Context(), 50)
		if err != nil {
			t.Fatal(err)
		}
		defer place.Release()
		for _, caller := range []string{"a", "b"} {
			// Two seconds of its own, and two of the other in between.
			if _, err := q.For(caller).Reserve(within(t, 4500*time.Millisecond), 2); !errors.Is(err, batch.ErrFull) {
				t.Errorf("caller %s: Reserve of 4 s within 4.5 s = %v, want ErrFull", caller, err)
			}
			mine, err := q.For(caller).Reserve(within(t, 6*time.Second), 2)
			if err != nil {
				t.Errorf("caller %s: Reserve of 4 s within 6 s = %v, want none", caller, err)
			}
			mine.Release()
		}
	})
}

// A probe waits for no image that waits, whatever the queue's bounds.
func TestProbeComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &encoder{before: aSecond}
		q := newQueueWith(t, e, batch.Config{MaxQueued: 20, MaxBatch: 4})
		large := start(t.Context(), q.Submit, numbers(1, 20)...)
		time.Sleep(time.Second / 2)
		begun := time.Now()
		got, err := q.Probe(t.Context(), batch.Image{Pixels: image(99)})
		if took := time.Since(begun); err != nil || took > 2*time.Second {
			t.Errorf("Probe = %v after %v, want none within two runs", err, took)
		}
		if diff := cmp.Diff(embeddings(99)[0], got); diff != "" {
			t.Errorf("Probe (-want +got):\n%s", diff)
		}
		<-large.done
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := q.Probe(gone, batch.Image{Pixels: image(99)}); !errors.Is(err, context.Canceled) {
			t.Errorf("Probe for one who left = %v, want context.Canceled", err)
		}
		q.Close()
		if _, err := q.Probe(t.Context(), batch.Image{Pixels: image(99)}); !errors.Is(err, batch.ErrClosed) {
			t.Errorf("Probe when closed = %v, want ErrClosed", err)
		}
	})
}

// Who waits for room is let in as soon as it fits, past one that does not.
func TestRoomGoesToWhoFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		q := newQueueWith(t, &encoder{before: open.before}, batch.Config{MaxQueued: 4, MaxBatch: 1})
		start(t.Context(), q.For("a").Submit, 1) // under way
		synctest.Wait()
		full, err := q.For("a").Reserve(t.Context(), 4)
		if err != nil {
			t.Fatal(err)
		}
		large := start(t.Context(), q.For("a").SubmitWait, numbers(10, 4)...)
		synctest.Wait()
		other := start(t.Context(), q.For("b").SubmitWait, numbers(20, 4)...)
		synctest.Wait()
		if got := q.Stats(); got.Queued != 4 || got.Reserved != 4 {
			t.Errorf("%d queued, %d reserved, want the other caller's four and the place", got.Queued, got.Reserved)
		}
		full.Release()
		close(open)
		for _, s := range []*submission{large, other} {
			if <-s.done; s.err != nil {
				t.Errorf("SubmitWait = %v, want none", s.err)
			}
		}
	})
}
