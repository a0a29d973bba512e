package load

import (
	"math"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

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
