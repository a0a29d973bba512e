package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"siamese/gallery"
)

func testAnyText(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	all := make([]gallery.Entry, 0, len(hostile))
	for _, text := range hostile {
		e := entry(text)
		e.Thing = text
		e.Metadata = map[string]string{"value": text}
		if len(text) <= gallery.MaxMetadataKeyBytes {
			e.Metadata[text] = text
		}
		if err := errors.Join(gallery.CheckID(text), gallery.CheckThing(text), gallery.CheckMetadata(e.Metadata)); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	put(t, store, "g", all...)
	want := slices.Sorted(slices.Values(hostile))
	if got := list(t, store, "g", gallery.Listing{Limit: len(hostile) + 1}); !slices.Equal(got, want) {
		t.Errorf("List() = %q, want %q", got, want)
	}
	for _, e := range all {
		if d := diff(e, get(t, store, "g", e.ID)); d != "" {
			t.Errorf("Get(%q) (-want +got):\n%s", e.ID, d)
		}
		for _, listing := range []gallery.Listing{
			{Limit: 9, Thing: e.Thing}, {Limit: 9, Filter: e.Metadata}, {Limit: 9, Filter: gallery.Filter{"value": e.ID}},
		} {
			if got := list(t, store, "g", listing); !slices.Equal(got, []string{e.ID}) {
				t.Errorf("List(%+v) = %q, want %q alone", listing, got, e.ID)
			}
		}
		if i := slices.Index(want, e.ID); i+1 < len(want) {
			if got := list(t, store, "g", gallery.Listing{Limit: 1, After: e.ID}); !slices.Equal(got, want[i+1:i+2]) {
				t.Errorf("List() after %q = %q, want %q", e.ID, got, want[i+1])
			}
		}
	}
	for i, text := range hostile {
		if n, err := store.Remove(t.Context(), "g", []string{text}); err != nil || n != 1 {
			t.Errorf("Remove(%q) = %d, %v, want 1 and no error", text, n, err)
		}
		checkCount(t, store, "g", gallery.Count{Entries: len(hostile) - i - 1})
	}
}

func testGet(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	put(t, store, "g", entries("a", "b", "c")...)
	for _, tt := range []struct{ give, want []string }{
		{nil, nil},
		{[]string{"d", "", "A"}, nil},
		{[]string{"c", "d", "a"}, []string{"a", "c"}},
		{[]string{"b", "b", "b"}, []string{"b"}},
		{[]string{"\x00", "b", "\xff"}, []string{"b"}}, // no ids of entries, but asked for
	} {
		got, err := store.Get(t.Context(), "g", tt.give, gallery.Parts{})
		if ids := idsOf(got); err != nil || !slices.Equal(slices.Sorted(slices.Values(ids)), tt.want) {
			t.Errorf("Get(%q) = %q, %v, want %q and no error", tt.give, ids, err, tt.want)
		}
	}
}

func testListPages(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprintf("%c%d", "aAzZ."[i%5], i))
	}
	for batch := range slices.Chunk(want, 7) {
		put(t, store, "g", entries(batch...)...)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 4, 5, 24, 25, 26, 1 << 30} {
		var got []string
		for after := ""; ; {
			page := list(t, store, "g", gallery.Listing{After: after, Limit: limit})
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				t.Fatalf("List() with limit %d = %d entries", limit, len(page))
			}
			got = append(got, page...)
			after = page[len(page)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d = %q, want %q", limit, got, want)
		}
	}
	if got, want := list(t, store, "g", gallery.Listing{After: "Z", Limit: 99}), want[slices.IndexFunc(want, func(id string) bool { return id > "Z" }):]; !slices.Equal(got, want) {
		t.Errorf("List() after %q, which is none = %q, want %q", "Z", got, want)
	}
}

func testListSelects(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	make := func(id, thing, model string, metadata map[string]string) gallery.Entry {
		e := entry(id)
		e.Thing, e.ModelDigest, e.Metadata = thing, digestOf(model), metadata
		return e
	}
	put(t, store, "g",
		make("a", "x", "model", map[string]string{"k": "v", "l": "w"}),
		make("b", "x", "other", map[string]string{"k": "v"}),
		make("c", "", "other", map[string]string{"k": "", "l": "w"}),
		make("d", "", "model", nil),
		make("e", "d", "model", map[string]string{"K": "v", "v": "k"}),
		make("x", "y", "other", nil),
	)
	for _, tt := range []struct {
		give gallery.Listing
		want []string
	}{
		{gallery.Listing{}, []string{"a", "b", "c", "d", "e", "x"}},
		{gallery.Listing{Filter: gallery.Filter{"k": "v"}}, []string{"a", "b"}},
		{gallery.Listing{Filter: gallery.Filter{"k": ""}}, []string{"c"}},
		{gallery.Listing{Filter: gallery.Filter{"k": "v", "l": "w"}}, []string{"a"}},
		{gallery.Listing{Filter: gallery.Filter{"k": "v", "m": ""}}, nil},
		{gallery.Listing{Thing: "x"}, []string{"a", "b"}},
		{gallery.Listing{Thing: "d"}, []string{"d", "e"}}, // d is a thing by itself
		{gallery.Listing{Thing: "y"}, []string{"x"}},
		{gallery.Listing{Thing: "z"}, nil},
		{gallery.Listing{NotOfModel: digestOf("model")}, []string{"b", "c", "x"}},
		{gallery.Listing{NotOfModel: digestOf("none")}, []string{"a", "b", "c", "d", "e", "x"}},
		{gallery.Listing{NotOfModel: digestOf("other"), Thing: "x", Filter: gallery.Filter{"k": "v"}}, []string{"a"}},
		{gallery.Listing{NotOfModel: digestOf("other"), After: "a"}, []string{"d", "e"}},
	} {
		tt.give.Limit = 99
		if got := list(t, store, "g", tt.give); !slices.Equal(got, tt.want) {
			t.Errorf("List(%+v) = %q, want %q", tt.give, got, tt.want)
		}
		var pages []string
		tt.give.Limit = 1
		for page := list(t, store, "g", tt.give); len(page) == 1; page = list(t, store, "g", tt.give) {
			pages = append(pages, page[0])
			tt.give.After = page[0]
		}
		if !slices.Equal(pages, tt.want) {
			t.Errorf("pages of one of List(%+v) = %q, want %q", tt.give, pages, tt.want)
		}
	}
}

