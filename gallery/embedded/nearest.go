package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

// searchTries is how often a search is tried beside writers before they have to wait.
const searchTries = 3

// Nearest implements gallery.Store. Entries whose records are damaged are left out, and
// logged. The first search after opening, and one with another metric than the one
// before, waits until the index has been built. Those that come with a metric each in
// turn build it again and again.
func (s *Store) Nearest(ctx context.Context, name string, query gallery.Query) (candidates []gallery.Candidate, err error) {
	err = s.use(ctx, name, func(f *file) error {
		candidates, err = f.nearest(ctx, query)
		return err
	})
	return candidates, err
}

func (f *file) nearest(ctx context.Context, query gallery.Query) ([]gallery.Candidate, error) {
	if query.Limit < 1 {
		return nil, fmt.Errorf("gallery %q: received a limit of %d entries, expected 1 or more", f.name, query.Limit)
	}
	for try := 1; ; try++ {
		candidates, whole, err := f.tryNearest(ctx, query, try > searchTries)
		if errors.Is(err, errRecords) && try <= 2*searchTries {
			f.forgetIndex() // the next one leaves out what is damaged
			continue
		}
		if err != nil || whole {
			return candidates, err
		}
	}
}

func (f *file) forgetIndex() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live = nil
}

// tryNearest searches, where alone is set while nobody writes. What the index found may
// have been removed, by one whose change the index follows in a moment: then whole is
// false.
func (f *file) tryNearest(ctx context.Context, query gallery.Query, alone bool) (_ []gallery.Candidate, whole bool, err error) {
	if err := f.checkQuery(query); err != nil {
		return nil, false, err
	}
	if err := f.ready(ctx, query.Metric); err != nil {
		return nil, false, err
	}
	if alone {
		if err := f.startWriting(ctx); err != nil {
			return nil, false, err
		}
		defer f.endWriting()
	}
	without := make(map[uint64]bool)
	for {
		all, ok := f.search(&query, without)
		if !ok {
			return nil, false, nil // the metric has just changed
		}
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		passed := len(without)
		candidates, missing, err := f.fetch(ctx, all, query.Filter, without)
		switch {
		case err != nil:
			return nil, false, f.failed(err)
		case missing && alone:
			return nil, false, f.failed(fmt.Errorf("%w: there are none of some of %d entries", errRecords, len(all)))
		case missing:
			return nil, false, f.waitForWriter(ctx)
		case len(without) == passed:
			return candidates, true, nil
		}
	}
}

func (f *file) checkQuery(query gallery.Query) error {
	info := f.describe()
	err := checkMetric(query.Metric, info)
	if err == nil && query.Embedding.Length() != info.EmbeddingLength {
		err = fmt.Errorf("received an embedding of %d numbers, expected %d", query.Embedding.Length(), info.EmbeddingLength)
	}
	if err == nil {
		err = checkFinite(query.Embedding)
	}
	if err != nil {
		return fmt.Errorf("gallery %q: %w", f.name, err)
	}
	return nil
}

// waitForWriter waits until what has been written is in the index.
func (f *file) waitForWriter(ctx context.Context) error {
	if err := f.startWriting(ctx); err != nil {
		return err
	}
	f.endWriting()
	return nil
}

// search asks the index; ok is false where it is not of the query's metric.
func (f *file) search(query *gallery.Query, without map[uint64]bool) (all []found, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.live == nil || !f.live.isOf(query.Metric) {
		return nil, false
	}
	return f.live.nearest(query, without), true
}

// fetch reads the entries that were found, in the order in which they are in the file.
// Those that the filter does not select are put into without; missing says that some are
// not there.
func (f *file) fetch(ctx context.Context, all []found, filter gallery.Filter, without map[uint64]bool) (candidates []gallery.Candidate, missing bool, err error) {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(all[a].number, all[b].number) })
	candidates = make([]gallery.Candidate, len(all))
	err = f.view(func(tx *bolt.Tx) error {
		records := tx.Bucket(bucketRecords)
		defer func() { f.touched(tx, int64(len(all))*faultBytes) }()
		for _, i := range order {
			if err := ctx.Err(); err != nil {
				return err
			}
			value := records.Get(numberKey(all[i].number))
			if missing = value == nil; missing {
				return nil
			}
			parsed, err := record.Parse(value)
			if err != nil {
				return fmt.Errorf("%w: entry %d: %w", errRecords, all[i].number, err)
			}
			if !hasAll(filter, &parsed) {
				without[all[i].number] = true
				continue
			}
			candidates[i].Distance = all[i].distance
			if candidates[i].Entry, err = parsed.Entry(true); err != nil {
				return fmt.Errorf("entry %q: %w", parsed.ID, err)
			}
		}
		return nil
	})
	return candidates, missing, err
}
