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

// pace is how fast the encoder has lately been, at its best and usually. Whoever
// would be late at the best pace is turned away even where nobody else is: not even
// luck would help. The usual pace is for callers that others wait with: who is
// probably late would take an answer from somebody else. A run that hung for a
// while speaks for neither.
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

// usual tells how long a run of n images takes three times of four; zero where
// too little is known.
func (p *pace) usual(now time.Time, n int) time.Duration {
	known := min(p.runs, paceRuns)
	if known < usualRuns || now.Sub(p.noted) > paceFresh {
		return 0
	}
	sorted := slices.Sorted(slices.Values(p.perImage[:known]))
	return sorted[known*3/4] * time.Duration(n)
}

// wait tells how long n images usually take, spread over runners.
func (p *pace) wait(now time.Time, n, runners int) time.Duration {
	return p.usual(now, n) / time.Duration(runners)
}

// work tells how long n images take at the least, one at a time or spread over
// runners.
func (p *pace) work(now time.Time, n, runners int) time.Duration {
	return max(p.run(now, min(n, 1)), p.run(now, n)/time.Duration(runners))
}
