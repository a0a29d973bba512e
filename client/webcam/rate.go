package webcam

import "time"

// rateSpan is what a rate is counted over.
const rateSpan = time.Second

// maxRateEvents bounds what a rate remembers.
const maxRateEvents = 512

// rate counts events a second. The zero value is ready for use.
type rate struct {
	events []time.Time // of the last rateSpan, oldest first
}

func (r *rate) add(at time.Time) {
	r.events = append(r.events, at)
	r.forget(at)
}

// perSecond is the rate at a time.
func (r *rate) perSecond(now time.Time) float64 {
	r.forget(now)
	return float64(len(r.events)) / rateSpan.Seconds()
}

func (r *rate) forget(now time.Time) {
	old := max(0, len(r.events)-maxRateEvents)
	for old < len(r.events) && now.Sub(r.events[old]) >= rateSpan {
		old++
	}
	r.events = append(r.events[:0], r.events[old:]...)
}
