package infer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"siamese/server/internal/memory"
)

// The pool's bounds show from outside as time alone.
func TestPoolBoundsBytesAndWorkers(t *testing.T) {
	tests := []struct {
		name       string
		giveBytes int64 // of each of the works
		want       int   // works at a time
	}{
		{"workers", 1, 4},
		{"bytes", 30, 3},
		{"one at a time", 51, 1},
		{"more than the budget counts as all of it", 1000, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := mostAtOnce(t, sizedPool(t, 4, 100), tt.giveBytes); got != tt.want {
					t.Errorf("%d works at a time, want %d", got, tt.want)
				}
			})
		})
	}
}

// sizedPool does not depend on the machine's cores.
func sizedPool(t *testing.T, workers int, bytes int64) *pool {
	t.Helper()
	budget, err := memory.NewBudget(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return &pool{
		size:    workers,
		workers: semaphore.NewWeighted(int64(workers)),
		memory:  budget,
	}
}

// mostAtOnce does ten works of a second each and counts.
func mostAtOnce(t *testing.T, p *pool, bytes int64) int {
	t.Helper()
	var now, most atomic.Int64
	done := make(chan error)
	for range 10 {
		go func() {
			done <- p.do(t.Context(), bytes, func() {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second) // fake time
				now.Add(-1)
			})
		}()
	}
	for range 10 {
		if err := <-done; err != nil {
			t.Errorf("do = %v, want none", err)
		}
	}
	return int(most.Load())
}

func TestPoolWaitsNoLongerThanItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sizedPool(t, 2, 100)
		release := make(chan struct{})
		go func() { _ = p.do(t.Context(), 80, func() { <-release }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.do(ctx, 80, func() { t.Error("work was done over the budget") })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("do = %v, want context.DeadlineExceeded", err)
		}
		close(release)
		if err := p.do(t.Context(), 100, func() {}); err != nil {
			t.Errorf("do once all is given back = %v, want none", err)
		}
	})
}
