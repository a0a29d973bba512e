package batch

import (
	"slices"
	"time"
)

// paceRuns is how many runs the pace is taken from. Their best counts, so that a
// run that hung for a while does not speak for the next ones.
const paceRuns = 8

// paceFresh is how long a pace is believed. Without an end a machine that was
// once slow could refuse all callers, and with them the runs that would show
// that it is fast again.
const paceFresh = 10 * time.Second

// pace is how fast the encoder has lately been at its best: whoever is turned
// away by it would not have been served in time with luck either.
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

// run tells how long a run of n images takes at the least; zero where too little
// is known.
func (p *pace) run(now time.Time, n int) time.Duration {
	if p.runs < paceRuns || now.Sub(p.noted) > paceFresh {
		return 0
	}
	return slices.Min(p.perImage[:]) * time.Duration(n)
}

// work tells how long n images take at the least, one at a time or spread over
// runners.
func (p *pace) work(now time.Time, n, runners int) time.Duration {
	return max(p.run(now, min(n, 1)), p.run(now, n)/time.Duration(runners))
}
