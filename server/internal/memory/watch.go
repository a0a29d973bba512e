package memory

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// watchPeriod is how often Watch looks, and so how often memory is given back at
	// the most: it costs a collection of all garbage.
	watchPeriod = 5 * time.Second

	// worthFreeing is what must have been given back to the budget since: less is
	// taken again soon.
	worthFreeing = 32 << 20
)

// Watch gives memory back to the system when what calls hold has fallen, until ctx
// is done. Go by itself keeps it for minutes, and a process that is at rest for ever.
func (b *Budget) Watch(ctx context.Context) {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if b.fallen() {
				freeAll()
			}
		case <-ctx.Done():
			return
		}
	}
}

// fallen reports whether a good part of the most that was used is free again, and
// less than half of it is used.
func (b *Budget) fallen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	fallen := b.peak-b.used >= worthFreeing && b.used <= b.peak/2
	if fallen {
		b.peak = b.used
	}
	return fallen
}

// freeAll frees what is garbage and what is kept for use again: pools let go of it
// at the second collection.
func freeAll() {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
}