func testRemove(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	create(t, store, info("other", small))
	put(t, store, "g", entries("a", "b", "c", "d")...)
	put(t, store, "other", entries("a", "b")...)
	for _, tt := range []struct {
		give []string
		want int
	}{
		{nil, 0}, {[]string{"none", ""}, 0}, {[]string{"a", "none", "a"}, 1}, {[]string{"a"}, 0}, {[]string{"\x00", "b", "\xff", "c"}, 2},
	} {
		if n, err := store.Remove(t.Context(), "g", tt.give); err != nil || n != tt.want {
			t.Errorf("Remove(%q) = %d, %v, want %d and no error", tt.give, n, err, tt.want)
		}
	}
	checkCount(t, store, "g", gallery.Count{Entries: 1})
	checkCount(t, store, "other", gallery.Count{Entries: 2})
	if got := put(t, store, "g", entry("a"))[0]; got != gallery.Added {
		t.Errorf("Put() of an entry that was removed = %v, want %v", got, gallery.Added)
	}
}

func testRemoveThing(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	all := entries("a", "b", "c", "d", "x", "y")
	for i, thing := range []string{"x", "x", "X", "x ", "", "x"} {
		all[i].Thing = thing
	}
	put(t, store, "g", all...)
	for _, tt := range []struct {
		give string
		want int
	}{
		{"none", 0}, {"", 0}, {"a", 0}, // a shows another thing
		{"x", 4}, {"x", 0}, {"X", 1},
	} {
		if n, err := store.RemoveThing(t.Context(), "g", tt.give); err != nil || n != tt.want {
			t.Errorf("RemoveThing(%q) = %d, %v, want %d and no error", tt.give, n, err, tt.want)
		}
	}
	if got, want := list(t, store, "g", gallery.Listing{Limit: 9}), []string{"d"}; !slices.Equal(got, want) {
		t.Errorf("List() after RemoveThing() = %q, want %q", got, want)
	}
}

func testStale(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	all := entries("a", "b", "c")
	all[1].ModelDigest = digestOf("other")
	all[1].Embedding = gallery.NewVector(make([]float32, 3*small)) // that model's length
	put(t, store, "g", all...)
	checkCount(t, store, "g", gallery.Count{Entries: 3, Stale: 1})
	checkFound(t, store, "model", small, "a", "c")

	other := info("g", 3*small)
	other.ModelDigest = digestOf("other")
	if err := store.Update(t.Context(), other); err != nil {
		t.Fatalf("Update() = %v, want no error", err)
	}
	checkCount(t, store, "g", gallery.Count{Entries: 3, Stale: 2})
	checkFound(t, store, "other", 3*small, "b")

	again := entry("a")
	again.ModelDigest, again.Embedding = digestOf("other"), all[1].Embedding
	put(t, store, "g", again)
	checkCount(t, store, "g", gallery.Count{Entries: 3, Stale: 1})
	checkFound(t, store, "other", 3*small, "a", "b")

	if err := store.Update(t.Context(), info("g", small)); err != nil {
		t.Fatalf("Update() = %v, want no error", err)
	}
	checkCount(t, store, "g", gallery.Count{Entries: 3, Stale: 2})
	checkFound(t, store, "model", small, "c")
}

// checkFound fails where Nearest finds others than these.
func checkFound(t *testing.T, store gallery.Store, model string, length int, want ...string) {
	t.Helper()
	query := gallery.Query{Embedding: gallery.NewVector(make([]float32, length)), Metric: metric(t, source(), model, length), Limit: 99}
	found, err := store.Nearest(t.Context(), "g", query)
	var ids []string
	for _, candidate := range found {
		ids = append(ids, candidate.ID)
	}
	slices.Sort(ids)
	if err != nil || !slices.Equal(ids, want) {
		t.Errorf("Nearest() = %q, %v, want %q and no error", ids, err, want)
	}
}
