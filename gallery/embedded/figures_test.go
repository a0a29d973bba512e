package embedded_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/gallery"
	"siamese/gallery/embedded"
)

// Figures opens nothing: another process can open what it tells of.
func TestFiguresOpenNoGallery(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	for i := range 3 {
		create(t, store, fmt.Sprint("g", i), 4)
	}
	put(t, store, "g1", gallery.Entry{ID: "a", Embedding: gallery.NewVector(make([]float32, 4)), ModelDigest: digest("model")},
		gallery.Entry{ID: "b", Embedding: gallery.NewVector(make([]float32, 4)), ModelDigest: digest("other")})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Figures(t.Context()); !errors.Is(err, gallery.ErrClosed) {
		t.Errorf("Figures of a closed store = %v, want ErrClosed", err)
	}
	store = open(t, dir)
	check := func(when string, want gallery.Figures) {
		t.Helper()
		got, err := store.Figures(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Figures %s (-want +got):\n%s", when, diff)
		}
	}
	check("before any call", gallery.Figures{Galleries: 3})
	other := open(t, dir)
	if _, err := other.Count(t.Context(), "g1"); err != nil {
		t.Fatalf("another store can't open what Figures told of: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Count(t.Context(), "g1"); err != nil {
		t.Fatal(err)
	}
	check("of one that is open", gallery.Figures{Galleries: 3, Open: 1, Count: gallery.Count{Entries: 2, Stale: 1}, Largest: 2})
}

// What Figures tells of is no more lately used for it.
func TestFiguresAreNoUse(t *testing.T) {
	store, err := embedded.Open(embedded.Config{Dir: t.TempDir(), MaxOpen: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i := range 5 {
		create(t, store, fmt.Sprint("g", i), 4)
		if _, err := store.Count(t.Context(), fmt.Sprint("g", i)); err != nil {
			t.Fatal(err)
		}
		figures, err := store.Figures(t.Context())
		if err != nil || figures.Open != min(i+1, 2) || figures.Galleries != i+1 {
			t.Errorf("after %d galleries Figures = %+v, %v, want at most 2 open", i+1, figures, err)
		}
	}
}
