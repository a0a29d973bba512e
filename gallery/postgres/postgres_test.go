package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"siamese/gallery"
	"siamese/gallery/postgres"
	"siamese/gallery/storetest"
	"siamese/internal/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// open opens a store. The caller may close it before the test ends.
func open(t *testing.T, config postgres.Config) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("Open() = %v, want no error", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close() = %v, want no error", err)
		}
	})
	return store
}

// schemas returns what makes configurations of stores without galleries: each has a
// schema of its own in one database.
func schemas(t *testing.T) func() postgres.Config {
	url := postgrestest.Start(t).Database(t)
	schemas := 0
	return func() postgres.Config {
		schemas++
		return postgres.Config{URL: url, Schema: fmt.Sprintf("schema %d, \"quoted\"", schemas)}
	}
}

// TestStore looks at all entries: the galleries are small.
func TestStore(t *testing.T) {
	newConfig := schemas(t)
	storetest.Run(t, func(t *testing.T) gallery.Store { return open(t, newConfig()) })
}

// indexed is a store whose every search is by an index.
type indexed struct{ *postgres.Store }

func (s indexed) Nearest(ctx context.Context, name string, query gallery.Query) ([]gallery.Candidate, error) {
	if err := s.BuildIndex(ctx, name, query.Metric); err != nil {
		return nil, err
	}
	return s.Store.Nearest(ctx, name, query)
}

// TestStoreWithIndexes has an index made before each search, where there is none.
func TestStoreWithIndexes(t *testing.T) {
	newConfig := schemas(t)
	storetest.Run(t, func(t *testing.T) gallery.Store {
		config := newConfig()
		config.IndexFrom = 1
		return indexed{open(t, config)}
	})
}
