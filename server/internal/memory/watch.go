package memory

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
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
// is done. Go by itself keeps it for minutes, and what is garbage in a process that
// is at rest for as long.
func (b *Budget) Watch(ctx context.Context) {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	atRest := heldByGo() // after the last freeing
	again := false       // what the last calls held may have been in use still when it was freed
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		fallen, idle := b.fallen()
		held := heldByGo()
		atRest = min(atRest, held)
		fallen = fallen || idle && held-atRest >= worthFreeing
		if fallen || again {
			freeAll()
			atRest = heldByGo()
		}
		again = fallen
	}
}

// fallen reports whether a good part of the most that was used is free again, and
// less than half of it is used; and whether nothing is.
func (b *Budget) fallen() (fallen, idle bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	used := b.messages + b.decoding
	fallen = b.peak-used >= worthFreeing && used <= b.peak/2
	if fallen {
		b.peak = used
	}
	return fallen, used == 0
}

// freeAll frees what is garbage and what is kept for use again: pools let go of it
// at the second collection.
func freeAll() {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
}

// heldByGo returns the bytes of Go's heap that are not the system's: objects,
// garbage among them, and what is free.
func heldByGo() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(samples)
	held := uint64(0)
	for _, sample := range samples {
		if sample.Value.Kind() == metrics.KindUint64 {
			held += sample.Value.Uint64()
		}
	}
	return held
}
