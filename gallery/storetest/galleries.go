package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"siamese/gallery"
)

func testGalleries(t *testing.T, store gallery.Store) {
	if all, err := store.Galleries(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("Galleries() of a new store = %+v, %v, want none and no error", all, err)
	}
	plants := info("plants", 512)
	plants.KeepPictures = true
	animals := info("animals", 4608)
	animals.Model, animals.KeepThumbnails = "other", true
	create(t, store, plants)
	create(t, store, animals)

	all, err := store.Galleries(t.Context())
	if d := diff([]gallery.Info{animals, plants}, all); err != nil || d != "" {
		t.Errorf("Galleries() = …, %v, want both by name and no error (-want +got):\n%s", err, d)
	}
	one, err := store.Gallery(t.Context(), "plants")
	if d := diff(plants, one); err != nil || d != "" {
		t.Errorf("Gallery(plants) = …, %v, want it and no error (-want +got):\n%s", err, d)
	}
	checkCount(t, store, "plants", gallery.Count{})

	again := info("plants", 16)
	if err := store.Create(t.Context(), again); !errors.Is(err, gallery.ErrExists) {
		t.Errorf("Create() of a gallery that exists = %v, want %v", err, gallery.ErrExists)
	}
	if one, err := store.Gallery(t.Context(), "plants"); err != nil || diff(plants, one) != "" {
		t.Errorf("Gallery(plants) after Create() that failed = %+v, %v, want it as it was", one, err)
	}
}

// alike are names that differ little; the long ones do behind what databases and file
// systems cut names to.
func alike() []string {
	names := []string{"a", "a-b", "a.b", "a_b", "a-b-", "ab", "0", "00", "0.", "table", "select", "public", "con", "a.tar.gz"}
	for _, end := range []string{"a", "b", "-", "_"} {
		names = append(names, strings.Repeat("x", 63)+end)
	}
	return append(names, strings.Repeat("x", 63), strings.Repeat("x", 62))
}

func testAlikeNames(t *testing.T, store gallery.Store) {
	for _, name := range alike() {
		if err := gallery.CheckName(name); err != nil {
			t.Fatal(err)
		}
		create(t, store, info(name, small))
		put(t, store, name, entry("of "+name))
	}
	for _, name := range alike() {
		if got, want := list(t, store, name, gallery.Listing{Limit: 9}), []string{"of " + name}; !slices.Equal(got, want) {
			t.Errorf("List(%q) = %q, want %q", name, got, want)
		}
	}
	all, err := store.Galleries(t.Context())
	if err != nil {
		t.Fatalf("Galleries() = %v, want no error", err)
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	if want := slices.Sorted(slices.Values(alike())); !slices.Equal(names, want) {
		t.Errorf("Galleries() = %q, want %q", names, want)
	}
}

func testUpdate(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	put(t, store, "g", entry("a"))
	changed := gallery.Info{
		Name: "g", Model: "newer", ModelDigest: digestOf("newer"), EmbeddingLength: 2 * small,
		KeepPictures: true, KeepThumbnails: true, Created: moment.Add(time.Hour),
	}
	if err := store.Update(t.Context(), changed); err != nil {
		t.Fatalf("Update() = %v, want no error", err)
	}
	got, err := store.Gallery(t.Context(), "g")
	changed.Created = moment
	if d := diff(changed, got); err != nil || d != "" {
		t.Errorf("Gallery() after Update() = …, %v, want what was put, made when it was (-want +got):\n%s", err, d)
	}
	if d := diff(entry("a"), get(t, store, "g", "a")); d != "" {
		t.Errorf("an entry after Update() (-want +got):\n%s", d)
	}
}

func testDelete(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	create(t, store, info("other", small))
	put(t, store, "g", entries("a", "b", "c")...)
	put(t, store, "other", entry("a"))
	if n, err := store.Delete(t.Context(), "g"); err != nil || n != 3 {
		t.Errorf("Delete() = %d, %v, want 3 and no error", n, err)
	}
	if n, err := store.Delete(t.Context(), "g"); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("Delete() again = %d, %v, want %v", n, err, gallery.ErrNotFound)
	}
	create(t, store, info("g", 2*small))
	checkCount(t, store, "g", gallery.Count{})
	checkCount(t, store, "other", gallery.Count{Entries: 1})
}

func testUnknownGallery(t *testing.T, store gallery.Store) {
	create(t, store, info("known", small))
	calls := callsOf(t, store, "unknown")
	delete(calls, "Create")
	delete(calls, "Galleries")
	for call, do := range calls {
		if err := do(t.Context()); !errors.Is(err, gallery.ErrNotFound) {
			t.Errorf("%s of a gallery that there is none of = %v, want %v", call, err, gallery.ErrNotFound)
		}
	}
}
