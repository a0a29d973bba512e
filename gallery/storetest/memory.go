package storetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"siamese/gallery"
)

// memory is the plainest store that there can be: what it does is what package gallery
// says of stores, read aloud.
type memory struct {
	mu        sync.Mutex
	closed    bool
	galleries map[string]*contents
}

type contents struct {
	info    gallery.Info
	entries map[string]gallery.Entry
}

// NewMemory returns a store that forgets all when it is closed, for tests of what uses
// stores.
func NewMemory() gallery.Store { return &memory{galleries: make(map[string]*contents)} }

// begin locks the store.
func (m *memory) begin(ctx context.Context) (end func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, gallery.ErrClosed
	}
	return m.mu.Unlock, nil
}

// in calls do with a gallery.
func (m *memory) in(ctx context.Context, name string, do func(c *contents) error) error {
	end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	c, ok := m.galleries[name]
	if !ok {
		return gallery.ErrNotFound
	}
	return do(c)
}

func (m *memory) Create(ctx context.Context, info gallery.Info) error {
	end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if m.galleries[info.Name] != nil {
		return gallery.ErrExists
	}
	m.galleries[info.Name] = &contents{info: info, entries: make(map[string]gallery.Entry)}
	return nil
}

func (m *memory) Galleries(ctx context.Context) ([]gallery.Info, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	var infos []gallery.Info
	for _, name := range slices.Sorted(maps.Keys(m.galleries)) {
		infos = append(infos, m.galleries[name].info)
	}
	return infos, nil
}

func (m *memory) Gallery(ctx context.Context, name string) (info gallery.Info, err error) {
	err = m.in(ctx, name, func(c *contents) error { info = c.info; return nil })
	return info, err
}

func (m *memory) Update(ctx context.Context, info gallery.Info) error {
	return m.in(ctx, info.Name, func(c *contents) error {
		info.Created = c.info.Created
		c.info = info
		return nil
	})
}

func (m *memory) Delete(ctx context.Context, name string) (n int, err error) {
	err = m.in(ctx, name, func(c *contents) error {
		n = len(c.entries)
		delete(m.galleries, name)
		return nil
	})
	return n, err
}

func (m *memory) Count(ctx context.Context, name string) (count gallery.Count, err error) {
	err = m.in(ctx, name, func(c *contents) error {
		count.Entries = len(c.entries)
		for _, e := range c.entries {
			if e.ModelDigest != c.info.ModelDigest {
				count.Stale++
			}
		}
		return nil
	})
	return count, err
}

func (m *memory) Put(ctx context.Context, name string, entries []gallery.Entry) (outcomes []gallery.Outcome, err error) {
	err = m.in(ctx, name, func(c *contents) error {
		for _, e := range entries {
			if e.ModelDigest == c.info.ModelDigest && e.Embedding.Length() != c.info.EmbeddingLength {
				return fmt.Errorf("received %d numbers, expected %d", e.Embedding.Length(), c.info.EmbeddingLength)
			}
		}
		for _, e := range entries {
			old, exists := c.entries[e.ID]
			switch {
			case !exists:
				outcomes = append(outcomes, gallery.Added)
			case old.Same(&e):
				outcomes = append(outcomes, gallery.Unchanged)
				continue
			default:
				outcomes = append(outcomes, gallery.Replaced)
			}
			e.Metadata = maps.Clone(e.Metadata)
			e.Picture, e.Thumbnail = bytes.Clone(e.Picture), bytes.Clone(e.Thumbnail)
			c.entries[e.ID] = e
		}
		return nil
	})
	return outcomes, err
}

