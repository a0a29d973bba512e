package batch

import (
	"slices"
	"time"
)

// paceRuns is how many runs the pace is taken from, and usualRuns how many have to
// be known for the usual one.
const (
	paceRuns  = 8
	usualRuns = 3
)

// paceFresh is how long a pace is believed. Without an end a machine that was
// once slow could refuse all callers, and with them the runs that would show
// that it is fast again.
const paceFresh = 10 * time.Second

// pace is how fast the encoder has lately been, at its best and usually. A caller
// that would be late at the best pace is turned away even from an empty queue: not
// even luck would help. The usual pace is for callers that others wait with: one
// that is probably late would take an answer from somebody else. A run that hung
// for a while counts for neither.
type pace struct {
	perImage [paceRuns]time.Duration // of the last runs; a ring
	runs     int
	noted    time.Time
}

// note takes a run into account.
func (p *pace) note(r *run) {
	p.perImage[p.runs%paceRuns] = r.took / time.Duration(len(r.units))
	p.runs++
	p.noted = r.started.Add(r.took)
}

// run is the least time that a run of n images takes; zero where too little is
// known.
func (p *pace) run(now time.Time, n int) time.Duration {
	if p.runs < paceRuns || now.Sub(p.noted) > paceFresh {
		return 0
	}
	return slices.Min(p.perImage[:]) * time.Duration(n)
}

// usual is the time within which three of four runs of n images end; zero where
// too little is known.
func (p *pace) usual(now time.Time, n int) time.Duration {
	known := min(p.runs, paceRuns)
	if known < usualRuns || now.Sub(p.noted) > paceFresh {
		return 0
	}
	sorted := slices.Sorted(slices.Values(p.perImage[:known]))
	return sorted[known*3/4] * time.Duration(n)
}

// wait is how long n images usually take, spread over runners.
func (p *pace) wait(now time.Time, n, runners int) time.Duration {
	return p.usual(now, n) / time.Duration(runners)
}

// work is the least time that n images take, one at a time or spread over
// runners.
func (p *pace) work(now time.Time, n, runners int) time.Duration {
	return max(p.run(now, min(n, 1)), p.run(now, n)/time.Duration(runners))
}
