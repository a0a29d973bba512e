package batch_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
)

func TestRunErrorReachesExactlyTheCallersOfThatRun(t *testing.T) {
	boom := errors.New("out of memory")
	tests := []struct {
		name       string
		giveBefore func(context.Context, int) error
		giveAfter  func([]float32) []float32
		wantError  func(error) bool
	}{
		{
			name: "error",
			giveBefore: func(_ context.Context, run int) error {
				if run == 2 {
					return boom
				}
				return nil
			},
			wantError: func(err error) bool { return errors.Is(err, boom) },
		},
		{
			name: "panic",
			giveBefore: func(_ context.Context, run int) error {
				if run == 2 {
					panic("nil map")
				}
				return nil
			},
			wantError: func(err error) bool {
				var p *batch.PanicError
				return errors.As(err, &p) && p.Value == "nil map" && len(p.Stack) > 0
			},
		},
		{
			name: "wrong length",
			giveAfter: func(output []float32) []float32 {
				if output[0] == 2 {
					return output[:len(output)-1]
				}
				return output
			},
			wantError: func(err error) bool {
				var wrong *batch.OutputError
				return errors.As(err, &wrong) && *wrong == batch.OutputError{Images: 2, Received: 5, Expected: 6}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testRunError(t, tt.giveBefore, tt.giveAfter, tt.wantError) })
		})
	}
}

func testRunError(t *testing.T, before func(context.Context, int) error, after func([]float32) []float32, want func(error) bool) {
	open := make(gate)
	e := &encoder{after: after, before: func(ctx context.Context, run int) error {
		if err := open.before(ctx, run); err != nil || before == nil {
			return err
		}
		return before(ctx, run)
	}}
	q := newQueue(t, e, 20, 2)
	fine := start(t.Context(), q.Submit, 1)
	synctest.Wait()
	mixed := start(t.Context(), q.Submit, 2)
	synctest.Wait()
	split := start(t.Context(), q.Submit, 3, 4, 5) // 3 is in the bad run
	synctest.Wait()
	later := start(t.Context(), q.Submit, 6)
	synctest.Wait()
	close(open)
	for _, s := range []*submission{fine, mixed, split, later} {
		<-s.done
	}
	if fine.err != nil || later.err != nil {
		t.Errorf("callers of other runs = %v, %v, want none", fine.err, later.err)
	}
	if !want(mixed.err) || !want(split.err) {
		t.Errorf("callers of the run = %v, %v", mixed.err, split.err)
	}
	// What was left of the failed caller is not encoded any more.
	if diff := cmp.Diff([][]byte{{1}, {2, 3}, {6}}, e.seen()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestCloseFailsThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		e := &encoder{before: open.before}
		q := newQueue(t, e, 2, 1)
		running := start(t.Context(), q.Submit, 1)
		synctest.Wait()
		queued := start(t.Context(), q.Submit, 2, 3)
		synctest.Wait()
		roomless := start(t.Context(), q.SubmitWait, 4)
		synctest.Wait()
		closed := make(chan struct{})
		go func() { q.Close(); close(closed) }()
		for _, s := range []*submission{queued, roomless} {
			if <-s.done; !errors.Is(s.err, batch.ErrClosed) {
				t.Errorf("waiting caller = %v, want ErrClosed", s.err)
			}
		}
		close(open)
		<-closed
		if <-running.done; running.err != nil {
			t.Errorf("caller of the run under way = %v, want none", running.err)
		}
		for name, f := range map[string]submit{"Submit": q.Submit, "SubmitWait": q.SubmitWait} {
			if _, _, err := f(t.Context(), images(5)); !errors.Is(err, batch.ErrClosed) {
				t.Errorf("%s after Close = %v, want ErrClosed", name, err)
			}
		}
		q.Close()
	})
}

func TestCloseTellsTheRunUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &encoder{before: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		q := newQueue(t, e, 2, 1)
		running := start(t.Context(), q.Submit, 1)
		synctest.Wait()
		q.Close()
		if <-running.done; !errors.Is(running.err, batch.ErrClosed) {
			t.Errorf("caller of the run under way = %v, want ErrClosed", running.err)
		}
	})
}

// silentContext is done without telling: the moment between a caller's end and
// its Submit's taking note of it, made to last.
type silentContext struct {
	context.Context
	gone atomic.Bool
}

func (c *silentContext) Err() error {
	if c.gone.Load() {
		return context.Canceled
	}
	return nil
}

func TestCallersThatLeftAreDroppedAtDequeue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(gate)
		e := &encoder{before: open.before}
		q := newQueue(t, e, 8, 8)
		start(t.Context(), q.Submit, 1)
		synctest.Wait()
		ctx := &silentContext{Context: t.Context()}
		left := start(ctx, q.Submit, 2, 3)
		synctest.Wait()
		alive := start(t.Context(), q.Submit, 4)
		synctest.Wait()
		ctx.gone.Store(true)
		close(open)
		<-left.done
		<-alive.done
		if !errors.Is(left.err, context.Canceled) {
			t.Errorf("caller that left = %v, want context.Canceled", left.err)
		}
		if diff := cmp.Diff([][]byte{{1}, {4}}, e.seen()); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}
