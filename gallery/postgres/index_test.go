package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"siamese/gallery"
	"siamese/gallery/postgres"
	"siamese/internal/postgrestest"
)

func checkDamaged(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, gallery.ErrDamaged) || !strings.Contains(err.Error(), "000001") {
		t.Errorf("%s of a damaged entry = %v, want %v and which one", what, err, gallery.ErrDamaged)
	}
}

// TestWide has embeddings with more numbers than an index takes, beside others.
func TestWide(t *testing.T) {
	const length, wide = 2500, 1200
	var log bytes.Buffer
	config := postgres.Config{URL: postgrestest.Start(t).Database(t), Log: slog.New(slog.NewTextHandler(&log, nil))}
	store := open(t, config)
	if err := store.Create(t.Context(), gallery.Info{Name: "g", ModelDigest: "model", EmbeddingLength: length}); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 5))
	weights := make([]float32, length)
	for i := range weights {
		weights[i] = random.Float32()
	}
	m, err := gallery.NewMetric("model", weights)
	if err != nil {
		t.Fatal(err)
	}
	var all []gallery.Entry
	for i, stored := range []int{50, wide, 60, length, wide, 70, 900, 1000, 1001} {
		numbers := make([]float32, length)
		for _, at := range random.Perm(length)[:stored] {
			numbers[at] = random.Float32() + 0.1
		}
		all = append(all, gallery.Entry{ID: fmt.Sprint(i), Embedding: gallery.NewVector(numbers), ModelDigest: "model"})
	}
	if _, err := store.Put(t.Context(), "g", all[:5]); err != nil {
		t.Fatal(err)
	}
	if err := store.BuildIndex(t.Context(), "g", m); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); !strings.Contains(got, "takes no embedding with more than 1000 numbers that are not 0") || !strings.Contains(got, "entries=3") {
		t.Errorf("the log says of three embeddings that are too large for an index: %s", got)
	}
	if _, err := store.Put(t.Context(), "g", all[5:]); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		found, err := store.Nearest(t.Context(), "g", gallery.Query{Embedding: e.Embedding, Metric: m, Limit: 20})
		if err != nil || len(found) != len(all) || found[0].ID != e.ID {
			t.Errorf("Nearest() to %s = %d, %v, want all %d, itself first", e.ID, len(found), err, len(all))
		}
	}
}

// TestManyBuildAtOnce: those who wait for an index do not keep it from being made.
func TestManyBuildAtOnce(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	var log bytes.Buffer
	config := postgres.Config{URL: url, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	create(t, open(t, config))
	var stores []*postgres.Store
	for range 8 {
		stores = append(stores, open(t, config))
	}
	if _, err := stores[0].Put(t.Context(), "g", entries(0, 2000)); err != nil {
		t.Fatal(err)
	}
	m := metric(t)
	var builders errgroup.Group
	for _, store := range stores {
		builders.Go(func() error { return store.BuildIndex(t.Context(), "g", m) })
	}
	if err := builders.Wait(); err != nil || log.Len() > 0 {
		t.Errorf("8 at once: %v, and the log says %q, want no error and nothing", err, log.String())
	}
}

// TestBackground has a search make an index, and models and metrics replace it.
func TestBackground(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database(t)
	store := open(t, postgres.Config{URL: url, IndexFrom: 100})
	create(t, store)
	search := func(weight float32) {
		t.Helper()
		weights := make([]float32, length)
		for i := range weights {
			weights[i] = weight
		}
		m, err := gallery.NewMetric("model", weights)
		if err != nil {
			t.Fatal(err)
		}
		found, err := store.Nearest(t.Context(), "g", gallery.Query{Embedding: entry(7).Embedding, Metric: m, Limit: 1})
		if err != nil || len(found) != 1 || found[0].ID != entry(7).ID {
			t.Fatalf("Nearest() = %v, %v, want the entry itself", found, err)
		}
	}
	const tables = "FROM pg_tables WHERE schemaname = 'siamese' AND tablename LIKE 'near\\_%'"
	if _, err := store.Put(t.Context(), "g", entries(0, 99)); err != nil {
		t.Fatal(err)
	}
	search(1)
	server.WaitFor(t, url, "SELECT count(*) = 0 "+tables)
	if _, err := store.Put(t.Context(), "g", entries(99, 120)); err != nil {
		t.Fatal(err)
	}
	for weight := range 4 {
		search(float32(weight + 1))
		server.WaitFor(t, url, fmt.Sprintf("SELECT count(*) = %d AND bool_and(ready) FROM siamese.indexes WHERE gallery IS NOT NULL", min(weight+1, 2)))
		search(float32(weight + 1))
	}
	server.WaitFor(t, url, "SELECT count(*) = 2 "+tables) // the two metrics that came last

	info, err := store.Gallery(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	info.ModelDigest = "other"
	if err := store.Update(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	server.WaitFor(t, url, "SELECT count(*) = 0 "+tables)
}
