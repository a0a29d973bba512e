package infer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/imaging/sandbox"
	"siamese/server/internal/fair"
	"siamese/server/internal/memory"
)

// sizedPool does not depend on the machine's cores.
func sizedPool(t *testing.T, workers int, bytes int64) *pool {
	t.Helper()
	budget, err := memory.NewBudget(bytes)
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(budget)
	p.size = workers
	return p
}

// heavy is an image of more than lightWork.
func heavy(bytes int64) imaging.Cost { return imaging.Cost{Bytes: bytes, Work: time.Second} }

// An image that has a worker never waits for a place in the sandbox: there it would
// wait behind the large ones that the worker is to keep it from.
func TestEachWorkerHasAPlaceInTheSandbox(t *testing.T) {
	if spare := int(lanes) - 1; spare > sandbox.Spare {
		t.Errorf("%d workers beside one for each processor, but %d places in the sandbox", spare, sandbox.Spare)
	}
}

// The pool's bounds show from outside as time alone.
func TestPoolBoundsBytesAndWorkers(t *testing.T) {
	tests := []struct {
		name string
		give imaging.Cost // of each of the works
		want int          // works at a time
	}{
		{"workers", heavy(1), 4},
		{"light ones have one more", imaging.Cost{Bytes: 1, Work: lightWork}, 5},
		{"tiny ones two", imaging.Cost{Bytes: 1, Work: tinyWork}, 6},
		{"a caller has half of the bytes", heavy(150), 3},
		{"one at a time", heavy(251), 1},
		{"more than half counts as half", heavy(5000), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := mostAtOnce(t, sizedPool(t, 4, 1000), tt.give); got != tt.want {
					t.Errorf("%d works at a time, want %d", got, tt.want)
				}
			})
		})
	}
}

// mostAtOnce does ten works of a second each for one caller and counts.
func mostAtOnce(t *testing.T, p *pool, cost imaging.Cost) int {
	t.Helper()
	var now, most atomic.Int64
	done := make(chan error)
	for i := range 10 {
		go func() {
			done <- p.do(t.Context(), fair.Flow{Call: i}, cost, func() {
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

// begun tells which works have begun, in order.
type begun struct {
	pool    *pool
	mu      sync.Mutex
	order   []string
	release chan struct{} // one end of a work for each
}

func (b *begun) start(t *testing.T, caller string, call any, cost imaging.Cost, name string) {
	t.Helper()
	go func() {
		_ = b.pool.do(t.Context(), fair.Flow{Caller: caller, Call: call}, cost, func() {
			b.mu.Lock()
			b.order = append(b.order, name)
			b.mu.Unlock()
			<-b.release
		})
	}()
	synctest.Wait()
}

// A caller whose images take seconds has all workers, and many more images wait:
// others' are prepared at once, and its own small ones.
func TestHeavyImagesHoldNobodyUp(t *testing.T) {
	tests := []struct {
		name   string
		caller string
		cost   imaging.Cost
		want   bool // whether it begins at once
	}{
		{"another caller", "b", heavy(1), true},
		{"a tiny one of the same caller", "a", imaging.Cost{Bytes: 1, Work: tinyWork}, true},
		{"a light one of the same caller", "a", imaging.Cost{Bytes: 1, Work: lightWork}, true},
		{"one more of the same", "a", heavy(1), false},
		{"a large one of another caller", "b", heavy(490), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &begun{pool: sizedPool(t, 2, 1000), release: make(chan struct{})}
				for i := range 10 {
					b.start(t, "a", 1, heavy(120), fmt.Sprint("heavy ", i))
				}
				b.start(t, tt.caller, 2, tt.cost, "victim")
				if got := slices.Contains(b.order, "victim"); got != tt.want || len(b.order) < 2 {
					t.Errorf("begun at once = %v, want %v; %v are at work", got, tt.want, b.order)
				}
				close(b.release)
			})
		})
	}
}

// Two callers of equal images have equal shares, however many one of them brings and
// by however many calls.
func TestCallersShareTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &begun{pool: sizedPool(t, 1, 1000), release: make(chan struct{})}
		for i := range 8 {
			b.start(t, "a", i, heavy(1), "a")
		}
		for range 4 {
			b.start(t, "b", 1, heavy(1), "b")
		}
		for range 8 {
			b.release <- struct{}{}
			synctest.Wait()
		}
		close(b.release)
		synctest.Wait()
		// The first two begin together: the second caller has nothing at work.
		if diff := cmp.Diff([]string{"a", "b", "a", "b", "a", "b"}, b.order[:6]); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if len(b.order) != 12 {
			t.Errorf("%d works were done, want 12", len(b.order))
		}
	})
}

// What waits for memory that is not free lets small ones pass, and no others.
func TestSmallImagesPassOneThatWaitsForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &begun{pool: sizedPool(t, 8, 1600), release: make(chan struct{})}
		b.start(t, "a", 1, heavy(800), "first")
		b.start(t, "b", 1, heavy(700), "waits for memory")
		b.start(t, "c", 1, heavy(101), "too large to pass")
		b.start(t, "d", 1, heavy(100), "small")
		if diff := cmp.Diff([]string{"first", "small"}, b.order); diff != "" {
			t.Errorf("begun (-want +got):\n%s", diff)
		}
		close(b.release)
		synctest.Wait()
		if len(b.order) != 4 {
			t.Errorf("%v were done, want all", b.order)
		}
		if used := b.pool.memory.Used(); used != 0 || len(b.pool.holders) != 0 {
			t.Errorf("%d bytes and %v are held at the end, want none", used, b.pool.holders)
		}
	})
}

func TestPoolWaitsNoLongerThanItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sizedPool(t, 2, 100)
		release := make(chan struct{})
		go func() { _ = p.do(t.Context(), fair.Flow{}, heavy(40), func() { <-release }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.do(ctx, fair.Flow{}, heavy(40), func() { t.Error("work was done over the budget") })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("do = %v, want context.DeadlineExceeded", err)
		}
		close(release)
		if err := p.do(t.Context(), fair.Flow{}, heavy(50), func() {}); err != nil {
			t.Errorf("do once all is given back = %v, want none", err)
		}
	})
}

// leaving is a context whose caller leaves once it was asked left times.
type leaving struct {
	context.Context
	left int
}

func (l *leaving) Err() error {
	if l.left--; l.left < 0 {
		return context.Canceled
	}
	return nil
}

// A decode whose caller has left ends between two reads and gives back what it had.
func TestDecodeEndsWhenItsCallerLeaves(t *testing.T) {
	file, err := os.ReadFile("../../../testdata/attacks/scans.jpg") // seconds of work
	if err != nil {
		t.Fatal(err)
	}
	images, err := imaging.New(imaging.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := &preparer{pool: sizedPool(t, 1, 1<<30), images: images}
	v := &View{}
	ctx := &leaving{t.Context(), 5}
	if err := p.fill(ctx, fair.Flow{}, Encoded(file), v, ImagesConfig{}); !errors.Is(err, context.Canceled) || v.picture != nil || v.fault != nil {
		t.Errorf("fill = %v with picture %v and fault %v, want context.Canceled alone", err, v.picture != nil, v.fault)
	}
	if ctx.left != -1 {
		t.Errorf("asked %d times after the caller left, want none", -1-ctx.left)
	}
	if used := p.pool.memory.Used(); used != 0 || p.pool.lanes[anyLane] != 0 {
		t.Errorf("%d bytes and %d workers are held, want none", used, p.pool.lanes[anyLane])
	}
}
