package gallery_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"siamese/gallery"
)

const length = 40

// world is a gallery of clusters of entries.
func world(t testing.TB, clusters, of int) (*gallery.Searcher, *shelf, *network, *rand.Rand) {
	t.Helper()
	head, metric := distanceNetwork(t, length)
	random := rand.New(rand.NewPCG(2, 3))
	store := &shelf{}
	var entries []gallery.Entry
	for c := range clusters {
		centre := embedding(random, length)
		for i := range of {
			entries = append(entries, gallery.Entry{
				ID: fmt.Sprintf("e%04d-%03d", c, i), Embedding: near(random, centre, 0.5),
				Metadata: map[string]string{"odd": fmt.Sprint(i % 2)},
			})
		}
	}
	store.put(entries...)
	return &gallery.Searcher{Store: store, Head: head, Metric: metric}, store, head, random
}

// byHead is what looking at all entries finds.
func byHead(t testing.TB, store *shelf, head *network, search gallery.Search) []gallery.Match {
	t.Helper()
	best := make(map[string]gallery.Match)
	for _, e := range store.entries {
		s := head.similarity(t, search.Embedding, e.Embedding)
		if !search.Filter.Selects(&e) || s < search.MinSimilarity {
			continue
		}
		if has, ok := best[e.Name()]; !ok || s > has.Similarity {
			best[e.Name()] = gallery.Match{Entry: e, Similarity: s}
		}
	}
	var all []gallery.Match
	for _, match := range best {
		all = append(all, match)
	}
	slices.SortFunc(all, func(a, b gallery.Match) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), search.TopK)]
}

func checkMatches(t *testing.T, got, want []gallery.Match) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("Identify found %d things, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Name() != want[i].Name() || got[i].Similarity != want[i].Similarity {
			t.Errorf("match %d is %q with %v, want %q with %v", i, got[i].Name(), got[i].Similarity, want[i].Name(), want[i].Similarity)
		}
	}
}

func TestIdentifyFindsWhatTheHeadFinds(t *testing.T) {
	searcher, store, head, random := world(t, 50, 20)
	tests := []gallery.Search{
		{TopK: 1},
		{TopK: 10},
		{TopK: 100},
		{TopK: 10, Filter: gallery.Filter{"odd": "1"}},
		{TopK: 100, MinSimilarity: 0.9},
		{TopK: 10, Filter: gallery.Filter{"odd": "2"}},
		{TopK: 10_000},
	}
	for _, search := range tests {
		t.Run(fmt.Sprintf("%d, %v, %v", search.TopK, search.MinSimilarity, search.Filter), func(t *testing.T) {
			for range 5 {
				of := store.entries[random.IntN(len(store.entries))].Embedding
				search.Embedding = near(random, of.AppendTo(nil), 0.3)
				got, err := searcher.Identify(t.Context(), "g", search)
				if err != nil {
					t.Fatal(err)
				}
				want := byHead(t, store, head, search)
				if search.TopK > len(store.entries) { // more than are ever scored
					got, want = got[:100], want[:100]
				}
				checkMatches(t, got, want)
			}
		})
	}
}

// With further views of the query a similarity is the mean over all of them.
func TestIdentifyAveragesOverViews(t *testing.T) {
	searcher, store, head, random := world(t, 5, 4)
	of := store.entries[7].Embedding.AppendTo(nil)
	search := gallery.Search{Embedding: near(random, of, 0.3), Moved: []gallery.Vector{near(random, of, 0.3), near(random, of, 0.3)}, TopK: 20}
	found, err := searcher.Identify(t.Context(), "g", search)
	if err != nil || len(found) != 20 {
		t.Fatalf("Identify found %d things, %v, want 20", len(found), err)
	}
	for i, match := range found {
		sum := float64(head.similarity(t, search.Moved[0], match.Embedding)) + float64(head.similarity(t, search.Moved[1], match.Embedding))
		want := float32((float64(head.similarity(t, search.Embedding, match.Embedding)) + sum) / 3)
		if match.Similarity != want {
			t.Errorf("%s: %v, want the mean %v", match.ID, match.Similarity, want)
		}
		if i > 0 && match.Similarity > found[i-1].Similarity {
			t.Errorf("%s comes after one that is less alike", match.ID)
		}
	}
	search.Moved[1] = gallery.NewVector([]float32{1})
	if _, err := searcher.Identify(t.Context(), "g", search); err == nil {
		t.Error("Identify took a view's embedding of another length")
	}
}

