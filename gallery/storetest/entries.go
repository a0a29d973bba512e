package storetest

import (
	"crypto/sha256"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"siamese/gallery"
)

func testOutcomes(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	with := func(change func(e *gallery.Entry)) gallery.Entry {
		e := entry("a")
		change(&e)
		return e
	}
	steps := []struct {
		name string
		give gallery.Entry
		want gallery.Outcome
	}{
		{"the first", entry("a"), gallery.Added},
		{"the same", entry("a"), gallery.Unchanged},
		{"the same later", with(func(e *gallery.Entry) { e.Enrolled = moment.Add(time.Hour) }), gallery.Unchanged},
		{"another thing", with(func(e *gallery.Entry) { e.Thing = "thing" }), gallery.Replaced},
		{"a thing of that name", with(func(e *gallery.Entry) { e.Thing = "a" }), gallery.Replaced},
		{"no thing", entry("a"), gallery.Replaced},
		{"metadata", with(func(e *gallery.Entry) { e.Metadata = map[string]string{"k": "v", "l": ""} }), gallery.Replaced},
		{"other metadata", with(func(e *gallery.Entry) { e.Metadata = map[string]string{"k": "w", "l": ""} }), gallery.Replaced},
		{"other keys", with(func(e *gallery.Entry) { e.Metadata = map[string]string{"K": "w", "l": ""} }), gallery.Replaced},
		{"another picture", with(func(e *gallery.Entry) { e.PictureDigest[31]++ }), gallery.Replaced},
		{"no picture", with(func(e *gallery.Entry) { e.PictureDigest = [sha256.Size]byte{} }), gallery.Replaced},
		{"another model", with(func(e *gallery.Entry) { e.ModelDigest = digestOf("other") }), gallery.Replaced},
		{"another embedding", with(func(e *gallery.Entry) {
			numbers := e.Embedding.AppendTo(nil)
			numbers[3] = math.Nextafter32(numbers[3], 9)
			e.Embedding = gallery.NewVector(numbers)
		}), gallery.Replaced},
		{"as at first", entry("a"), gallery.Replaced},
	}
	for _, step := range steps {
		if got := put(t, store, "g", step.give)[0]; got != step.want {
			t.Errorf("Put() of %s = %v, want %v", step.name, got, step.want)
		}
		want := step.give
		if step.want == gallery.Unchanged {
			want = entry("a")
		}
		if d := diff(want, get(t, store, "g", "a")); d != "" {
			t.Errorf("Get() after Put() of %s (-want +got):\n%s", step.name, d)
		}
		checkCount(t, store, "g", gallery.Count{Entries: 1, Stale: stale(step.give)})
	}
	if got := put(t, store, "g"); len(got) != 0 {
		t.Errorf("Put() of nothing = %v, want nothing", got)
	}
}

func stale(e gallery.Entry) int {
	if e.ModelDigest == digestOf("model") {
		return 0
	}
	return 1
}

func testSameIDInOneCall(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	put(t, store, "g", entry("old"))
	thing := func(id, thing string) gallery.Entry {
		e := entry(id)
		e.Thing = thing
		return e
	}
	got := put(t, store, "g",
		thing("new", "1"), entry("old"), thing("new", "2"), thing("new", "2"), thing("old", "1"), entry("last"), thing("new", "3"))
	want := []gallery.Outcome{
		gallery.Added, gallery.Unchanged, gallery.Replaced, gallery.Unchanged, gallery.Replaced, gallery.Added, gallery.Replaced,
	}
	if !slices.Equal(got, want) {
		t.Errorf("Put() of ids that come again = %v, want %v", got, want)
	}
	for id, want := range map[string]string{"new": "3", "old": "1", "last": ""} {
		if got := get(t, store, "g", id); got.Thing != want {
			t.Errorf("the entry %q shows %q, want %q, which came last", id, got.Thing, want)
		}
	}
	checkCount(t, store, "g", gallery.Count{Entries: 3})
}

func testAllOrNothing(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	put(t, store, "g", entry("old"))
	batch := entries("a", "b", "old", "c")
	batch[2].Thing = "thing"
	batch[3].Embedding = gallery.NewVector(make([]float32, small+1))
	if outcomes, err := store.Put(t.Context(), "g", batch); err == nil {
		t.Errorf("Put() of an embedding with %d numbers, expected %d = %v, want an error", small+1, small, outcomes)
	}
	if got, want := list(t, store, "g", gallery.Listing{Limit: 9}), []string{"old"}; !slices.Equal(got, want) {
		t.Errorf("List() after Put() that failed = %q, want %q", got, want)
	}
	if d := diff(entry("old"), get(t, store, "g", "old")); d != "" {
		t.Errorf("an entry after Put() that failed (-want +got):\n%s", d)
	}
}

