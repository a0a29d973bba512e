package galleries

import (
	"context"
	"sync"
	"time"

	"siamese/gallery"
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

// forget says that a gallery's entries have changed.
func (c *counts) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.known, name)
}
