package load_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter is a server of a number of places, where each call takes the same time.
type counter struct {
	room chan struct{}
	take time.Duration
}

func newCounter(places int, take time.Duration) *counter {
	return &counter{room: make(chan struct{}, places), take: take}
}

func (c *counter) call(ctx context.Context, _ int) error {
	select {
	case c.room <- struct{}{}:
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
	defer func() { <-c.room }()
	select {
	case <-time.After(c.take):
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// Four callers before a server of one place: its throughput is 1/take, and each
// call waits for the three before it.
func TestClosedLoopFindsWhatAServerCanDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		report, err := load.Run(t.Context(), load.Config{
			Call: newCounter(1, 10*time.Millisecond).call, Clients: 4, WarmUp: 100 * time.Millisecond, Duration: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Throughput(); math.Abs(got-100) > 1 { // one call at each end
			t.Errorf("throughput = %v calls/s, want 100", got)
		}
		for _, p := range []float64{50, 99, 100} {
			if got := report.Percentile(p); got != 40*time.Millisecond {
				t.Errorf("percentile %v = %v, want 40ms", p, got)
			}
		}
	})
}

// Calls of an open loop arrive whatever becomes of those before. A server that
// refuses who finds its only place taken answers one of 1 + rate·take calls
// (Erlang's loss formula).
func TestOpenLoopOverCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		place := make(chan struct{}, 1)
		call := func(context.Context, int) error {
			select {
			case place <- struct{}{}:
				time.Sleep(10 * time.Millisecond)
				<-place
				return nil
			default:
				return status.Error(codes.ResourceExhausted, "taken")
			}
		}
		report, err := load.Run(t.Context(), load.Config{Call: call, Rate: 200, WarmUp: time.Second, Duration: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(report.Sent) / 10; math.Abs(got-200) > 20 { // 4.5 standard deviations of 2,000
			t.Errorf("sent %v calls/s, want about 200", got)
		}
		if got := report.Throughput(); math.Abs(got-200./3) > 8 {
			t.Errorf("answered %v calls/s, want about 66.7", got)
		}
		want := map[codes.Code]int{codes.ResourceExhausted: report.Sent - report.Answered}
		if diff := cmp.Diff(want, report.Failed); diff != "" {
			t.Errorf("failed (-want +got):\n%s", diff)
		}
	})
}

// Calls that pile up are answered in the end, but count when they are.
func TestThroughputIsNotTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		report, err := load.Run(t.Context(), load.Config{
			Call: newCounter(1, 10*time.Millisecond).call, Rate: 200, Fixed: true, Duration: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		if report.Sent != 200 || report.Answered != 200 || math.Abs(report.Throughput()-100) > 1 {
			t.Errorf("%d of %d answered, %v calls/s; want 200 of 200, and 100 of what a place can do", report.Answered, report.Sent, report.Throughput())
		}
	})
}

func TestDeadlineEndsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		report, err := load.Run(t.Context(), load.Config{
			Call: newCounter(1, 10*time.Millisecond).call, Clients: 3, Duration: time.Second, Deadline: 25 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Percentile(100); got > 25*time.Millisecond {
			t.Errorf("an answer took %v, want at most the deadline of 25ms", got)
		}
		want := map[codes.Code]int{codes.DeadlineExceeded: report.Sent - report.Answered}
		if diff := cmp.Diff(want, report.Failed); diff != "" || report.Answered == report.Sent {
			t.Errorf("%d of %d answered, failed (-want +got):\n%s", report.Answered, report.Sent, diff)
		}
	})
}

// Latencies and arrivals count from when a call was due.
func TestFixedArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var due []time.Duration
		call := func(context.Context, int) error {
			due = append(due, time.Since(begin)) // one at a time: calls are 100 ms apart
			return nil
		}
		report, err := load.Run(t.Context(), load.Config{Call: call, Rate: 10, Fixed: true, Duration: 500 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 400 * time.Millisecond}
		if diff := cmp.Diff(want, due); diff != "" || report.Answered != len(want) {
			t.Errorf("%d answered, arrivals (-want +got):\n%s", report.Answered, diff)
		}
	})
}

func TestFailuresAreCountedByCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := status.Error(codes.ResourceExhausted, "full")
		call := func(_ context.Context, number int) error {
			time.Sleep(time.Millisecond)
			switch number % 4 {
			case 0:
				return refusal
			case 1:
				return errors.New("no call of gRPC's")
			}
			return nil
		}
		report, err := load.Run(t.Context(), load.Config{Call: call, Clients: 1, Duration: 8*time.Millisecond + 1})
		if err != nil {
			t.Fatal(err)
		}
		want := map[codes.Code]int{codes.ResourceExhausted: 2, codes.Unknown: 2}
		if diff := cmp.Diff(want, report.Failed); diff != "" || report.Answered != 4 || report.Sent != 8 {
			t.Errorf("%d of %d answered, failed (-want +got):\n%s", report.Answered, report.Sent, diff)
		}
		if !errors.Is(report.FirstFailure, refusal) {
			t.Errorf("first failure = %v, want %v", report.FirstFailure, refusal)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	for _, give := range []load.Config{{Clients: 2}, {Rate: 50}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			give.Call, give.Duration = newCounter(1, 10*time.Millisecond).call, time.Hour
			if _, err := load.Run(ctx, give); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Run of an hour under a context of a second = %v, want %v", err, context.DeadlineExceeded)
			}
			if took := time.Since(synctestEpoch); took > 2*time.Second {
				t.Errorf("it ended after %v, want about a second", took)
			}
		})
	}
}

// synctestEpoch is when the time of a bubble begins.
var synctestEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestConfigValidate(t *testing.T) {
	call := func(context.Context, int) error { return nil }
	tests := []struct {
		give load.Config
		want string
	}{
		{load.Config{Clients: 1, Duration: 1}, "no call"},
		{load.Config{Call: call, Duration: 1}, "0 clients and 0 calls/s"},
		{load.Config{Call: call, Clients: 1, Rate: 1, Duration: 1}, "1 clients and 1 calls/s"},
		{load.Config{Call: call, Clients: -1, Rate: 1, Duration: 1}, "-1 clients"},
		{load.Config{Call: call, Clients: 1}, "duration of 0s"},
		{load.Config{Call: call, Clients: 1, Duration: 1, WarmUp: -1}, "after -1ns"},
		{load.Config{Call: call, Clients: 1, Duration: 1, Deadline: -1}, "deadline of -1ns"},
		{load.Config{Call: call, Clients: 1, Duration: 1}, ""},
	}
	for _, tt := range tests {
		err := tt.give.Validate()
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("Validate(%+v) = %v, want %q", tt.give, err, tt.want)
		}
	}
}