func testKeepsNothingOfItsArguments(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	e := entry("a")
	e.Metadata = map[string]string{"k": "v"}
	e.Picture, e.Thumbnail = []byte("picture"), []byte("thumbnail")
	batch := []gallery.Entry{e}
	put(t, store, "g", batch...)
	e.Metadata["k"] = "changed"
	e.Picture[0], e.Thumbnail[0] = 'P', 'T'
	batch[0].Thing = "changed"
	got := get(t, store, "g", "a")
	if got.Metadata["k"] != "v" || string(got.Picture) != "picture" || string(got.Thumbnail) != "thumbnail" || got.Thing != "" {
		t.Errorf("the entry has changed with what was put: %q, %q, %q, %q", got.Metadata, got.Picture, got.Thumbnail, got.Thing)
	}
}

func testParts(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	full := entry("a")
	full.Thing, full.Metadata = "thing", map[string]string{"k": "v"}
	full.Familiarity = -1
	full.Picture, full.Thumbnail = []byte{0, 1, 255}, []byte{2}
	put(t, store, "g", full, entry("b"))
	for _, with := range []gallery.Parts{{}, {Embedding: true}, {Picture: true}, {Thumbnail: true}, everything} {
		want := full
		if !with.Embedding {
			want.Embedding = gallery.Vector{}
		}
		if !with.Picture {
			want.Picture = nil
		}
		if !with.Thumbnail {
			want.Thumbnail = nil
		}
		got, err := store.Get(t.Context(), "g", []string{"a"}, with)
		if d := diff([]gallery.Entry{want}, got); err != nil || d != "" {
			t.Errorf("Get() with %+v = …, %v, want no error (-want +got):\n%s", with, err, d)
		}
		page, err := store.List(t.Context(), "g", gallery.Listing{Limit: 1, With: with})
		if d := diff([]gallery.Entry{want}, page); err != nil || d != "" {
			t.Errorf("List() with %+v = …, %v, want no error (-want +got):\n%s", with, err, d)
		}
	}
	if got := get(t, store, "g", "b"); got.Picture != nil || got.Thumbnail != nil {
		t.Errorf("an entry without pictures has %d and %d bytes, want nil", len(got.Picture), len(got.Thumbnail))
	}
}

func testBitExact(t *testing.T, store gallery.Store) {
	odd := []float32{
		math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.Float32frombits(0x007fffff), math.Float32frombits(0x00800000),
		math.MaxFloat32, -math.MaxFloat32, 1 + 1.0/(1<<23), float32(math.Copysign(0, -1)), 0, 0.1, 16777217, 1e-30, math.Pi,
	}
	wide := make([]float32, 4*len(odd))
	copy(wide[3:], odd)
	some, err := gallery.SparseVector(len(wide), []uint32{0, 1, 50, 51}, []float32{0, float32(math.Copysign(0, -1)), 0.3, math.MaxFloat32})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, gallery string
		want          gallery.Vector
	}{
		{"dense", "dense", gallery.NewVector(odd)},
		{"sparse", "sparse", gallery.NewVector(wide)},
		{"sparse with zeros", "kept-zeros", some},
		{"sparse without numbers", "zeros", gallery.NewVector(make([]float32, 9))},
		{"short", "short", gallery.NewVector([]float32{0.3})},
	}
	for _, tt := range tests {
		create(t, store, info(tt.gallery, tt.want.Length()))
		e := entry("a")
		e.Embedding, e.Familiarity = tt.want, math.SmallestNonzeroFloat32
		put(t, store, tt.gallery, e)
		got := get(t, store, tt.gallery, "a")
		if !got.Embedding.Equal(tt.want) || got.Familiarity != e.Familiarity {
			t.Errorf("a %s embedding came back as %v and familiarity %v, want %v and %v", tt.name, got.Embedding, got.Familiarity, tt.want, e.Familiarity)
		}
		if again := put(t, store, tt.gallery, e)[0]; again != gallery.Unchanged {
			t.Errorf("Put() of the same %s embedding = %v, want %v", tt.name, again, gallery.Unchanged)
		}
	}
}

func testLargePicture(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	e := entry("a")
	e.Picture = make([]byte, 7<<20)
	if _, err := rand.NewChaCha8([32]byte{1}).Read(e.Picture); err != nil {
		t.Fatal(err)
	}
	e.Thumbnail = slices.Clone(e.Picture[:1<<20])
	put(t, store, "g", e, entry("b"))
	got := get(t, store, "g", "a")
	if !slices.Equal(got.Picture, e.Picture) || !slices.Equal(got.Thumbnail, e.Thumbnail) {
		t.Errorf("pictures of %d and %d bytes came back as %d and %d bytes, which differ", len(e.Picture), len(e.Thumbnail), len(got.Picture), len(got.Thumbnail))
	}
}