func (m *memory) Renew(ctx context.Context, name string, entries []gallery.Entry) (n int, err error) {
	err = m.in(ctx, name, func(c *contents) error {
		for _, e := range entries {
			if e.ModelDigest == c.info.ModelDigest && e.Embedding.Length() != c.info.EmbeddingLength {
				return fmt.Errorf("received %d numbers, expected %d", e.Embedding.Length(), c.info.EmbeddingLength)
			}
		}
		for _, e := range entries {
			stored, ok := c.entries[e.ID]
			if !ok || e.ModelDigest != c.info.ModelDigest || !e.CanRenew(&stored) {
				continue
			}
			stored.Embedding, stored.ModelDigest, stored.Familiarity = e.Embedding, e.ModelDigest, e.Familiarity
			if len(e.Thumbnail) > 0 {
				stored.Thumbnail = bytes.Clone(e.Thumbnail)
			}
			c.entries[e.ID] = stored
			n++
		}
		return nil
	})
	return n, err
}

func (m *memory) Remove(ctx context.Context, name string, ids []string) (n int, err error) {
	return m.remove(ctx, name, func(e *gallery.Entry) bool { return slices.Contains(ids, e.ID) })
}

func (m *memory) RemoveThing(ctx context.Context, name, thing string) (n int, err error) {
	return m.remove(ctx, name, func(e *gallery.Entry) bool { return e.Name() == thing })
}

func (m *memory) remove(ctx context.Context, name string, selected func(e *gallery.Entry) bool) (n int, err error) {
	err = m.in(ctx, name, func(c *contents) error {
		n = len(c.entries)
		maps.DeleteFunc(c.entries, func(_ string, e gallery.Entry) bool { return selected(&e) })
		n -= len(c.entries)
		return nil
	})
	return n, err
}

// page returns the first entries that are selected, by id.
func (m *memory) page(ctx context.Context, name string, limit int, with gallery.Parts, selected func(e *gallery.Entry) bool) (page []gallery.Entry, err error) {
	err = m.in(ctx, name, func(c *contents) error {
		for _, id := range slices.Sorted(maps.Keys(c.entries)) {
			e := c.entries[id]
			if len(page) == limit || !selected(&e) {
				continue
			}
			if !with.Embedding {
				e.Embedding = gallery.Vector{}
			}
			if !with.Picture {
				e.Picture = nil
			}
			if !with.Thumbnail {
				e.Thumbnail = nil
			}
			page = append(page, e)
		}
		return nil
	})
	return page, err
}

func (m *memory) Get(ctx context.Context, name string, ids []string, with gallery.Parts) ([]gallery.Entry, error) {
	return m.page(ctx, name, len(ids), with, func(e *gallery.Entry) bool { return slices.Contains(ids, e.ID) })
}

func (m *memory) List(ctx context.Context, name string, listing gallery.Listing) ([]gallery.Entry, error) {
	return m.page(ctx, name, listing.Limit, listing.With, func(e *gallery.Entry) bool {
		return e.ID > listing.After && listing.Filter.Selects(e) && (listing.Thing == "" || listing.Thing == e.Name()) &&
			(listing.NotOfModel == "" || listing.NotOfModel != e.ModelDigest)
	})
}

func (m *memory) Nearest(ctx context.Context, name string, query gallery.Query) (candidates []gallery.Candidate, err error) {
	err = m.in(ctx, name, func(c *contents) error {
		if query.Metric.ModelDigest() != c.info.ModelDigest || len(query.Metric.Weights()) != c.info.EmbeddingLength || query.Embedding.Length() != c.info.EmbeddingLength {
			return fmt.Errorf("received an embedding of %d numbers, expected %d of %q", query.Embedding.Length(), c.info.EmbeddingLength, c.info.ModelDigest)
		}
		for _, e := range c.entries {
			if e.ModelDigest == c.info.ModelDigest && query.Filter.Selects(&e) {
				e.Picture, e.Thumbnail = nil, nil
				candidates = append(candidates, gallery.Candidate{Entry: e, Distance: query.Metric.Distance(query.Embedding, e.Embedding)})
			}
		}
		return nil
	})
	slices.SortFunc(candidates, func(a, b gallery.Candidate) int { return cmp.Compare(a.Distance, b.Distance) })
	return candidates[:min(len(candidates), query.Limit)], err
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
