package access_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"siamese/server/access"
)

func newCallers(t *testing.T, limits access.Limits) *access.Callers {
	t.Helper()
	callers, err := access.NewCallers(limits)
	if err != nil {
		t.Fatal(err)
	}
	return callers
}

// enter begins a call that is let in.
func enter(t *testing.T, callers *access.Callers, name string) *access.Permit {
	t.Helper()
	call, err := callers.Enter(name)
	if err != nil {
		t.Fatalf("Enter(%q) = %v, want a call", name, err)
	}
	return call
}

func TestLimitsValidate(t *testing.T) {
	tests := []struct {
		give access.Limits
		want string // empty: none
	}{
		{access.Limits{}, ""},
		{access.Limits{CallsPerSecond: 0.5, Burst: 3, Calls: 4, Callers: 5}, ""},
		{access.Limits{CallsPerSecond: -1}, "CallsPerSecond is -1"},
		{access.Limits{CallsPerSecond: 1e-9}, "CallsPerSecond is 1e-09"},
		{access.Limits{CallsPerSecond: math.NaN()}, "CallsPerSecond is NaN"},
		{access.Limits{CallsPerSecond: math.Inf(1)}, "CallsPerSecond is +Inf"},
		{access.Limits{Burst: 3}, "Burst is 3 without CallsPerSecond"},
		{access.Limits{CallsPerSecond: 1, Burst: -1}, "Burst is -1"},
		{access.Limits{Calls: -1}, "Calls is -1"},
		{access.Limits{Callers: -1}, "Callers is -1"},
	}
	for _, tt := range tests {
		_, err := access.NewCallers(tt.give)
		if (tt.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("NewCallers(%+v) = %v, want %q", tt.give, err, tt.want)
		}
	}
}

func TestRateOfOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		callers := newCallers(t, access.Limits{CallsPerSecond: 2, Burst: 3})
		for range 3 {
			enter(t, callers, "ann").Leave()
		}
		_, err := callers.Enter("ann")
		limited, ok := errors.AsType[*access.RateError](err)
		if !ok || limited.Retry != 500*time.Millisecond || limited.CallsPerSecond != 2 {
			t.Fatalf("fourth call at once = %v, want a RateError with a retry in 500ms", err)
		}
		enter(t, callers, "bob").Leave() // another caller pays nothing for it
		time.Sleep(limited.Retry)
		enter(t, callers, "ann").Leave() // a refused call has cost nothing
		if _, err := callers.Enter("ann"); err == nil {
			t.Error("a call right after = nil, want a RateError")
		}
		time.Sleep(time.Hour)
		for range 3 {
			enter(t, callers, "ann").Leave()
		}
		if _, err := callers.Enter("ann"); err == nil {
			t.Error("a fourth call after an hour's silence = nil, want a RateError")
		}
	})
}

func TestBurstIsASecondsCallsByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for rate, want := range map[float64]int{0.01: 1, 1: 1, 2.5: 3, 100: 100} {
			callers, got := newCallers(t, access.Limits{CallsPerSecond: rate}), 0
			for {
				if _, err := callers.Enter("ann"); err != nil {
					break
				}
				got++
			}
			if got != want || callers.Limits().Burst != want {
				t.Errorf("at %v calls a second %d came at once and the limits say %+v, want %d", rate, got, callers.Limits(), want)
			}
		}
	})
}

func TestCallsUnderWay(t *testing.T) {
	callers := newCallers(t, access.Limits{Calls: 2})
	first, _ := enter(t, callers, "ann"), enter(t, callers, "ann")
	_, err := callers.Enter("ann")
	if full, ok := errors.AsType[*access.CallsError](err); !ok || full.Calls != 2 {
		t.Errorf("third call under way = %v, want a CallsError of 2", err)
	}
	enter(t, callers, "bob").Leave()
	first.Leave()
	enter(t, callers, "ann")
}

