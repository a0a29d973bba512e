package bench

import "slices"

// liveRound is a play of the film with encodes in this process around it.
type liveRound struct {
	played
	encodesPerSec float64
}

// liveRounds were measured one after the other. Figures are medians of the
// rounds, and ratios are of one round each.
type liveRounds []liveRound

// newLiveRound makes a round of a play and of the seconds of encodes before and
// after it.
func newLiveRound(before, after []float64, played played) liveRound {
	encodes := slices.Concat(before, after)
	seconds := 0.0
	for _, each := range encodes {
		seconds += each
	}
	return liveRound{played: played, encodesPerSec: float64(len(encodes)) / seconds}
}

// scorable is the most frames a second that can be scored: no more than
// are encoded, and no more than there are.
func (r liveRound) scorable() float64 {
	return min(r.encodesPerSec, filmRate)
}

// lagBound is the lag in seconds of a frame that had to wait for an encode and
// was the newest one for as long as it could be.
func (r liveRound) lagBound() float64 {
	return 2/r.encodesPerSec + 1./filmRate
}

func (r liveRounds) median(of func(liveRound) float64) float64 {
	values := make([]float64, len(r))
	for i, round := range r {
		values[i] = of(round)
	}
	return median(values)
}

// rows are the figures of all rounds.
func (r liveRounds) rows() []Row {
	return []Row{
		figure("live, encodes in process, rate", r.median(func(l liveRound) float64 { return l.encodesPerSec }), "images/s"),
		figure("live, frames scored, rate", r.median(func(l liveRound) float64 { return l.scoredPerSec }), "frames/s"),
		atLeast("live, frames scored to what could be (encodes in process, the film's rate)",
			r.median(func(l liveRound) float64 { return l.scoredPerSec / l.scorable() }), "×", scoredBar),
		figure("live, frames shown, rate", r.median(func(l liveRound) float64 { return l.shownPerSec }), "frames/s"),
		atMost("live, frames shown, off the film's rate",
			r.median(func(l liveRound) float64 { return 100 * offBy(l.shownPerSec, filmRate) }), "%", shownBarPercent),
		figure("live, lag, median", r.median(func(l liveRound) float64 { return 1e3 * l.lagMedian }), "ms"),
		figure("live, lag, 95 of 100", r.median(func(l liveRound) float64 { return 1e3 * l.lagHigh }), "ms"),
		atMost("live, lag, 95 of 100, to two encodes and a frame's interval",
			r.median(func(l liveRound) float64 { return l.lagHigh / l.lagBound() }), "×", lagBar),
		atMost("live, the client's CPU", r.median(func(l liveRound) float64 { return l.cores }), "cores", clientBar),
	}
}

// offBy is how far a value is from what it should be, as a part of that.
func offBy(value, want float64) float64 {
	return max(value-want, want-value) / want
}
