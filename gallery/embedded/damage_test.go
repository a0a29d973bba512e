package embedded_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"siamese/gallery"
	"siamese/gallery/embedded"
	"siamese/gallery/internal/record"
)

const damageLength = 32

// damageEntry is the entry with this number, which comes out the same each time.
func damageEntry(i int) gallery.Entry {
	numbers := make([]float32, damageLength)
	for j := range numbers {
		numbers[j] = float32((i*j)%11) / 11
	}
	e := gallery.Entry{
		ID: fmt.Sprintf("entry %03d", i), Thing: fmt.Sprintf("thing %d", i%7), Metadata: map[string]string{"odd": fmt.Sprint(i % 2)},
		Embedding: gallery.NewVector(numbers), ModelDigest: digest("model"), Enrolled: time.UnixMilli(1e12).UTC(),
	}
	if i%10 == 0 {
		e.Picture, e.Thumbnail = bytes.Repeat([]byte{byte(i), 1}, 9000), bytes.Repeat([]byte{byte(i)}, 50)
	}
	return e
}

// writeGallery makes the gallery "g" with entries 100 to 299, so that its file has
// branches, free pages and entries that took others' places, and returns its path.
func writeGallery(t testing.TB, dir string) string {
	t.Helper()
	store := open(t, dir)
	create(t, store, "g", damageLength)
	var all []gallery.Entry
	for i := range 300 {
		e := damageEntry(i)
		e.Thing = "before"
		all = append(all, e)
	}
	for some := range slices.Chunk(all, 50) {
		put(t, store, "g", some...)
	}
	for i := range all {
		all[i] = damageEntry(i)
	}
	put(t, store, "g", all...)
	if n, err := store.Remove(t.Context(), "g", idsOf(all[:100])); err != nil || n != 100 {
		t.Fatalf("Remove() = %d, %v, want 100 and no error", n, err)
	}
	// The file has two heads; where the last one is damaged the one before it counts,
	// which is of the same entries then.
	put(t, store, "g", all[100])
	put(t, store, "g", all[100])
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "g"+embedded.Extension)
}