func TestNoBoundsRememberNobody(t *testing.T) {
	callers := newCallers(t, access.Limits{})
	call := enter(t, callers, "ann")
	if err := call.Wait(t.Context()); err != nil {
		t.Errorf("Wait = %v, want none", err)
	}
	call.Leave()
	if got := callers.Len(); got != 0 {
		t.Errorf("%d callers are remembered, want none", got)
	}
}

// TestTableIsBounded: the longest silent caller makes room, and who has a call
// under way stays.
func TestTableIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		callers := newCallers(t, access.Limits{CallsPerSecond: 1, Callers: 3})
		busy := enter(t, callers, "busy")
		for i := range 1000 {
			enter(t, callers, fmt.Sprint("caller ", i)).Leave()
			if got := callers.Len(); got > 3 {
				t.Fatalf("%d callers are remembered, want at most 3", got)
			}
		}
		if _, err := callers.Enter("caller 999"); err == nil {
			t.Error("the latest caller was forgotten, want it remembered")
		}
		if _, err := callers.Enter("busy"); err == nil {
			t.Error("a caller with a call under way was forgotten, want it remembered")
		}
		enter(t, callers, "second")
		enter(t, callers, "third")
		if _, err := callers.Enter("fourth"); !errors.Is(err, access.ErrTooManyCallers) {
			t.Errorf("a caller beyond those with calls under way = %v, want ErrTooManyCallers", err)
		}
		busy.Leave()
		enter(t, callers, "fourth")
	})
}

func TestWaitPacesACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		callers := newCallers(t, access.Limits{CallsPerSecond: 10, Burst: 1})
		call := enter(t, callers, "ann")
		defer call.Leave()
		started := time.Now()
		for range 5 {
			if err := call.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(started); took != 500*time.Millisecond {
			t.Errorf("five waits took %v, want 500ms", took)
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if limited, ok := errors.AsType[*access.RateError](call.Wait(hurried)); !ok || limited.Retry != 100*time.Millisecond {
			t.Errorf("Wait with 1 ms left = %v, want a RateError with a retry in 100ms", limited)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := call.Wait(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait of one who has left = %v, want context.Canceled", err)
		}
	})
}

func TestCallersFromManyGoroutines(t *testing.T) {
	callers := newCallers(t, access.Limits{Calls: 1000, Callers: 4})
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for j := range 200 {
				if call, err := callers.Enter(fmt.Sprint((i + j) % 8)); err == nil {
					call.Leave()
				}
			}
		})
	}
	group.Wait()
	for i := range 4 { // nothing is left under way: the table can be filled again
		enter(t, callers, fmt.Sprint("fresh ", i))
	}
}

// TestShares: one caller does not get all of many places, nor do two, and what is
// given back can be had again.
func TestShares(t *testing.T) {
	fill := func(s *access.Shares, caller string) (leave []func()) {
		for {
			l, ok := s.Enter(caller)
			if !ok {
				return leave
			}
			leave = append(leave, l)
		}
	}
	for _, tt := range []struct{ all, want int }{{1, 1}, {4, 4}, {5, 4}, {8, 7}, {512, 385}} {
		s := access.NewShares(tt.all)
		leave := fill(s, "a")
		if len(leave) != tt.want {
			t.Errorf("one caller got %d of %d places, want %d", len(leave), tt.all, tt.want)
		}
		for _, l := range leave {
			l()
			l() // does nothing
		}
		if again := len(fill(s, "a")); again != tt.want {
			t.Errorf("%d places of %d after all were given back, want %d", again, tt.all, tt.want)
		}
	}
	s := access.NewShares(512)
	a, b, c := len(fill(s, "a")), len(fill(s, "b")), len(fill(s, "c"))
	if a != 385 || b != 96 || c != 24 {
		t.Errorf("three callers got %d, %d and %d of 512 places, want 385, 96 and 24", a, b, c)
	}
}
