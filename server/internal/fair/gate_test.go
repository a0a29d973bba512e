package fair_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/internal/fair"
)

// TestGateTakesTurns: one at a time, and a caller who comes later does not wait for all
// that another one wants.
func TestGateTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := fair.NewGate(1)
		first, err := gate.Enter(t.Context(), fair.Flow{Caller: "a", Call: 0})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		var group sync.WaitGroup
		enter := func(caller string, call int) {
			group.Go(func() {
				leave, err := gate.Enter(t.Context(), fair.Flow{Caller: caller, Call: call})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, caller)
				mu.Unlock()
				time.Sleep(time.Second) // fake time
				leave()
			})
			synctest.Wait()
		}
		for call := range 3 {
			enter("a", call+1)
		}
		enter("b", 1)
		first()
		group.Wait()
		if diff := cmp.Diff([]string{"b", "a", "a", "a"}, order); diff != "" && order[1] != "b" {
			t.Errorf("order (-want, or b second, +got):\n%s", diff)
		}
	})
}

// TestGateIsLeft: who gives up, before or just as its turn comes, holds no place.
func TestGateIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := fair.NewGate(1)
		leave, err := gate.Enter(t.Context(), fair.Flow{Caller: "a"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := gate.Enter(ctx, fair.Flow{Caller: "b"})
			ended <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Enter of one who gives up = %v, want %v", err, context.Canceled)
		}
		if _, err := gate.Enter(ctx, fair.Flow{Caller: "b"}); !errors.Is(err, context.Canceled) {
			t.Errorf("Enter with a context that is done = %v, want %v", err, context.Canceled)
		}
		leave()
		for range 3 {
			leave, err := gate.Enter(t.Context(), fair.Flow{Caller: "c"})
			if err != nil {
				t.Fatal(err)
			}
			leave()
		}
	})
}
