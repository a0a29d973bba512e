package serve

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	for _, tt := range []struct {
		most, inUse uint64
		want        int
	}{
		{100, 0, 100},
		{100, 100, 100},
		{100, 200, 50},
		{100, 1 << 40, 10},
	} {
		if got := percentFor(tt.most, tt.inUse); got != tt.want {
			t.Errorf("percentFor(%d, %d) = %d, want %d", tt.most, tt.inUse, got, tt.want)
		}
	}
}

// percent is the collector's setting.
func percent() int {
	is := debug.SetGCPercent(defaultPercent)
	debug.SetGCPercent(is)
	return is
}

// The setting follows what is in use up and down.
func TestGarbageIsBound(t *testing.T) {
	defer debug.SetGCPercent(percent())
	await := func(holds func(int) bool, what string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !holds(percent()); runtime.GC() {
			if time.Now().After(end) {
				t.Fatalf("the percentage is %d, want %s", percent(), what)
			}
		}
	}
	const most = 32 << 20
	followCollector(most, percent())
	held := make([]byte, 4*most)
	await(func(is int) bool { return is > 10 && is <= 25 }, "at most a quarter")
	runtime.KeepAlive(held)
	await(func(is int) bool { return is == defaultPercent }, "Go's own")
}
