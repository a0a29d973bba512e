package metrics_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
	"siamese/server/cache"
	"siamese/server/metrics"
)

func queueStats(n int) batch.Stats {
	u := uint64(n)
	return batch.Stats{
		Queued: n, InFlight: 2 * n, Running: 3 * n, Batches: []uint64{0, u},
		Images: 4 * u, Encode: time.Duration(5 * n), Failed: 6 * u, Shared: 7 * u, Refused: 8 * u,
		Dropped: map[batch.DropReason]uint64{batch.DropDeadline: 9 * u},
	}
}

func cacheStats(n int) cache.Stats {
	u := uint64(n)
	return cache.Stats{
		Bytes: n, Entries: 2 * n, SourceHits: 3 * u, SourceMisses: 4 * u,
		PixelsHits: 5 * u, PixelsMisses: 6 * u, Evictions: 7 * u,
	}
}

func TestReadingsAddUp(t *testing.T) {
	var got metrics.Counts
	got.Add(queueStats(1), cacheStats(1))
	got.Add(queueStats(10), cacheStats(10))
	if diff := cmp.Diff(metrics.Counts{Queue: queueStats(11), Cache: cacheStats(11)}, got); diff != "" {
		t.Errorf("sum (-want +got):\n%s", diff)
	}
}

func TestWhatIsPastHoldsNothingMore(t *testing.T) {
	var got metrics.Counts
	got.Add(queueStats(1), cacheStats(1))
	got.AddPast(queueStats(10), cacheStats(10))
	want := metrics.Counts{Queue: queueStats(11), Cache: cacheStats(11)}
	want.Queue.Queued, want.Queue.InFlight, want.Queue.Running = 1, 2, 3
	want.Cache.Bytes, want.Cache.Entries = 1, 2
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sum (-want +got):\n%s", diff)
	}
}

// A scrape adds to a copy of what is kept: it must not change it.
func TestAddingToACopyLeavesTheOriginal(t *testing.T) {
	var kept metrics.Counts
	kept.Add(queueStats(1), cacheStats(1))
	scraped := kept
	scraped.Add(queueStats(5), cacheStats(5))
	if diff := cmp.Diff(metrics.Counts{Queue: queueStats(1), Cache: cacheStats(1)}, kept); diff != "" {
		t.Errorf("original (-want +got):\n%s", diff)
	}
}
