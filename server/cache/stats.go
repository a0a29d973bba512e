package cache

// Stats is a cache at one moment. Counters run from the cache's start.
type Stats struct {
	// Bytes is the memory that is taken, at most Config.MaxBytes; Entries is how
	// many sources and embeddings it is taken by.
	Bytes   int
	Entries int

	SourceHits   uint64 // lookups of a source that saved decoding and encoding
	SourceMisses uint64
	PixelsHits   uint64 // lookups of pixels that saved encoding
	PixelsMisses uint64

	Evictions uint64 // entries that made room for others
}

// Stats returns the numbers of this moment.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.stats
	stats.Entries = len(c.entries)
	return stats
}
