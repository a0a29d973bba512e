package batch_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"siamese/server/batch"
)

// The test's encoder does 100 images a second, whatever the batch.
const (
	perImage = 10 * time.Millisecond
	capacity = int(time.Second / perImage)
)

// outcomes collects what became of callers.
type outcomes struct {
	mu      sync.Mutex
	served  []time.Duration
	refused int // at once
	late    int // dropped, or past their deadline
}

func (o *outcomes) submit(ctx context.Context, q *batch.Queue, n byte) {
	begun := time.Now()
	_, _, err := q.Submit(ctx, images(n))
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.served = append(o.served, time.Since(begun))
	case errors.Is(err, batch.ErrFull):
		o.refused++
	default:
		o.late++
	}
}

// offer brings images at a steady rate, each with a deadline of its own, and
// waits for their outcome.
func offer(t *testing.T, q *batch.Queue, perSecond int, d, deadline time.Duration) *outcomes {
	t.Helper()
	o := &outcomes{}
	var group sync.WaitGroup
	for i := range int(d.Seconds() * float64(perSecond)) {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			o.submit(ctx, q, byte(i))
		})
		time.Sleep(time.Second / time.Duration(perSecond)) // fake time
	}
	group.Wait()
	return o
}

// At five times its capacity the queue must go on at its peak: it may not fill
// with callers whose turn comes just too late.
func TestOverloadCostsNoGoodput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &encoder{}
		e.after = func(output []float32) []float32 {
			time.Sleep(perImage * time.Duration(len(output)/embeddingLength)) // fake time
			return output
		}
		const seconds, deadline = 10, time.Second
		q := newQueueWith(t, e, batch.Config{MaxQueued: 512, MaxBatch: 8})
		offer(t, q, capacity/2, time.Second, deadline) // so that the pace is known

		o := offer(t, q, 5*capacity, seconds*time.Second, deadline)
		t.Logf("%d served, %d refused, %d late", len(o.served), o.refused, o.late)
		if got, want := len(o.served), seconds*capacity*9/10; got < want {
			t.Errorf("%d images were served in %d s, want at least %d", got, seconds, want)
		}
		if o.late > len(o.served)/10 {
			t.Errorf("%d callers were let in and came too late, want few beside %d served", o.late, len(o.served))
		}
		slices.Sort(o.served)
		if p99 := o.served[len(o.served)*99/100]; p99 > deadline {
			t.Errorf("p99 of the served = %v, want at most the deadline of %v", p99, deadline)
		}

		after := offer(t, q, capacity/2, time.Second, deadline)
		if worst := slices.Max(after.served); len(after.served) != capacity/2 || worst > deadline/2 {
			t.Errorf("after the overload %d of %d are served, the slowest in %v", len(after.served), capacity/2, worst)
		}
	})
}

// No machine is even: runs take one and a half times as long on average, and now
// and then far longer. Callers who are let in at the pace of the fastest of them
// come too late, and what was encoded for them is in vain.
func TestOverloadCostsNoGoodputWhereRunsVary(t *testing.T) {
	for _, runners := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			e := &encoder{}
			var mu sync.Mutex // of random
			random := rand.New(rand.NewPCG(1, 1))
			e.after = func(output []float32) []float32 {
				mu.Lock()
				slow := 0.5 + random.ExpFloat64() // 1.5 on average
				mu.Unlock()
				took := slow * float64(runners*len(output)/embeddingLength)
				time.Sleep(time.Duration(took * float64(perImage))) // fake time
				return output
			}
			const seconds, deadline = 60, 2 * time.Second
			q := newQueueWith(t, e, batch.Config{MaxQueued: 512, MaxBatch: 8, Runners: runners})
			offer(t, q, capacity/4, 2*time.Second, deadline) // so that the pace is known

			o := offer(t, q, 5*capacity, seconds*time.Second, deadline)
			peak := capacity * seconds * 2 / 3
			t.Logf("%d runners: %d served of %d that can be, %d refused, %d late", runners, len(o.served), peak, o.refused, o.late)
			if want := peak * 9 / 10; len(o.served) < want {
				t.Errorf("%d runners: %d images were served in %d s, want at least %d", runners, len(o.served), seconds, want)
			}
		})
	}
}
