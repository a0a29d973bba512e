package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"

	"siamese/gallery"
)

// callsOf are all that a store is asked, about a gallery of that name.
func callsOf(t *testing.T, store gallery.Store, name string) map[string]func(ctx context.Context) error {
	query := gallery.Query{Embedding: entry("a").Embedding, Metric: metric(t, source(), "model", small), Limit: 1}
	return map[string]func(ctx context.Context) error{
		"Create":      func(ctx context.Context) error { return store.Create(ctx, info(name, small)) },
		"Update":      func(ctx context.Context) error { return store.Update(ctx, info(name, small)) },
		"Galleries":   func(ctx context.Context) error { return second(store.Galleries(ctx)) },
		"Gallery":     func(ctx context.Context) error { return second(store.Gallery(ctx, name)) },
		"Delete":      func(ctx context.Context) error { return second(store.Delete(ctx, name)) },
		"Count":       func(ctx context.Context) error { return second(store.Count(ctx, name)) },
		"Put":         func(ctx context.Context) error { return second(store.Put(ctx, name, entries("a"))) },
		"Renew":       func(ctx context.Context) error { return second(store.Renew(ctx, name, entries("a"))) },
		"Remove":      func(ctx context.Context) error { return second(store.Remove(ctx, name, []string{"a"})) },
		"RemoveThing": func(ctx context.Context) error { return second(store.RemoveThing(ctx, name, "a")) },
		"Get": func(ctx context.Context) error {
			return second(store.Get(ctx, name, []string{"a"}, gallery.Parts{}))
		},
		"List":    func(ctx context.Context) error { return second(store.List(ctx, name, gallery.Listing{Limit: 1})) },
		"Nearest": func(ctx context.Context) error { return second(store.Nearest(ctx, name, query)) },
	}
}

func second[T any](_ T, err error) error { return err }

func testCancelled(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	put(t, store, "g", entry("b"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for call, do := range callsOf(t, store, "g") {
		if err := do(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context = %v, want %v", call, err, context.Canceled)
		}
	}
	if err := store.Create(ctx, info("new", small)); !errors.Is(err, context.Canceled) {
		t.Errorf("Create() with a cancelled context = %v, want %v", err, context.Canceled)
	}
	checkCount(t, store, "g", gallery.Count{Entries: 1})
	if all, err := store.Galleries(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("Galleries() after calls that were cancelled = %+v, %v, want one and no error", all, err)
	}
}

func testClosed(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	for range 2 {
		if err := store.Close(); err != nil {
			t.Errorf("Close() = %v, want no error", err)
		}
		for call, do := range callsOf(t, store, "g") {
			if err := do(t.Context()); !errors.Is(err, gallery.ErrClosed) {
				t.Errorf("%s of a closed store = %v, want %v", call, err, gallery.ErrClosed)
			}
		}
	}
}

// testConcurrent has writers put, find and remove entries of their own in one gallery,
// beside readers and others that make and delete galleries.
func testConcurrent(t *testing.T, store gallery.Store) {
	const writers, rounds = 4, 5
	create(t, store, info("g", small))
	m := metric(t, source(), "model", small)
	var group errgroup.Group
	for writer := range writers {
		group.Go(func() error { return write(t.Context(), store, m, writer, rounds) })
		group.Go(func() error { return read(t.Context(), store, m, rounds) })
	}
	group.Go(func() error {
		for range rounds {
			if err := makeAndDelete(t.Context(), store); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	checkCount(t, store, "g", gallery.Count{Entries: 2 * writers * rounds})
}

// write puts three entries a round, one of them twice, finds one and removes another.
func write(ctx context.Context, store gallery.Store, m *gallery.Metric, writer, rounds int) error {
	for round := range rounds {
		id := fmt.Sprintf("%d/%d/", writer, round)
		batch := entries(id+"1", id+"2", id+"3", id+"1")
		slices.Reverse(batch[:writer%3]) // so that writers lock in different orders
		// An entry that all write.
		batch = append(batch, entry("shared"))
		if _, err := store.Put(ctx, "g", batch); err != nil {
			return fmt.Errorf("Put() beside others: %w", err)
		}
		found, err := store.Nearest(ctx, "g", gallery.Query{Embedding: batch[0].Embedding, Metric: m, Limit: 1, Filter: nil})
		if err != nil || len(found) != 1 {
			return fmt.Errorf("Nearest() beside others = %d, %w, want 1 and no error", len(found), err)
		}
		if n, err := store.Remove(ctx, "g", []string{id + "3"}); err != nil || n != 1 {
			return fmt.Errorf("Remove() beside others = %d, %w, want 1 and no error", n, err)
		}
		if _, err := store.Remove(ctx, "g", []string{"shared"}); err != nil {
			return fmt.Errorf("Remove() of what others remove: %w", err)
		}
	}
	return nil
}

func read(ctx context.Context, store gallery.Store, m *gallery.Metric, rounds int) error {
	for range rounds {
		if _, err := store.Nearest(ctx, "g", gallery.Query{Embedding: entry("aa").Embedding, Metric: m, Limit: 9}); err != nil {
			return fmt.Errorf("Nearest() beside writers: %w", err)
		}
		page, err := store.List(ctx, "g", gallery.Listing{Limit: 1000, With: everything})
		if err != nil {
			return fmt.Errorf("List() beside writers: %w", err)
		}
		if ids := idsOf(page); !slices.IsSorted(ids) || len(slices.Compact(ids)) != len(page) {
			return fmt.Errorf("List() beside writers = %q, want ids in order, each once", ids)
		}
		if _, err := store.Count(ctx, "g"); err != nil {
			return fmt.Errorf("Count() beside writers: %w", err)
		}
	}
	return nil
}

func makeAndDelete(ctx context.Context, store gallery.Store) error {
	if err := store.Create(ctx, info("brief", small)); err != nil {
		return fmt.Errorf("Create() beside others: %w", err)
	}
	if _, err := store.Put(ctx, "brief", entries("a", "b")); err != nil {
		return fmt.Errorf("Put() beside others: %w", err)
	}
	if n, err := store.Delete(ctx, "brief"); err != nil || n != 2 {
		return fmt.Errorf("Delete() beside others = %d, %w, want 2 and no error", n, err)
	}
	return nil
}