func idsOf(entries []gallery.Entry) (ids []string) {
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// damageVariable says how many files of each sort of damage there are.
const damageVariable = "SIAMESE_DAMAGE_ROUNDS"

// TestDamaged changes bits, sectors and pages of a gallery's file, and cuts it. Each call
// has to say that the gallery is damaged, or give what was put: nothing else, nothing
// less, and the program goes on.
func TestDamaged(t *testing.T) {
	path := writeGallery(t, t.TempDir())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	const page, sector = 16 << 10, 512
	pages := len(whole) / page
	damages := map[string]func(b []byte) []byte{
		"a bit": func(b []byte) []byte {
			b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			return b
		},
		"a bit of a page's head": func(b []byte) []byte {
			b[random.IntN(pages)*page+random.IntN(64)] ^= 1 << random.IntN(8)
			return b
		},
		"low bits of where elements are": func(b []byte) []byte {
			b[random.IntN(pages)*page+16+random.IntN(40)*8] ^= 1 << random.IntN(4)
			return b
		},
		"a sector of zeros": func(b []byte) []byte {
			clear(b[random.IntN(len(b)/sector)*sector:][:sector])
			return b
		},
		"a sector of noise": func(b []byte) []byte {
			for i := range b[random.IntN(len(b)/sector)*sector:][:sector] {
				b[i] = byte(random.Uint32())
			}
			return b
		},
		"a page of another": func(b []byte) []byte {
			copy(b[random.IntN(pages)*page:][:page], whole[random.IntN(pages)*page:][:page])
			return b
		},
		"a sector of another": func(b []byte) []byte {
			copy(b[random.IntN(len(b)/sector)*sector:][:sector], whole[random.IntN(len(b)/sector)*sector:])
			return b
		},
		"an end that is missing": func(b []byte) []byte { return b[:random.IntN(len(b))] },
	}
	damaged, rounds := 0, roundsOf(t, damageVariable, 6)
	for name, damage := range damages {
		for range rounds {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "g.gallery"), damage(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			if checkDamaged(t, dir, name) {
				damaged++
			}
		}
	}
	t.Logf("%d of %d files with damage were found to be damaged; the others gave what was put", damaged, rounds*len(damages))
	if damaged == 0 {
		t.Error("no file was found to be damaged, want most of those whose damaged pages are in use")
	}
}

// checkDamaged asks all of a damaged gallery, and reports whether one call said so.
func checkDamaged(t *testing.T, dir, what string) (damaged bool) {
	t.Helper()
	store := open(t, dir)
	defer store.Close()
	said := func(call string, err error) bool {
		if err != nil && !errors.Is(err, gallery.ErrDamaged) {
			t.Errorf("%s of a file with %s = %v, want %v or no error", call, what, err, gallery.ErrDamaged)
		}
		if err != nil && !strings.Contains(err.Error(), `"g"`) {
			t.Errorf("%s of a file with %s = %v, want the gallery's name", call, what, err)
		}
		damaged = damaged || err != nil
		return err != nil
	}
	c, err := store.Count(t.Context(), "g")
	if !said("Count()", err) && c != (gallery.Count{Entries: 200}) {
		t.Errorf("Count() of a file with %s = %+v, want 200", what, c)
	}
	var want []gallery.Entry
	for i := range 200 {
		want = append(want, damageEntry(100+i))
	}
	list := func(call string, listing gallery.Listing, want []gallery.Entry) {
		got, err := store.List(t.Context(), "g", listing)
		if !said(call, err) && !slices.EqualFunc(want, got, same) {
			t.Errorf("%s of a file with %s = %d entries, want the %d that were put", call, what, len(got), len(want))
		}
	}
	list("List()", gallery.Listing{Limit: 999, With: everything}, want)
	of := slices.DeleteFunc(slices.Clone(want), func(e gallery.Entry) bool { return e.Thing != "thing 3" })
	list("List() of a thing", gallery.Listing{Limit: 999, With: everything, Thing: "thing 3"}, of)
	readable := make(map[string]bool)
	for i := range 300 {
		readable[damageEntry(i).ID] = checkGet(t, store, i, said)
	}
	checkNearestOf(t, store, want, readable, said)
	return damaged
}

var everything = gallery.Parts{Embedding: true, Picture: true, Thumbnail: true}

func same(a, b gallery.Entry) bool {
	return a.Same(&b) && bytes.Equal(a.Picture, b.Picture) && bytes.Equal(a.Thumbnail, b.Thumbnail) && a.Enrolled.Equal(b.Enrolled)
}

// checkGet reports whether an entry can be read.
func checkGet(t *testing.T, store gallery.Store, i int, said func(call string, err error) bool) bool {
	t.Helper()
	want := damageEntry(i)
	got, err := store.Get(t.Context(), "g", []string{want.ID}, everything)
	if said("Get()", err) {
		return false
	}
	if n := min(1, i/100); len(got) != n {
		t.Errorf("Get(%q) = %d entries, want %d", want.ID, len(got), n)
	} else if n == 1 && !same(got[0], want) {
		got[0].Picture, want.Picture = got[0].Picture[:min(4, len(got[0].Picture))], want.Picture[:min(4, len(want.Picture))]
		t.Errorf("Get(%q) = %+v, want %+v (and more of the pictures)", want.ID, got[0], want)
	}
	return true
}

// checkNearestOf looks whether what is found is all of what was put that can be read;
// nil: all can.
func checkNearestOf(t *testing.T, store gallery.Store, want []gallery.Entry, readable map[string]bool, said func(call string, err error) bool) {
	t.Helper()
	weights := make([]float32, damageLength)
	weights[3], weights[5] = 1, 1
	metric, err := gallery.NewMetric(digest("model"), weights)
	if err != nil {
		t.Fatal(err)
	}
	found, err := store.Nearest(t.Context(), "g", gallery.Query{Embedding: want[0].Embedding, Metric: metric, Limit: 999})
	if said("Nearest()", err) {
		return
	}
	got := make([]gallery.Entry, len(found))
	foundIDs := make(map[string]bool)
	for i := range found {
		got[i] = found[i].Entry
		foundIDs[found[i].ID] = true
	}
	slices.SortFunc(got, func(a, b gallery.Entry) int { return strings.Compare(a.ID, b.ID) })
	want = slices.DeleteFunc(slices.Clone(want), func(e gallery.Entry) bool { return readable != nil && !readable[e.ID] && !foundIDs[e.ID] })
	if !slices.EqualFunc(want, got, func(a, b gallery.Entry) bool { return a.Same(&b) }) {
		t.Errorf("Nearest() = %d entries, want the %d that were put", len(got), len(want))
	}
}

// damageRecords changes a byte of the embeddings of entries in a gallery's file, by whose
// bytes they are found. Entries of other files are not alike.
func damageRecords(t *testing.T, path string, entries ...gallery.Entry) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		record := record.Append(nil, &e)
		places := 0
		for at := 0; ; places++ { // pages that are free may have it, too
			next := bytes.Index(file[at:], record)
			if next < 0 {
				break
			}
			at += next + len(record)
			file[at-20] ^= 4
		}
		if places == 0 {
			t.Fatalf("the record of %q is not in the file", e.ID)
		}
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// openLogged is open by a store whose log is returned.
func openLogged(t *testing.T, dir string) (*embedded.Store, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	store, err := embedded.Open(embedded.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, &log
}

// TestDamagedRecords has some records of a gallery damaged: their entries can be removed
// and enrolled again, and the others are found.
func TestDamagedRecords(t *testing.T) {
	dir := t.TempDir()
	path := writeGallery(t, dir)
	removed, replaced, ofThing, stays := damageEntry(120), damageEntry(133), damageEntry(143), damageEntry(151)
	damageRecords(t, path, removed, replaced, ofThing, stays)
	store, log := openLogged(t, dir)
	for _, call := range []func() error{
		func() error { _, err := store.Get(t.Context(), "g", []string{removed.ID}, gallery.Parts{}); return err },
		func() error { _, err := store.List(t.Context(), "g", gallery.Listing{Limit: 30}); return err },
		func() error { return store.Backup(t.Context(), "g", io.Discard) },
	} {
		if err := call(); !errors.Is(err, gallery.ErrDamaged) || !strings.Contains(err.Error(), removed.ID) {
			t.Errorf("a call about a damaged record = %v, want %v and its id", err, gallery.ErrDamaged)
		}
	}
	readable := make(map[string]bool)
	damaged := map[string]bool{removed.ID: true, replaced.ID: true, ofThing.ID: true, stays.ID: true}
	var want []gallery.Entry
	for i := 100; i < 300; i++ {
		e := damageEntry(i)
		readable[e.ID] = !damaged[e.ID]
		want = append(want, e)
	}
	fails := func(call string, err error) bool {
		if err != nil {
			t.Errorf("%s beside damaged records = %v, want no error", call, err)
		}
		return err != nil
	}
	checkNearestOf(t, store, want, readable, fails)
	for id := range damaged {
		if !strings.Contains(log.String(), id) {
			t.Errorf("the log says nothing of %q: %s", id, log)
		}
	}
	if n, err := store.Remove(t.Context(), "g", []string{removed.ID, "unknown"}); n != 1 || err != nil {
		t.Errorf("Remove() of a damaged record = %d, %v, want 1 and no error", n, err)
	}
	if outcomes, err := store.Put(t.Context(), "g", []gallery.Entry{replaced}); err != nil || outcomes[0] != gallery.Replaced {
		t.Errorf("Put() in the place of a damaged record = %v, %v, want it replaced", outcomes, err)
	}
	before, err := store.Count(t.Context(), "g")
	if n, removeErr := store.RemoveThing(t.Context(), "g", ofThing.Thing); err != nil || n != 29 || removeErr != nil {
		t.Errorf("RemoveThing() with a damaged record = %d, %v, %v, want 29 and no error", n, err, removeErr)
	}
	if c, err := store.Count(t.Context(), "g"); err != nil || before.Entries != 199 || c != (gallery.Count{Entries: 199 - 29}) {
		t.Errorf("Count() = %+v, %v, want 199 and then 170", c, err)
	}
	if n, err := store.Remove(t.Context(), "g", []string{stays.ID}); n != 1 || err != nil {
		t.Errorf("Remove() of the last damaged record = %d, %v, want 1 and no error", n, err)
	}
	want = slices.DeleteFunc(want, func(e gallery.Entry) bool {
		return e.ID == removed.ID || e.ID == stays.ID || e.Thing == ofThing.Thing
	})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, dir, want)
}

// checkWhole opens a gallery, which must have these entries and no damage.
func checkWhole(t *testing.T, dir string, want []gallery.Entry) {
	t.Helper()
	store, log := openLogged(t, dir)
	got, err := store.List(t.Context(), "g", gallery.Listing{Limit: 999, With: everything})
	if err != nil || !slices.EqualFunc(want, got, same) {
		t.Errorf("List() after damage was mended = %d entries, %v, want %d", len(got), err, len(want))
	}
	if err := store.Backup(t.Context(), "g", io.Discard); err != nil {
		t.Errorf("Backup() after damage was mended = %v, want no error", err)
	}
	readable := make(map[string]bool)
	for _, e := range want {
		readable[e.ID] = true
	}
	checkNearestOf(t, store, want, readable, func(call string, err error) bool {
		if err != nil {
			t.Errorf("%s after damage was mended = %v, want no error", call, err)
		}
		return err != nil
	})
	if strings.Contains(log.String(), "damaged") {
		t.Errorf("the log after damage was mended: %s", log)
	}
}

// TestDamagedWhileOpen damages the file of a gallery that is open, which its pages in
// memory follow.
func TestDamagedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	path := writeGallery(t, dir)
	store := open(t, dir)
	if _, err := store.Count(t.Context(), "g"); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 3*16<<10); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for i := range 300 {
		if _, err := store.Get(t.Context(), "g", []string{damageEntry(i).ID}, everything); errors.Is(err, gallery.ErrDamaged) {
			damaged++
		} else if err != nil {
			t.Errorf("Get() of a file that was cut while it was open = %v, want %v or no error", err, gallery.ErrDamaged)
		}
	}
	if damaged == 0 {
		t.Error("a file that was cut while it was open was not found to be damaged")
	}
	if _, err := store.Put(t.Context(), "g", []gallery.Entry{damageEntry(7)}); err == nil {
		t.Error("Put() into a file that was cut while it was open = nil, want an error")
	}
}

// TestDeleteDamaged deletes what can't be opened, and makes it again.
func TestDeleteDamaged(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "g.gallery"), []byte("this is no gallery"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := open(t, dir)
	create(t, store, "other", 4)
	all, err := store.Galleries(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "other" {
		t.Errorf("Galleries() beside one that is damaged = %v, %v, want the other one and no error", all, err)
	}
	if err := store.Create(t.Context(), gallery.Info{Name: "g"}); !errors.Is(err, gallery.ErrExists) {
		t.Errorf("Create() in the place of one that is damaged = %v, want %v", err, gallery.ErrExists)
	}
	if n, err := store.Delete(t.Context(), "g"); n != 0 || err != nil {
		t.Errorf("Delete() of one that is damaged = %d, %v, want 0 and no error", n, err)
	}
	create(t, store, "g", 4)
}
