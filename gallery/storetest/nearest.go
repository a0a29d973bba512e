package storetest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"siamese/gallery"
)

// tolerance is how much, as a share, distances may be off: stores may keep a number for
// searching in 8 bits, and half a step in each of a hundred numbers adds up to less.
const tolerance = 0.02

// family is how many entries there are near one another, each farther off than the one
// before by more than tolerance, and all nearer than other families.
const family = 12

// families makes entries of n families, with metadata that names the family and the
// entry's parity.
func families(k kind, random *rand.Rand, n int) []gallery.Entry {
	var all []gallery.Entry
	for i := range n {
		middle := k.embedding(random)
		for j := range family {
			e := entry(fmt.Sprintf("%03d/%02d", i, j))
			e.Thing = fmt.Sprintf("%03d", i)
			e.Metadata = map[string]string{"family": e.Thing, "parity": fmt.Sprint(j % 2)}
			e.Embedding = gallery.NewVector(k.near(random, middle, 0.02+0.05*float64(j)))
			all = append(all, e)
		}
	}
	return all
}

func testNearest(t *testing.T, store gallery.Store, k kind) {
	random := source()
	create(t, store, info("g", k.length))
	all := families(k, random, 25)
	// The others of a gallery are not found.
	stale := entry("stale")
	stale.ModelDigest, stale.Embedding = digestOf("other"), all[0].Embedding
	for batch := range slices.Chunk(append(slices.Clone(all), stale), 64) {
		put(t, store, "g", batch...)
	}
	create(t, store, info("other", k.length))
	put(t, store, "other", all[0])

	m := metric(t, random, "model", k.length)
	for i := range 12 {
		query := gallery.Query{Embedding: gallery.NewVector(k.near(random, all[i*family].Embedding.AppendTo(nil), 0.05)), Metric: m, Limit: 10}
		checkNearest(t, store, query, all)
		query.Filter = gallery.Filter{"parity": "1"}
		checkNearest(t, store, query, all)
		query.Filter = gallery.Filter{"family": "003"}
		checkNearest(t, store, query, all)
		query.Filter, query.Limit = gallery.Filter{"family": "003", "parity": "0"}, 99
		checkNearest(t, store, query, all)
		query.Filter = gallery.Filter{"family": "none"}
		checkNearest(t, store, query, all)
		query.Filter, query.Limit = nil, 1
		checkNearest(t, store, query, all)
	}
	checkNearest(t, store, gallery.Query{Embedding: all[7].Embedding, Metric: m, Limit: len(all) + 1}, all)
}

// checkNearest holds what Nearest finds in the gallery g against what all distances
// say.
func checkNearest(t *testing.T, store gallery.Store, query gallery.Query, all []gallery.Entry) {
	t.Helper()
	byID := make(map[string]gallery.Entry)
	var want []float32
	for _, e := range all {
		if query.Filter.Selects(&e) {
			byID[e.ID] = e
			want = append(want, query.Metric.Distance(query.Embedding, e.Embedding))
		}
	}
	slices.Sort(want)
	want = want[:min(len(want), query.Limit)]
	found, err := store.Nearest(t.Context(), "g", query)
	if err != nil || len(found) != len(want) {
		t.Fatalf("Nearest(limit %d, filter %v) = %d, %v, want %d and no error", query.Limit, query.Filter, len(found), err, len(want))
	}
	for i, candidate := range found {
		e, ok := byID[candidate.ID]
		if !ok {
			t.Fatalf("Nearest(filter %v) found %q twice, or without reason", query.Filter, candidate.ID)
		}
		delete(byID, candidate.ID)
		if d := diff(e, candidate.Entry); d != "" {
			t.Errorf("Nearest() found %q, which is not what was put (-want +got):\n%s", e.ID, d)
		}
		distance := query.Metric.Distance(query.Embedding, e.Embedding)
		if !near(candidate.Distance, distance) {
			t.Errorf("Nearest() says that %q is at %v, want %v", e.ID, candidate.Distance, distance)
		}
		if distance > want[i] && !near(distance, want[i]) {
			t.Errorf("Nearest(limit %d, filter %v) found %q, at %v, in place %d, want one at %v", query.Limit, query.Filter, e.ID, distance, i, want[i])
		}
	}
	if !slices.IsSortedFunc(found, func(a, b gallery.Candidate) int { return cmp.Compare(a.Distance, b.Distance) }) {
		t.Error("Nearest() does not come nearest first")
	}
}

