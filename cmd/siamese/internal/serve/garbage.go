package serve

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// maxGarbage is about how much memory waits for Go's garbage collector at a time. Go by
// itself lets as much garbage gather as is in use: an index of a million entries would
// take its memory twice.
const maxGarbage = 192 << 20

// The collector's own setting, and the least: it would do little else below.
const (
	defaultPercent = 100
	leastPercent   = 10
)

// boundGarbage has Go collect before there is much more garbage than most, however much
// is in use, for as long as the program runs. GOGC stands where it is set.
func boundGarbage(most uint64) {
	if os.Getenv("GOGC") == "" {
		followCollector(most, defaultPercent)
	}
}

// followCollector sets the collector's percentage, which is percent, by what is in use,
// now and after each of its cycles.
func followCollector(most uint64, percent int) {
	if now := percentFor(most, bytesInUse()); now != percent {
		debug.SetGCPercent(now)
		percent = now
	}
	// What nothing holds is cleaned up after the next cycle.
	runtime.AddCleanup(new([64]byte), func(percent int) { followCollector(most, percent) }, percent)
}

// bytesInUse is what the collector has found in use the last time.
func bytesInUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// percentFor is the percentage of what is in use that makes most bytes.
func percentFor(most, inUse uint64) int {
	if inUse <= most {
		return defaultPercent
	}
	return int(max(most*defaultPercent/inUse, leastPercent))
}
