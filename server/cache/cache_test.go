package cache_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/server/cache"
)

// entryBytes is what an embedding of 1,000 floats takes, sourceBytes a source.
const (
	entryBytes  = 256 + 4*1000
	sourceBytes = 256
)

func newCache(t *testing.T, maxBytes int) *cache.Cache {
	t.Helper()
	c, err := cache.New(cache.Config{MaxBytes: maxBytes})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

// key is a digest that belongs to n.
func key(n int) cache.Key { return cache.Key{byte(n), byte(n >> 8), 7} }

func embedding(n int) cache.Known {
	values := make([]float32, 1000)
	values[0] = float32(n)
	return cache.Known{Embedding: values}
}

// kept lists which of the pixels 0 to n-1 are there. It asks oldest first, so
// that the order of use stays.
func kept(c *cache.Cache, n int) []int {
	var found []int
	for i := range n {
		if got, ok := c.Pixels(key(i)); ok && got.Embedding[0] == float32(i) {
			found = append(found, i)
		}
	}
	return found
}

func TestNegativeSizeIsRefused(t *testing.T) {
	if _, err := cache.New(cache.Config{MaxBytes: -1}); err == nil {
		t.Error("New with -1 bytes = nil, want an error")
	}
}

func TestSourceFindsWhatItsPixelsHave(t *testing.T) {
	c := newCache(t, 10*entryBytes)
	source, other, pixels := key(1), key(2), key(1) // a source's digest may equal one of pixels
	if _, ok := c.Source(source); ok {
		t.Error("Source of an empty cache found something")
	}
	c.Link(source, pixels)
	if _, ok := c.Source(source); ok {
		t.Error("Source found an embedding that was never added")
	}
	c.Link(source, pixels)
	c.Link(other, pixels)
	c.Add(pixels, embedding(5))
	for _, k := range []cache.Key{source, other} {
		if got, ok := c.Source(k); !ok || got.Embedding[0] != 5 {
			t.Errorf("Source(%v) = %v, %v, want embedding 5", k[0], got, ok)
		}
	}
	if _, ok := c.Pixels(other); ok {
		t.Error("Pixels found a source's digest")
	}
	want := cache.Stats{
		Bytes: entryBytes + 2*sourceBytes, Entries: 3,
		SourceHits: 2, SourceMisses: 2, PixelsMisses: 1,
	}
	if diff := cmp.Diff(want, c.Stats()); diff != "" {
		t.Errorf("Stats() (-want +got):\n%s", diff)
	}
}

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	tests := []struct {
		name    string
		giveUse []int // between the third and the fourth
		want    []int
	}{
		{"none used", nil, []int{1, 2, 3}},
		{"the oldest used", []int{0}, []int{0, 2, 3}},
		{"the two oldest used", []int{0, 1}, []int{0, 1, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCache(t, 3*entryBytes)
			for i := range 3 {
				c.Add(key(i), embedding(i))
			}
			for _, i := range tt.giveUse {
				c.Pixels(key(i))
			}
			c.Add(key(3), embedding(3))
			if got := c.Stats(); got.Evictions != 1 || got.Bytes != 3*entryBytes {
				t.Errorf("%d evictions, %d bytes, want 1 and %d", got.Evictions, got.Bytes, 3*entryBytes)
			}
			if diff := cmp.Diff(tt.want, kept(c, 4)); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourceWhoseEmbeddingWentIsForgotten(t *testing.T) {
	c := newCache(t, entryBytes+2*sourceBytes)
	c.Add(key(1), embedding(1))
	c.Link(key(1), key(1))
	c.Add(key(2), embedding(2)) // in place of the first
	if _, ok := c.Source(key(1)); ok {
		t.Error("Source found an embedding that went")
	}
	if got := c.Stats(); got.Entries != 1 || got.Bytes != entryBytes {
		t.Errorf("%d entries of %d bytes, want 1 of %d", got.Entries, got.Bytes, entryBytes)
	}
}

func TestAddingAgainReplaces(t *testing.T) {
	c := newCache(t, 2*entryBytes)
	c.Add(key(1), embedding(1))
	c.Add(key(1), embedding(9))
	if got, _ := c.Pixels(key(1)); got.Embedding[0] != 9 {
		t.Errorf("Pixels = %v, want the second", got.Embedding[0])
	}
	if got := c.Stats(); got.Entries != 1 || got.Bytes != entryBytes || got.Evictions != 0 {
		t.Errorf("Stats() = %+v, want one entry and no eviction", got)
	}
}

func TestNothingIsKeptOverTheBound(t *testing.T) {
	for _, maxBytes := range []int{0, entryBytes - 1} {
		c := newCache(t, maxBytes)
		c.Add(key(1), embedding(1))
		if _, ok := c.Pixels(key(1)); ok {
			t.Errorf("a cache of %d bytes has kept %d", maxBytes, entryBytes)
		}
		if got := c.Stats(); got.Entries != 0 || got.Evictions != 0 {
			t.Errorf("Stats() = %+v, want nothing kept and nothing evicted", got)
		}
	}
}

func TestCacheThatIsOffCountsNothing(t *testing.T) {
	c := newCache(t, 0)
	c.Link(key(1), key(1))
	c.Source(key(1))
	c.Pixels(key(1))
	if diff := cmp.Diff(cache.Stats{}, c.Stats()); diff != "" {
		t.Errorf("Stats() (-want +got):\n%s", diff)
	}
}

// What the cache counts must be what the process pays, or the bound means
// little. Half as much again is allowed for: maps grow in steps.
func TestBytesAreWhatTheHeapGrowsBy(t *testing.T) {
	const entries = 20_000
	c := newCache(t, 1<<30)
	before := heap()
	for i := range entries {
		c.Add(key(i), cache.Known{Embedding: []float32{1}})
		c.Link(key(i), key(i))
	}
	grown := heap() - before
	counted := c.Stats().Bytes
	t.Logf("counted %d bytes an entry, grown %d", counted/(2*entries), grown/(2*entries))
	if grown > counted*3/2 || grown < counted/3 {
		t.Errorf("the heap grew by %d bytes, the cache counts %d", grown, counted)
	}
	runtime.KeepAlive(c)
}

func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

func TestConcurrentUseStaysWithinTheBound(t *testing.T) {
	c := newCache(t, 5*entryBytes)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 500 {
				n := random.IntN(12)
				if got, ok := c.Source(key(n)); ok && got.Embedding[0] != float32(n) {
					t.Errorf("Source(%d) = embedding %v", n, got.Embedding[0])
				}
				c.Add(key(n), embedding(n))
				c.Link(key(n), key(n))
				if got := c.Stats().Bytes; got > 5*entryBytes {
					t.Errorf("%d bytes are kept, want at most %d", got, 5*entryBytes)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkSource(b *testing.B) {
	c, err := cache.New(cache.Config{MaxBytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	c.Add(key(1), embedding(1))
	c.Link(key(1), key(1))
	for b.Loop() {
		c.Source(key(1))
	}
}