// near reports whether two distances are the same but for what stores round.
func near(got, want float32) bool {
	const nearZero = 0.5 // sums of roundings where the distance is small
	return math.Abs(float64(got-want)) <= tolerance*float64(want)+nearZero
}

func testNearestOfFew(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	query := gallery.Query{Embedding: entry("aaa").Embedding, Metric: metric(t, source(), "model", small), Limit: 3}
	checkNearest(t, store, query, nil)
	put(t, store, "g", entry("a"))
	checkNearest(t, store, query, entries("a"))
	put(t, store, "g", entries("aa", "b")...)
	checkNearest(t, store, query, entries("a", "aa", "b"))

	zeros := entry("zeros")
	zeros.Embedding = gallery.NewVector(make([]float32, small))
	put(t, store, "g", zeros)
	query.Limit = 4
	checkNearest(t, store, query, append(entries("a", "aa", "b"), zeros))
	query.Embedding = zeros.Embedding
	checkNearest(t, store, query, append(entries("a", "aa", "b"), zeros))
}

func testNearestAfterChanges(t *testing.T, store gallery.Store) {
	random := source()
	create(t, store, info("g", sparse.length))
	m := metric(t, random, "model", sparse.length)
	all := families(sparse, random, 4)
	put(t, store, "g", all[:2*family]...)
	query := gallery.Query{Embedding: all[0].Embedding, Metric: m, Limit: 30}
	checkNearest(t, store, query, all[:2*family])

	put(t, store, "g", all[2*family:]...)
	checkNearest(t, store, query, all)

	if _, err := store.Remove(t.Context(), "g", idsOf(all[:5])); err != nil {
		t.Fatalf("Remove() = %v, want no error", err)
	}
	checkNearest(t, store, query, all[5:])

	// One takes another's place, as it is to be found.
	all[6].Embedding, all[20].Embedding = all[20].Embedding, all[6].Embedding
	put(t, store, "g", all[6], all[20])
	checkNearest(t, store, query, all[5:])

	all[7].Metadata = map[string]string{"family": "moved"}
	put(t, store, "g", all[7])
	query.Filter = gallery.Filter{"family": "moved"}
	checkNearest(t, store, query, all[5:])
	query.Filter = gallery.Filter{"family": "000"}
	checkNearest(t, store, query, all[5:])

	// Another metric of the same model orders otherwise.
	query.Filter, query.Metric = nil, metric(t, random, "model", sparse.length)
	checkNearest(t, store, query, all[5:])
	query.Metric = m
	checkNearest(t, store, query, all[5:])
}

func testNearestRefuses(t *testing.T, store gallery.Store) {
	create(t, store, info("g", small))
	put(t, store, "g", entry("a"))
	long := gallery.NewVector(make([]float32, small+1))
	fine := metric(t, source(), "model", small)
	for name, query := range map[string]gallery.Query{
		"an embedding that is too long": {Embedding: long, Metric: fine, Limit: 1},
		"no embedding":                  {Metric: fine, Limit: 1},
		"a metric that is too long":     {Embedding: entry("a").Embedding, Metric: metric(t, source(), "model", small+1), Limit: 1},
		"both too long":                 {Embedding: long, Metric: metric(t, source(), "model", small+1), Limit: 1},
		"a metric of another model":     {Embedding: entry("a").Embedding, Metric: metric(t, source(), "other", small), Limit: 1},
	} {
		if found, err := store.Nearest(t.Context(), "g", query); err == nil {
			t.Errorf("Nearest() with %s = %d entries, want an error", name, len(found))
		}
	}
}

// testNearestOfAnotherModel changes the gallery's model to one of other embeddings.
func testNearestOfAnotherModel(t *testing.T, store gallery.Store) {
	random := source()
	create(t, store, info("g", sparse.length))
	old := families(sparse, random, 3)
	put(t, store, "g", old...)
	query := gallery.Query{Embedding: old[0].Embedding, Metric: metric(t, random, "model", sparse.length), Limit: 20}
	checkNearest(t, store, query, old)

	other := info("g", dense.length)
	other.ModelDigest = digestOf("other")
	if err := store.Update(t.Context(), other); err != nil {
		t.Fatalf("Update() = %v, want no error", err)
	}
	newer := families(dense, random, 3)
	for i := range newer {
		newer[i].ModelDigest = other.ModelDigest
	}
	query = gallery.Query{Embedding: newer[0].Embedding, Metric: metric(t, random, "other", dense.length), Limit: 20}
	put(t, store, "g", newer[:family]...)
	checkNearest(t, store, query, newer[:family])
	put(t, store, "g", newer[family:]...)
	checkNearest(t, store, query, newer)
}
