// Package load sends calls to a server at a set pace and measures the answers.
//
// A closed loop has a number of callers, each of which calls again once it was
// answered: it finds what a server can do. An open loop has calls arrive at a
// rate, whatever becomes of those before: it tells what users feel. Its latencies
// count from when a call was due, so that a server which stalls can't hide it.
package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Call makes one call and waits for its answer; its error is nil or one that
// gRPC gave. Numbers are from 0 in the order of the calls' begin. It is used
// from many goroutines.
type Call func(ctx context.Context, number int) error

// Config says what is sent. Exactly one of Clients and Rate has to be set.
type Config struct {
	Call Call
	// Clients is how many callers a closed loop has.
	Clients int
	// Rate is how many calls arrive in a second of an open loop, at random moments
	// (a Poisson process).
	Rate float64
	// Fixed has an open loop's calls arrive at even intervals instead.
	Fixed bool
	// WarmUp is how long calls are sent before any is measured, and Duration how
	// long they are measured.
	WarmUp, Duration time.Duration
	// Deadline is how long each call may take. Default 0: as long as it does.
	Deadline time.Duration
	// Seed fixes the moments of an open loop's calls.
	Seed uint64
}

// maxInFlight bounds the calls of an open loop that wait for an answer: a server
// that answers none would have them use up this process's memory.
const maxInFlight = 20_000

// Validate tells what is wrong with the configuration, nil if nothing is.
func (c Config) Validate() error {
	switch {
	case c.Call == nil:
		return errors.New("load: received no call, expected one")
	case (c.Clients > 0) == (c.Rate > 0):
		return fmt.Errorf("load: received %d clients and %v calls/s, expected one of them above 0", c.Clients, c.Rate)
	case c.Clients < 0 || c.Rate < 0:
		return fmt.Errorf("load: received %d clients and %v calls/s, expected 0 or more", c.Clients, c.Rate)
	case c.Duration <= 0 || c.WarmUp < 0 || c.Deadline < 0:
		return fmt.Errorf("load: received a duration of %v after %v and a deadline of %v, expected a duration above 0 and nothing negative",
			c.Duration, c.WarmUp, c.Deadline)
	}
	return nil
}

// Run sends calls and waits for all of their answers. Calls that fail are part
// of the report; an error is a configuration that can't be, or that ctx has
// ended before the time was up.
func Run(ctx context.Context, config Config) (Report, error) {
	if err := config.Validate(); err != nil {
		return Report{}, err
	}
	r := &run{Config: config, begin: time.Now()}
	r.from = r.begin.Add(config.WarmUp)
	r.to = r.from.Add(config.Duration)
	if config.Clients > 0 {
		r.closed(ctx)
	} else {
		r.open(ctx)
	}
	r.callers.Wait()
	if time.Now().Before(r.to) && ctx.Err() != nil {
		return Report{}, fmt.Errorf("load: ended after %v of %v: %w", time.Since(r.begin).Round(time.Millisecond), config.WarmUp+config.Duration, ctx.Err())
	}
	return newReport(config.Duration, r.completed, r.answers), nil
}

// run is one Run. What is measured ends (closed loop) or begins (open loop)
// between from and to.
type run struct {
	Config
	begin, from, to time.Time

	callers   sync.WaitGroup
	mu        sync.Mutex
	number    int
	completed int // answered between from and to
	answers   []answer
}

// answer is what became of a measured call.
type answer struct {
	latency time.Duration
	err     error
}

// closed has callers call until the time is up. Which calls are measured goes
// by their end: those in flight at the beginning stand for those in flight at
// the end.
func (r *run) closed(ctx context.Context) {
	for range r.Clients {
		r.callers.Go(func() {
			for ctx.Err() == nil {
				begin := time.Now()
				if !begin.Before(r.to) {
					return
				}
				err := r.send(ctx, begin)
				end := time.Now()
				isIn := !end.Before(r.from) && end.Before(r.to)
				r.add(answer{end.Sub(begin), err}, isIn, isIn)
			}
		})
	}
}

// open has calls arrive until the time is up.
func (r *run) open(ctx context.Context) {
	random := rand.New(rand.NewPCG(r.Seed, r.Seed+1)) //nolint:gosec // moments, no secrets
	room := make(chan struct{}, maxInFlight)
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for due := r.begin; ; due = due.Add(r.interval(random)) {
		if !due.Before(r.to) {
			return
		}
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		select {
		case <-ctx.Done():
			return
		case room <- struct{}{}:
		}
		r.callers.Go(func() {
			defer func() { <-room }()
			err := r.send(ctx, due)
			end := time.Now()
			r.add(answer{end.Sub(due), err}, !due.Before(r.from), !end.Before(r.from) && end.Before(r.to))
		})
	}
}

// interval is the time to the next arrival.
func (r *run) interval(random *rand.Rand) time.Duration {
	seconds := 1 / r.Rate
	if !r.Fixed {
		seconds *= random.ExpFloat64()
	}
	return time.Duration(seconds * float64(time.Second))
}

// send makes the next call, which was due at a moment.
func (r *run) send(ctx context.Context, due time.Time) error {
	if r.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, due.Add(r.Deadline))
		defer cancel()
	}
	return r.Call(ctx, r.next())
}

func (r *run) next() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	return r.number - 1
}

// add takes an answer into account, among the calls that are measured and among
// those that were answered in time.
func (r *run) add(a answer, isMeasured, isIn bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if isMeasured {
		r.answers = append(r.answers, a)
	}
	if isIn && a.err == nil {
		r.completed++
	}
}

// Report is what became of the calls that were measured.
type Report struct {
	// Duration is how long was measured.
	Duration time.Duration
	// Sent is how many calls there were, Answered how many of them had an answer,
	// in time where there was a deadline.
	Sent, Answered int
	// Completed is how many calls were answered while it was measured, whenever they
	// arrived.
	Completed int
	// Failed counts the others by gRPC's code.
	Failed map[codes.Code]int
	// FirstFailure is one of them, nil where none failed.
	FirstFailure error

	latencies []time.Duration // of answered calls, sorted
}

func newReport(duration time.Duration, completed int, answers []answer) Report {
	r := Report{Duration: duration, Completed: completed, Sent: len(answers), Failed: make(map[codes.Code]int)}
	for _, a := range answers {
		if a.err != nil {
			if r.FirstFailure == nil {
				r.FirstFailure = a.err
			}
			r.Failed[status.Code(a.err)]++
			continue
		}
		r.Answered++
		r.latencies = append(r.latencies, a.latency)
	}
	slices.Sort(r.latencies)
	return r
}

// Throughput is how many calls were answered in a second, by when they were
// answered: calls that pile up do not count before their time. With a deadline it
// is the goodput: answers that came too late are none.
func (r Report) Throughput() float64 {
	return float64(r.Completed) / r.Duration.Seconds()
}

// Percentile is the latency that p of 100 answered calls did not go over, p
// above 0 to 100: the value at rank ⌈p/100·n⌉. It is 0 when none was answered.
func (r Report) Percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(r.latencies))))
	return r.latencies[min(max(rank, 1), len(r.latencies))-1]
}
