package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"siamese/server/internal/memory"
)

func newBudget(t *testing.T, size int64) *memory.Budget {
	t.Helper()
	b, err := memory.NewBudget(size)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessagesTakeAtMostHalf(t *testing.T) {
	b := newBudget(t, 100)
	if !b.TakeMessage(50) {
		t.Error("TakeMessage(50) of 100 = false, want true")
	}
	if b.TakeMessage(1) {
		t.Error("TakeMessage(1) beside 50 of 100 = true, want false: the rest is for decoding")
	}
	if err := b.Take(t.Context(), 50); err != nil {
		t.Errorf("Take(50) beside 50 of messages = %v, want none", err)
	}
	if got := b.Used(); got != 100 {
		t.Errorf("Used() = %d, want 100", got)
	}
	b.ReleaseMessage(50)
	b.Release(50)
	if got := b.Used(); got != 0 {
		t.Errorf("Used() after all is given back = %d, want 0", got)
	}
}

func TestMessagesAreRefusedWhereDecodingHasAll(t *testing.T) {
	b := newBudget(t, 100)
	if err := b.Take(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if b.TakeMessage(1) {
		t.Error("TakeMessage(1) of a full budget = true, want false")
	}
	b.Release(100)
	if !b.TakeMessage(50) {
		t.Error("TakeMessage(50) after a refusal and a release = false, want true")
	}
}

func TestTakeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, 100)
		if err := b.Take(t.Context(), 60); err != nil {
			t.Fatal(err)
		}
		taken := make(chan error, 1)
		go func() { taken <- b.Take(t.Context(), 60) }()
		synctest.Wait()
		select {
		case err := <-taken:
			t.Fatalf("Take(60) beside 60 of 100 = %v at once, want it to wait", err)
		default:
		}
		b.Release(60)
		if err := <-taken; err != nil {
			t.Errorf("Take(60) once it fits = %v, want none", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Take(ctx, 60); !errors.Is(err, context.Canceled) {
			t.Errorf("Take after its end = %v, want %v", err, context.Canceled)
		}
	})
}

func TestNewBudgetRefuses(t *testing.T) {
	if _, err := memory.NewBudget(1); err == nil {
		t.Error("NewBudget(1) = nil error, want one")
	}
}
