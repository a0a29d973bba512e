package galleries

import (
	"context"
	"sync"
	"time"

	"siamese/gallery"
	"siamese/server/metrics"
)

// countAge is how long a count is believed that nothing here has changed: other servers
// may write to the same store.
const countAge = 2 * time.Second

// counts remembers how many entries galleries have, since a store may take long to count
// them. It is safe for concurrent use.
type counts struct {
	store gallery.Store

	mu      sync.Mutex
	known   map[string]counted
	changes uint64 // how often anything was forgotten
}

type counted struct {
	gallery.Count
	at time.Time
}

// of returns how many entries a gallery has.
func (c *counts) of(ctx context.Context, name string) (gallery.Count, error) {
	c.mu.Lock()
	known, ok := c.known[name]
	changes := c.changes
	c.mu.Unlock()
	if ok && time.Since(known.at) < countAge {
		return known.Count, nil
	}
	count, err := c.store.Count(ctx, name)
	if err != nil {
		return gallery.Count{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if changes == c.changes { // else it may be out of date already
		if c.known == nil {
			c.known = make(map[string]counted)
		}
		c.known[name] = counted{count, time.Now()}
	}
	return count, nil
}

// readingTime is how long a scrape waits for a store.
const readingTime = 2 * time.Second

// sized is a store that has something in memory.
type sized interface {
	// MemoryBytes is what finds entries, in bytes.
	MemoryBytes() int64
}

// Reading is what a scrape tells of galleries; nil where there are none, or the store does
// not answer.
func (s *Service) Reading() *metrics.Galleries {
	if s.cfg.Store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), readingTime)
	defer cancel()
	all, err := s.cfg.Store.Galleries(ctx)
	if err != nil {
		return nil
	}
	r := &metrics.Galleries{Galleries: len(all)}
	for _, info := range all {
		count, err := s.counts.of(ctx, info.Name)
		if err != nil {
			return nil
		}
		r.Entries += count.Entries
		r.Stale += count.Stale
	}
	if store, ok := s.cfg.Store.(sized); ok {
		r.IndexBytes = store.MemoryBytes()
	}
	return r
}

// forget says that a gallery's entries have changed.
func (c *counts) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.known, name)
}
