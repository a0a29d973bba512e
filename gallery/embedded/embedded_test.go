package embedded_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"testing"

	"siamese/gallery"
	"siamese/gallery/embedded"
	"siamese/gallery/storetest"
)

func TestMain(m *testing.M) {
	play()
	code := m.Run()
	for _, dir := range benchmarkDirs {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) gallery.Store { return open(t, t.TempDir()) })
}

// open opens a store, which the test may close.
func open(t testing.TB, dir string) *embedded.Store {
	t.Helper()
	store, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func digest(model string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(model))) }

func create(t testing.TB, store gallery.Store, name string, length int) {
	t.Helper()
	info := gallery.Info{Name: name, Model: "model", ModelDigest: digest("model"), EmbeddingLength: length}
	if err := store.Create(t.Context(), info); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, store gallery.Store, name string, entries ...gallery.Entry) {
	t.Helper()
	if _, err := store.Put(t.Context(), name, entries); err != nil {
		t.Fatal(err)
	}
}

// nearest finds as many entries of the gallery "g" as the query wants.
func nearest(t testing.TB, store gallery.Store, query gallery.Query) []gallery.Candidate {
	t.Helper()
	candidates, err := store.Nearest(t.Context(), "g", query)
	if err != nil || len(candidates) != query.Limit {
		t.Fatalf("Nearest() = %d entries, %v, want %d and no error", len(candidates), err, query.Limit)
	}
	return candidates
}
