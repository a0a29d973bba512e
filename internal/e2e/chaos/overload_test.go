package chaos_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pace "siamese/bench/load"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// What an overloaded server is held to.
const (
	overloadFactor   = 5               // arrivals to what it can do
	overloadDeadline = 2 * time.Second // of each call
	goodputBar       = 0.9             // answers in time to what it can do
	recoveryBar      = 5 * time.Second // from the last call of the overload
	slowdownBar      = 1.5             // of a lone client's median, once recovered
)

// TestOverload sends five times the calls that the server can answer: it goes on
// answering as many as it can, in time, and is itself again right after.
func TestOverload(t *testing.T) {
	server := proctest.Serve(t, "--cache-bytes", "0")
	caller := &overloadCaller{service: siamesev1.NewSiameseServiceClient(proctest.Dial(t, server.Address))}
	lone := caller.measure(t, pace.Config{Clients: 1, WarmUp: time.Second, Duration: byForm(time.Second, 10*time.Second)})
	peak := caller.measure(t, pace.Config{Clients: 16, WarmUp: byForm(time.Second, 5*time.Second), Duration: byForm(2*time.Second, 30*time.Second)})
	over := caller.measure(t, pace.Config{
		Rate: overloadFactor * peak.Throughput(), Deadline: overloadDeadline, Seed: 1,
		WarmUp: byForm(time.Second, 5*time.Second), Duration: byForm(4*time.Second, time.Minute),
	})
	back, again := caller.recover(t, time.Duration(slowdownBar*float64(lone.Percentile(50))))

	goodput := over.Throughput() / peak.Throughput()
	figure(t, "overload at %d times capacity (%.1f pairs/s): goodput %.0f %% of it (bar %.0f), p99 of answers %v (bar %v), "+
		"a lone client's p50 %v, before %v (bar %v times) again after %v (bar %v); %d sent, %d answered, failed %v",
		overloadFactor, peak.Throughput(), 100*goodput, 100*goodputBar, over.Percentile(99).Round(time.Millisecond), overloadDeadline,
		again.Percentile(50).Round(time.Millisecond), lone.Percentile(50).Round(time.Millisecond), slowdownBar,
		back.Round(10*time.Millisecond), recoveryBar, over.Sent, over.Answered, over.Failed)
	longBar(t, goodput >= goodputBar, "goodput is %.2f of the peak, want at least %v", goodput, goodputBar)
	longBar(t, over.Percentile(99) <= overloadDeadline, "p99 of accepted calls is %v, want at most %v", over.Percentile(99), overloadDeadline)
	longBar(t, back <= recoveryBar, "back to normal after %v, want at most %v", back, recoveryBar)
	if over.Answered == 0 || over.Sent == over.Answered {
		t.Errorf("%d of %d calls were answered, want some and not all", over.Answered, over.Sent)
	}
	for code, calls := range over.Failed {
		if code != codes.ResourceExhausted && code != codes.DeadlineExceeded {
			t.Errorf("%d calls failed with %v, want RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED", calls, code)
		}
	}
}

// overloadCaller compares two pictures that were in no call before.
type overloadCaller struct {
	service  siamesev1.SiameseServiceClient
	pictures atomic.Uint64
	last     atomic.Int64 // when the last call began, Unix nanoseconds
}

func (c *overloadCaller) call(ctx context.Context, _ int) error {
	c.last.Store(time.Now().UnixNano())
	number := c.pictures.Add(2)
	_, err := c.service.Compare(ctx, &siamesev1.CompareRequest{ImageA: noisePicture(number), ImageB: noisePicture(number + 1)})
	return err
}

func (c *overloadCaller) measure(t *testing.T, config pace.Config) pace.Report {
	t.Helper()
	config.Call = c.call
	report, err := pace.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// recover measures a lone client second by second until none of its calls fails
// and their median is at most so much, or until it is too late. It returns the
// end of that second, counted from the last call before it, and its report.
func (c *overloadCaller) recover(t *testing.T, most time.Duration) (time.Duration, pace.Report) {
	t.Helper()
	overload := time.Unix(0, c.last.Load())
	for {
		second := c.measure(t, pace.Config{Clients: 1, Duration: time.Second})
		took := time.Since(overload)
		good := second.Answered > 0 && second.Answered == second.Sent && second.Percentile(50) <= most
		if good || took > 2*recoveryBar {
			return took, second
		}
	}
}
