// Package storetest holds what every store of galleries does, as tests.
//
// Beyond what package gallery says of a store, the tests expect:
//
//   - Put answers entries of one call as if they were put one after another, and an
//     entry that is Unchanged stays as it was, with the time of its first enrolment.
//   - Put refuses an entry of the gallery's model whose embedding hasn't the gallery's
//     length, and Nearest such a query, or a metric of another model or length.
//   - Get and Remove take an id that is named twice as if it were named once.
//   - What a vector holds comes back bit for bit: zeros with their sign and denormal
//     numbers, too. ([gallery.NewVector] holds no zeros where it makes a sparse one.)
package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/gallery"
)

// Run tests a store. Each call of open must return one without galleries, of which Run
// closes each.
func Run(t *testing.T, open func(t *testing.T) gallery.Store) {
	tests := []struct {
		name string
		test func(t *testing.T, store gallery.Store)
	}{
		{"Galleries", testGalleries},
		{"AlikeNames", testAlikeNames},
		{"Update", testUpdate},
		{"Delete", testDelete},
		{"UnknownGallery", testUnknownGallery},
		{"Outcomes", testOutcomes},
		{"SameIDInOneCall", testSameIDInOneCall},
		{"AllOrNothing", testAllOrNothing},
		{"KeepsNothingOfItsArguments", testKeepsNothingOfItsArguments},
		{"Parts", testParts},
		{"BitExact", testBitExact},
		{"LargePicture", testLargePicture},
		{"AnyText", testAnyText},
		{"Get", testGet},
		{"ListPages", testListPages},
		{"ListSelects", testListSelects},
		{"Remove", testRemove},
		{"RemoveThing", testRemoveThing},
		{"Stale", testStale},
		{"Renew", testRenew},
		{"RenewBesidePut", testRenewBesidePut},
		{"NearestSparse", func(t *testing.T, s gallery.Store) { testNearest(t, s, sparse) }},
		{"NearestDense", func(t *testing.T, s gallery.Store) { testNearest(t, s, dense) }},
		{"NearestOfFew", testNearestOfFew},
		{"NearestAfterChanges", testNearestAfterChanges},
		{"NearestRefuses", testNearestRefuses},
		{"NearestOfAnotherModel", testNearestOfAnotherModel},
		{"Concurrent", testConcurrent},
		{"Cancelled", testCancelled},
		{"Closed", testClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Errorf("Close() = %v, want no error", err)
				}
			})
			tt.test(t, store)
		})
	}
}

// diff says how want and got differ; maps that are empty are as good as those that
// there are none of.
func diff(want, got any) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

// create makes a gallery.
func create(t *testing.T, store gallery.Store, info gallery.Info) {
	t.Helper()
	if err := store.Create(t.Context(), info); err != nil {
		t.Fatalf("Create(%q) = %v, want no error", info.Name, err)
	}
}

// put keeps entries, and returns what became of them.
func put(t *testing.T, store gallery.Store, name string, entries ...gallery.Entry) []gallery.Outcome {
	t.Helper()
	outcomes, err := store.Put(t.Context(), name, entries)
	if err != nil {
		t.Fatalf("Put(%q, %d entries) = %v, want no error", name, len(entries), err)
	}
	if len(outcomes) != len(entries) {
		t.Fatalf("Put(%q, %d entries) = %d outcomes, want as many", name, len(entries), len(outcomes))
	}
	return outcomes
}

// get returns the entry with this id, all of it.
func get(t *testing.T, store gallery.Store, name, id string) gallery.Entry {
	t.Helper()
	entries, err := store.Get(t.Context(), name, []string{id}, everything)
	if err != nil || len(entries) != 1 {
		t.Fatalf("Get(%q, %q) = %d entries, %v, want 1 and no error", name, id, len(entries), err)
	}
	return entries[0]
}

// list returns the ids of a page.
func list(t *testing.T, store gallery.Store, name string, listing gallery.Listing) []string {
	t.Helper()
	entries, err := store.List(t.Context(), name, listing)
	if err != nil {
		t.Fatalf("List(%q, %+v) = %v, want no error", name, listing, err)
	}
	return idsOf(entries)
}

func idsOf(entries []gallery.Entry) []string {
	ids := make([]string, len(entries))
	for i := range entries {
		ids[i] = entries[i].ID
	}
	return ids
}

// checkCount fails where a gallery has not as many entries.
func checkCount(t *testing.T, store gallery.Store, name string, want gallery.Count) {
	t.Helper()
	if got, err := store.Count(t.Context(), name); err != nil || got != want {
		t.Errorf("Count(%q) = %+v, %v, want %+v and no error", name, got, err, want)
	}
}
