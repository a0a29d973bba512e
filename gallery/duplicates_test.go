package gallery_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"siamese/gallery"
)

// duplicates returns the groups that are found.
func duplicates(t *testing.T, searcher *gallery.Searcher, search gallery.DuplicateSearch) (groups []gallery.DuplicateGroup, entries int) {
	t.Helper()
	entries, err := searcher.Duplicates(t.Context(), "g", search, func(group gallery.DuplicateGroup) error {
		groups = append(groups, group)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return groups, entries
}

func ids(group gallery.DuplicateGroup) []string {
	var all []string
	for _, e := range group.Entries {
		all = append(all, e.ID)
	}
	return all
}

// looked is what comparing each entry with each other one finds: an entry's largest
// similarity, how many are alike to it, and the sets of ids that hang together.
type looked struct {
	best  map[string]float32
	alike map[string]int
	sets  []map[string]bool
}

func lookAtAll(t *testing.T, store *shelf, head *network, search gallery.DuplicateSearch) looked {
	t.Helper()
	found := looked{best: make(map[string]float32), alike: make(map[string]int)}
	set := make(map[string]map[string]bool)
	for i, a := range store.entries {
		for _, b := range store.entries[:i] {
			if !search.Filter.Selects(&a) || !search.Filter.Selects(&b) || search.AcrossThings && a.Name() == b.Name() {
				continue
			}
			s := head.similarity(t, a.Embedding, b.Embedding)
			if s < search.Threshold {
				continue
			}
			one := map[string]bool{a.ID: true, b.ID: true}
			for _, e := range []gallery.Entry{a, b} {
				found.best[e.ID] = max(found.best[e.ID], s)
				found.alike[e.ID]++
				maps.Copy(one, set[e.ID])
			}
			for id := range one {
				set[id] = one
			}
		}
	}
	for id, one := range set {
		if id == slices.Min(slices.Collect(maps.Keys(one))) {
			found.sets = append(found.sets, one)
		}
	}
	return found
}

// check holds groups against what was found by looking at all.
func (l looked) check(t *testing.T, groups []gallery.DuplicateGroup) {
	t.Helper()
	if len(groups) != len(l.sets) {
		t.Errorf("found %d groups, want %d", len(groups), len(l.sets))
	}
	last := float32(2)
	for _, group := range groups {
		names := ids(group)
		if !slices.ContainsFunc(l.sets, func(set map[string]bool) bool {
			return len(set) == len(names) && !slices.ContainsFunc(names, func(id string) bool { return !set[id] })
		}) {
			t.Errorf("found the group %q, want another one", names)
		}
		largest := float32(0)
		for i, e := range group.Entries {
			largest = max(largest, e.Similarity)
			if e.Similarity != l.best[e.ID] {
				t.Errorf("entry %q has similarity %v, want %v", e.ID, e.Similarity, l.best[e.ID])
			}
			if i > 0 && l.alike[e.ID] > l.alike[names[i-1]] {
				t.Errorf("entry %q is alike to %d, more than %q before it, %d", e.ID, l.alike[e.ID], names[i-1], l.alike[names[i-1]])
			}
		}
		if largest > last {
			t.Errorf("a group with similarity %v comes after one with %v", largest, last)
		}
		last = largest
	}
}

func TestDuplicatesAreWhatIsAlike(t *testing.T) {
	searcher, store, head, random := world(t, 60, 0)
	for c := range 60 {
		centre := embedding(random, length)
		for i := range 1 + random.IntN(8) {
			store.put(gallery.Entry{
				ID: fmt.Sprintf("e%02d-%d", c, i), Thing: fmt.Sprintf("thing %d-%d", c, i/3),
				Embedding: near(random, centre, 0.4), Metadata: map[string]string{"odd": fmt.Sprint(i % 2)},
			})
		}
	}
	for _, search := range []gallery.DuplicateSearch{
		{Threshold: 0.99},
		{Threshold: 0.99, AcrossThings: true},
		{Threshold: 0.99, Filter: gallery.Filter{"odd": "1"}},
		{Threshold: 0.999},
	} {
		t.Run(fmt.Sprintf("%v", search), func(t *testing.T) {
			want := lookAtAll(t, store, head, search)
			if len(want.sets) < 3 {
				t.Fatalf("there are %d groups, want some to find", len(want.sets))
			}
			groups, entries := duplicates(t, searcher, search)
			want.check(t, groups)
			if search.Filter == nil && entries != len(store.entries) {
				t.Errorf("looked at %d entries, want %d", entries, len(store.entries))
			}
			again, _ := duplicates(t, searcher, search)
			if fmt.Sprint(again) != fmt.Sprint(groups) {
				t.Error("a second search found other groups")
			}
		})
	}
}

// Where few are alike, the head is hardly asked.
func TestDuplicatesScoresFew(t *testing.T) {
	searcher, store, head, random := world(t, 0, 0)
	for i := range 300 {
		store.put(gallery.Entry{ID: fmt.Sprintf("e%04d", i), Embedding: gallery.NewVector(embedding(random, length))})
	}
	groups, _ := duplicates(t, searcher, gallery.DuplicateSearch{Threshold: 0.999})
	if len(groups) != 0 {
		t.Errorf("found %d groups among entries of which none are alike", len(groups))
	}
	if most := 2000; head.scored > most {
		t.Errorf("the head scored %d pairs, want at most %d", head.scored, most)
	}
}

// copies are entries with the same picture.
func TestCopiesAreDuplicatesAtOnce(t *testing.T) {
	searcher, store, _, random := world(t, 0, 0)
	picture := embedding(random, length)
	for i := range 150 {
		store.put(gallery.Entry{ID: fmt.Sprintf("copy-%03d", i), Thing: fmt.Sprint(i % 2), PictureDigest: [32]byte{7}, Embedding: gallery.NewVector(picture)})
	}
	store.put(gallery.Entry{ID: "like it", PictureDigest: [32]byte{8}, Embedding: near(random, picture, 0.01)},
		gallery.Entry{ID: "alone", PictureDigest: [32]byte{9}, Embedding: gallery.NewVector(embedding(random, length))},
		gallery.Entry{ID: "stale", PictureDigest: [32]byte{7}, Embedding: gallery.NewVector(picture), ModelDigest: "another"})
	for i := range 20 {
		store.put(gallery.Entry{ID: fmt.Sprintf("embedding-%d", i), Embedding: gallery.NewVector(embedding(random, length))})
	}
	for _, across := range []bool{false, true} {
		store.limits = nil
		// No pair of these is as similar, but that copies are copies.
		groups, entries := duplicates(t, searcher, gallery.DuplicateSearch{Threshold: 1, AcrossThings: across})
		if len(groups) != 1 || len(groups[0].Entries) != 150 || slices.Contains(ids(groups[0]), "like it") {
			t.Fatalf("across things %t: found %d groups, want that of the copies alone", across, len(groups))
		}
		if entries != 172 {
			t.Errorf("across things %t: looked at %d entries, want 172", across, entries)
		}
		if !across && len(store.limits) > 60 {
			t.Errorf("searched %d times, want once for all copies", len(store.limits))
		}
		groups, _ = duplicates(t, searcher, gallery.DuplicateSearch{Threshold: 0.999, AcrossThings: across})
		if len(groups) != 1 || len(groups[0].Entries) != 151 {
			t.Errorf("across things %t: found %d groups, want one of the copies and what is like them", across, len(groups))
		}
	}
}

// A chain is one group, the one in its middle first.
func TestChainsAreOneGroup(t *testing.T) {
	searcher, store, head, random := world(t, 0, 0)
	from, to := embedding(random, length), embedding(random, length)
	const links = 41
	for i := range links {
		between := make([]float32, length)
		for k := range between {
			share := float32(i) / (links - 1)
			between[k] = from[k]*(1-share) + to[k]*share
		}
		store.put(gallery.Entry{ID: fmt.Sprintf("link-%02d", i), Embedding: gallery.NewVector(between)})
	}
	search := gallery.DuplicateSearch{Threshold: 0.99}
	if s := head.similarity(t, gallery.NewVector(from), gallery.NewVector(to)); s >= search.Threshold {
		t.Fatalf("the ends are alike, %v", s)
	}
	groups, _ := duplicates(t, searcher, search)
	if len(groups) != 1 || len(groups[0].Entries) != links {
		t.Fatalf("found %v, want one group of all", groups)
	}
	if first := groups[0].Entries[0].ID; first == "link-00" || first == fmt.Sprintf("link-%02d", links-1) {
		t.Errorf("the first entry is %q, an end of the chain", first)
	}
}

func TestDuplicatesEnds(t *testing.T) {
	searcher, store, head, random := world(t, 0, 0)
	centre := embedding(random, length)
	for i := range 300 {
		store.put(gallery.Entry{ID: fmt.Sprintf("e%03d", i), Embedding: near(random, centre, 0.1)})
	}
	broken := errors.New("broken")
	never := func(gallery.DuplicateGroup) error { t.Error("a group was yielded"); return nil }
	run := func(ctx context.Context, search gallery.DuplicateSearch, yield func(gallery.DuplicateGroup) error) error {
		_, err := searcher.Duplicates(ctx, "g", search, yield)
		return err
	}
	for _, threshold := range []float32{-0.1, 1.1, float32(math.NaN())} {
		if err := run(t.Context(), gallery.DuplicateSearch{Threshold: threshold}, never); err == nil {
			t.Errorf("Duplicates with threshold %v returned no error", threshold)
		}
	}
	search := gallery.DuplicateSearch{Threshold: 0.5}
	if err := run(t.Context(), search, func(gallery.DuplicateGroup) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("Duplicates = %v, want the error of yield", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	search.Progress = func(entries int) {
		if entries != 256 {
			t.Errorf("Progress told %d entries, want 256 and no more", entries)
		}
		cancel()
	}
	if err := run(ctx, search, never); !errors.Is(err, context.Canceled) {
		t.Errorf("Duplicates = %v, want that it was cancelled", err)
	}
	search.Progress = nil
	store.err = broken
	if err := run(t.Context(), search, never); !errors.Is(err, broken) {
		t.Errorf("Duplicates = %v, want the store's error", err)
	}
	store.err, head.err = nil, broken
	if err := run(t.Context(), search, never); !errors.Is(err, broken) {
		t.Errorf("Duplicates = %v, want the head's error", err)
	}
}

// What is removed while duplicates are looked for is in no group.
func TestDuplicatesThatAreRemovedMeanwhile(t *testing.T) {
	searcher, store, _, random := world(t, 0, 0)
	for c := range 2 {
		centre := embedding(random, length)
		for i := range 3 {
			store.put(gallery.Entry{ID: fmt.Sprintf("e%d-%d", c, i), Embedding: near(random, centre, 0.01)})
		}
	}
	groups, _ := duplicates(t, searcher, gallery.DuplicateSearch{Threshold: 0.99, Progress: func(int) {
		store.entries = store.entries[2:]
	}})
	if len(groups) != 1 || !slices.Equal(slices.Sorted(slices.Values(ids(groups[0]))), []string{"e1-0", "e1-1", "e1-2"}) {
		t.Errorf("found %v, want the second three alone", groups)
	}
}
