// Package cache keeps the embeddings of images that were encoded before, each with how
// familiar its image was.
//
// An image is found by either of two digests: that of its source, the bytes that
// came, and that of its pixels, what the network sees. By the source a caller
// saves decoding and encoding, by the pixels encoding alone; many sources may
// have the same pixels. What was used least recently goes first when the bytes
// run out.
//
// A cache knows nothing of models and settings: its owner keeps one for each model
// with its way of preparing pictures, and with it the digests of one apart from
// those of another.
package cache

import (
	"container/list"
	"crypto/sha256"
	"fmt"
	"sync"
)

// Key is a digest of a source or of pixels.
type Key [sha256.Size]byte

// Known is what is kept of an image.
type Known struct {
	Embedding   []float32 // [E]; not to be changed
	Familiarity float32   // as its owner has it
}

// Bytes that an entry costs beside its embedding: key, list element, map slot,
// headers, as measured by TestBytesAreWhatTheHeapGrowsBy.
const (
	sourceBytes = 256
	pixelsBytes = 256
)

// Config sizes a cache.
type Config struct {
	// MaxBytes bounds the memory of all embeddings with what it takes to find
	// them. Zero: nothing is kept.
	MaxBytes int
}

// Validate returns an error where the bound is negative.
func (c Config) Validate() error {
	if c.MaxBytes < 0 {
		return fmt.Errorf("cache: MaxBytes is %d, expected 0 or more", c.MaxBytes)
	}
	return nil
}

// Cache is a bounded store of embeddings. It is safe for concurrent use.
type Cache struct {
	max int

	mu      sync.Mutex // guards all below
	recent  *list.List // of *entry; the one used last is in front
	entries map[slot]*list.Element
	stats   Stats
}

// slot is an entry's place: sources and pixels have digests of their own.
type slot struct {
	key    Key
	source bool
}

// entry is the embedding of pixels, or a source with the pixels that it turned
// out to have.
type entry struct {
	slot   slot
	pixels Key   // of a source
	known  Known // of pixels
}

func (e *entry) bytes() int {
	if e.slot.source {
		return sourceBytes
	}
	return pixelsBytes + 4*len(e.known.Embedding)
}

// New returns an empty cache.
func New(cfg Config) (*Cache, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Cache{max: cfg.MaxBytes, recent: list.New(), entries: make(map[slot]*list.Element)}, nil
}

// Source returns what is known of the source with this digest, if anything is. It is
// shared.
func (c *Cache) Source(key Key) (Known, bool) {
	if c.max == 0 {
		return Known{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if source := c.useLocked(slot{key: key, source: true}); source != nil {
		if pixels := c.useLocked(slot{key: source.pixels}); pixels != nil {
			c.stats.SourceHits++
			return pixels.known, true
		}
		c.removeLocked(source.slot) // its embedding went before it
	}
	c.stats.SourceMisses++
	return Known{}, false
}

// Pixels returns what is known of the pixels with this digest, if anything is. It is
// shared.
func (c *Cache) Pixels(key Key) (Known, bool) {
	if c.max == 0 {
		return Known{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if pixels := c.useLocked(slot{key: key}); pixels != nil {
		c.stats.PixelsHits++
		return pixels.known, true
	}
	c.stats.PixelsMisses++
	return Known{}, false
}

// Add keeps what is known of pixels; the embedding must not be changed any more. What
// is larger than the whole cache is not kept.
func (c *Cache) Add(pixels Key, known Known) {
	c.add(&entry{slot: slot{key: pixels}, known: known})
}

// Link notes that a source has these pixels, so that Source finds what Add has
// kept or will keep for them.
func (c *Cache) Link(source, pixels Key) {
	c.add(&entry{slot: slot{key: source, source: true}, pixels: pixels})
}

func (c *Cache) add(e *entry) {
	if e.bytes() > c.max {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(e.slot)
	c.entries[e.slot] = c.recent.PushFront(e)
	c.stats.Bytes += e.bytes()
	for c.stats.Bytes > c.max {
		oldest, _ := c.recent.Back().Value.(*entry)
		c.removeLocked(oldest.slot)
		c.stats.Evictions++
	}
}

// useLocked returns the entry at a place and makes it the last used.
func (c *Cache) useLocked(s slot) *entry {
	element, ok := c.entries[s]
	if !ok {
		return nil
	}
	c.recent.MoveToFront(element)
	e, _ := element.Value.(*entry)
	return e
}

func (c *Cache) removeLocked(s slot) {
	element, ok := c.entries[s]
	if !ok {
		return
	}
	e, _ := c.recent.Remove(element).(*entry)
	delete(c.entries, s)
	c.stats.Bytes -= e.bytes()
}

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
