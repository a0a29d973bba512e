package webcam

import (
	"math"
	"time"
)

const (
	// smoothing is the time constant of the smoothed score: a change is shown to
	// two thirds after it. Long enough for a steady number, short enough to follow
	// a hand.
	smoothing = 300 * time.Millisecond
	// historySpan is how much of the past the line shows.
	historySpan = 2 * time.Second
	// maxHistory bounds the samples of a span, against a clock that stands still.
	maxHistory = 512
)

// sample is a score as it was at a time.
type sample struct {
	at       time.Time
	smoothed float64 // 0 to 1
}

// history is one reference's scores of the last two seconds. The zero value is
// ready for use.
type history struct {
	samples []sample // oldest first
}

// add takes a similarity, 0 to 1, and gives the smoothed one. Scores further
// apart than historySpan don't smooth each other.
func (h *history) add(at time.Time, similarity float64) float64 {
	smoothed := similarity
	if n := len(h.samples); n > 0 {
		last := h.samples[n-1]
		if passed := at.Sub(last.at); passed < historySpan {
			weight := 1 - math.Exp(-max(passed, 0).Seconds()/smoothing.Seconds())
			smoothed = last.smoothed + weight*(similarity-last.smoothed)
		}
	}
	h.samples = append(h.samples, sample{at: at, smoothed: smoothed})
	h.forget(at)
	return smoothed
}

// forget drops what is older than historySpan, seen from a time.
func (h *history) forget(now time.Time) {
	old := max(0, len(h.samples)-maxHistory)
	for old < len(h.samples) && now.Sub(h.samples[old].at) > historySpan {
		old++
	}
	h.samples = append(h.samples[:0], h.samples[old:]...)
}

// since gives the samples of the last two seconds, oldest first; they are valid
// until the next add.
func (h *history) since(now time.Time) []sample {
	for i, s := range h.samples {
		if now.Sub(s.at) <= historySpan {
			return h.samples[i:]
		}
	}
	return nil
}