// The head is asked about few entries only.
func TestIdentifyScoresFew(t *testing.T) {
	searcher, store, head, random := world(t, 50, 20)
	const searches = 20
	for range searches {
		of := store.entries[random.IntN(len(store.entries))].Embedding
		if _, err := searcher.Identify(t.Context(), "g", gallery.Search{Embedding: near(random, of.AppendTo(nil), 0.3), TopK: 10}); err != nil {
			t.Fatal(err)
		}
	}
	if most := 100; head.scored/searches > most {
		t.Errorf("the head scored %d entries a search, want at most %d", head.scored/searches, most)
	}
	if slices.Max(store.limits) > 100 {
		t.Errorf("the store was asked for %d entries, want 100", slices.Max(store.limits))
	}
}

// Where a head calls all that is near alike, as far as a float32 tells, the best are found
// without asking it about all of them.
func TestIdentifyAmongWhatIsAllAlike(t *testing.T) {
	searcher, store, head, random := world(t, 50, 20)
	head.lastBias += 30
	of := store.entries[random.IntN(len(store.entries))].Embedding
	search := gallery.Search{Embedding: near(random, of.AppendTo(nil), 0.3), TopK: 10}
	got, err := searcher.Identify(t.Context(), "g", search)
	if err != nil {
		t.Fatal(err)
	}
	if head.scored > 100 {
		t.Errorf("the head scored %d entries, want at most 100", head.scored)
	}
	want := byHead(t, store, head, search)
	const rounding = 2e-7 // 3 of float32's steps
	for i := range got {
		if got[i].Similarity < want[i].Similarity-rounding {
			t.Errorf("match %d has %v, want %v", i, got[i].Similarity, want[i].Similarity)
		}
	}
}

// A thing with a great many entries near the query does not hide the others.
func TestIdentifyFindsThingsBehindOneWithManyEntries(t *testing.T) {
	searcher, store, head, random := world(t, 0, 0)
	centre := embedding(random, length)
	for i := range 1000 {
		store.put(gallery.Entry{ID: fmt.Sprintf("crowd-%04d", i), Thing: "crowd", Embedding: near(random, centre, 0.2)})
	}
	for i := range 20 {
		store.put(gallery.Entry{ID: fmt.Sprintf("other-%02d", i), Thing: fmt.Sprintf("thing-%02d", i/2), Embedding: near(random, centre, 1)})
	}
	search := gallery.Search{Embedding: gallery.NewVector(centre), TopK: 5}
	got, err := searcher.Identify(t.Context(), "g", search)
	if err != nil {
		t.Fatal(err)
	}
	checkMatches(t, got, byHead(t, store, head, search))
	if head.scored > 1020+200 { // byHead's, and those of the search
		t.Errorf("the head scored %d entries, want at most 200", head.scored-1020)
	}
}

func TestIdentifyRefuses(t *testing.T) {
	searcher, store, head, _ := world(t, 3, 3)
	whole := store.entries[0].Embedding
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name          string
		ctx           context.Context
		search        gallery.Search
		store, scorer error
		want          error // nil: any
	}{
		{"another length", t.Context(), gallery.Search{Embedding: gallery.NewVector([]float32{1}), TopK: 1}, nil, nil, nil},
		{"nothing", t.Context(), gallery.Search{TopK: 1}, nil, nil, nil},
		{"no things", t.Context(), gallery.Search{Embedding: whole}, nil, nil, nil},
		{"a store that fails", t.Context(), gallery.Search{Embedding: whole, TopK: 1}, broken, nil, broken},
		{"a head that fails", t.Context(), gallery.Search{Embedding: whole, TopK: 1}, nil, broken, broken},
		{"a context that is done", ctx, gallery.Search{Embedding: whole, TopK: 1}, nil, nil, context.Canceled},
	}
	for _, tt := range tests {
		store.err, head.err = tt.store, tt.scorer
		_, err := searcher.Identify(tt.ctx, "g", tt.search)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: Identify returned %v, want %v", tt.name, err, cmp.Or(tt.want, errors.New("an error")))
		}
	}
}

// few answers with fewer similarities than pairs.
type few struct{}

func (few) Compare(context.Context, []float32, []float32) ([]float32, error) {
	return []float32{0.5}, nil
}

func TestIdentifyOfAHeadThatAnswersTooLittle(t *testing.T) {
	searcher, store, _, _ := world(t, 3, 3)
	searcher.Head = few{}
	if _, err := searcher.Identify(t.Context(), "g", gallery.Search{Embedding: store.entries[0].Embedding, TopK: 1}); err == nil {
		t.Error("Identify returned no error")
	}
}

func TestIdentifyOfAnEmptyGallery(t *testing.T) {
	searcher, _, _, random := world(t, 0, 0)
	matches, err := searcher.Identify(t.Context(), "g", gallery.Search{Embedding: gallery.NewVector(embedding(random, length)), TopK: 3})
	if err != nil || len(matches) != 0 {
		t.Errorf("Identify = %v, %v, want nothing", matches, err)
	}
}
