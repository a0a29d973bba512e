package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"siamese/gallery"
)

// renewed is what the model "new" makes of an entry's picture.
func renewed(e gallery.Entry) gallery.Entry {
	numbers := e.Embedding.AppendTo(nil)
	numbers[1] += 100
	e.Embedding, e.ModelDigest, e.Familiarity = gallery.NewVector(numbers), digestOf("new"), 0.5
	return e
}

// moveToNew makes "new" a gallery's model.
func moveToNew(t *testing.T, store gallery.Store, name string) {
	t.Helper()
	to := info(name, small)
	to.ModelDigest = digestOf("new")
	if err := store.Update(t.Context(), to); err != nil {
		t.Fatalf("Update(%+v) = %v, want no error", to, err)
	}
}

// renew calls Renew, and fails where not as many entries are renewed.
func renew(t *testing.T, store gallery.Store, want int, entries ...gallery.Entry) {
	t.Helper()
	if n, err := store.Renew(t.Context(), "g", entries); n != want || err != nil {
		t.Errorf("Renew(%q) = %d, %v, want %d and no error", idsOf(entries), n, err, want)
	}
}

func testRenew(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	kept, other, unknown := entry("kept"), entry("other"), entry("unknown")
	kept.Thing, kept.Metadata, kept.Picture, kept.Thumbnail = "thing", map[string]string{"k": "v"}, []byte("picture"), []byte("thumbnail")
	other.Picture = []byte("another one")
	unknown.PictureDigest = [sha256.Size]byte{}
	put(t, store, "g", kept, other, unknown, entry("enrolled"))
	before := []gallery.Entry{kept, other, unknown, entry("enrolled"), entry("removed")}
	renew(t, store, 0, renewed(kept)) // the gallery's model is another one
	moveToNew(t, store, "g")
	checkCount(t, store, "g", gallery.Count{Entries: 4, Stale: 4})

	replaced, enrolled := other, renewed(entry("enrolled"))
	replaced.PictureDigest, replaced.Picture = sha256.Sum256([]byte("replaced")), []byte("replaced")
	enrolled.Thing, enrolled.Familiarity = "since", 0.125
	put(t, store, "g", replaced, enrolled)

	all := make([]gallery.Entry, len(before))
	for i := range before {
		all[i] = renewed(before[i])
		all[i].Thing, all[i].Metadata, all[i].Picture, all[i].Thumbnail = "old", nil, nil, nil
		all[i].Enrolled = moment.AddDate(1, 0, 0)
	}
	renew(t, store, 1, append(all, all[0])...)
	want := renewed(kept)
	for _, want := range []gallery.Entry{want, replaced, unknown, enrolled} {
		if d := diff(want, get(t, store, "g", want.ID)); d != "" {
			t.Errorf("%q after Renew() (-want +got):\n%s", want.ID, d)
		}
	}
	checkCount(t, store, "g", gallery.Count{Entries: 4, Stale: 2})
	renew(t, store, 0)

	back := renewed(replaced)
	back.Thumbnail = []byte("new thumbnail")
	renew(t, store, 1, back)
	if d := diff(back, get(t, store, "g", "other")); d != "" {
		t.Errorf("an entry after Renew() with a thumbnail (-want +got):\n%s", d)
	}
	found, err := store.Nearest(t.Context(), "g", gallery.Query{Embedding: back.Embedding, Metric: metric(t, source(), "new", small), Limit: 9})
	if err != nil || len(found) != 3 {
		t.Errorf("Nearest() after Renew() = %d entries, %v, want the 3 of the model", len(found), err)
	}
	wrong := renewed(unknown)
	wrong.PictureDigest, wrong.Embedding = want.PictureDigest, gallery.NewVector(make([]float32, small+1))
	if n, err := store.Renew(t.Context(), "g", []gallery.Entry{wrong}); err == nil {
		t.Errorf("Renew() of an embedding with %d numbers, expected %d = %d, want an error", small+1, small, n)
	}
}

// testRenewBesidePut renews entries while others enroll new pictures under the same ids:
// none gets the embedding of the picture that it had before.
func testRenewBesidePut(t *testing.T, store gallery.Store) {
	const count = 60
	create(t, store, info("g", small))
	old, fresh := make([]gallery.Entry, count), make([]gallery.Entry, count)
	for i := range count {
		old[i] = entry(fmt.Sprintf("%03d", i))
		fresh[i] = renewed(old[i])
		fresh[i].PictureDigest = sha256.Sum256([]byte("new picture"))
		numbers := fresh[i].Embedding.AppendTo(nil)
		numbers[2] = -float32(i)
		fresh[i].Embedding = gallery.NewVector(numbers)
	}
	put(t, store, "g", old...)
	moveToNew(t, store, "g")
	group, ctx := errgroup.WithContext(t.Context())
	group.Go(func() error {
		for i := range count {
			if _, err := store.Renew(ctx, "g", []gallery.Entry{renewed(old[i])}); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error { return putEach(ctx, store, fresh) })
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if d := diff(fresh[i], get(t, store, "g", fresh[i].ID)); d != "" {
			t.Errorf("an entry that was enrolled beside Renew() (-want +got):\n%s", d)
		}
	}
	checkCount(t, store, "g", gallery.Count{Entries: count})
}

// putEach puts entries one after another, the last one first.
func putEach(ctx context.Context, store gallery.Store, entries []gallery.Entry) error {
	for i := range entries {
		if _, err := store.Put(ctx, "g", entries[len(entries)-1-i:][:1]); err != nil {
			return err
		}
	}
	return nil
}
