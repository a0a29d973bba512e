package galleries

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"siamese/bench"
	"siamese/gallery"
)

// What a search asks for, and the bars.
const (
	searchedThings = 10
	searchWarmUp   = 10

	openBarSeconds = 1
	recallBarFirst = 0.999
	recallBarTen   = 0.99

	// judgedEntries bounds the gallery whose recall is told: its entries are kept in
	// memory.
	judgedEntries = 200_000
	// chunkOfHead is how many pairs the network's head scores at a time.
	chunkOfHead = 256
	// logitRounding is what single precision may change of a logit, which is a sum of
	// hundreds of numbers, some ten in size.
	logitRounding = 1e-4
)

// open opens the store and searches once, which is what a gallery's opening ends with.
func (g Gallery) open(ctx context.Context) (store gallery.Store, rows []bench.Row, err error) {
	query := g.query(0)
	begin := time.Now()
	store, err = g.Store.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	found, err := store.Nearest(ctx, g.allName(), gallery.Query{Embedding: query, Metric: g.Metric, Limit: searchedThings})
	took := time.Since(begin).Seconds()
	if err == nil && len(found) == 0 {
		err = errors.New("the first search found nothing")
	}
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	if !g.does("open") {
		return store, nil, nil
	}
	name := g.called("opening, until the first search is answered (what it reads is in the system's cache)")
	if g.Entries > usualGallery {
		return store, []bench.Row{bench.Figure(name, took, "s")}, nil
	}
	return store, []bench.Row{bench.AtMost(name, took, "s", openBarSeconds)}, nil
}

// searchRows times searches in this process.
func (g Gallery) searchRows(ctx context.Context, searcher *gallery.Searcher) ([]bench.Row, error) {
	g.say("%d searches in this process", g.Queries)
	return g.searches("Identify in process", func(query gallery.Vector) error {
		found, err := searcher.Identify(ctx, g.allName(), gallery.Search{Embedding: query, TopK: searchedThings})
		if err == nil && len(found) == 0 {
			err = errors.New("a search found nothing")
		}
		return err
	})
}

// searches times searches by embeddings, one after the other.
func (g Gallery) searches(what string, search func(gallery.Vector) error) ([]bench.Row, error) {
	var milliseconds []float64
	for i := range searchWarmUp + g.Queries {
		query := g.query(i)
		begin := time.Now()
		if err := search(query); err != nil {
			return nil, err
		}
		if i >= searchWarmUp {
			milliseconds = append(milliseconds, time.Since(begin).Seconds()*1e3)
		}
	}
	slices.Sort(milliseconds)
	bars := g.Store.bars()
	first := g.called(what + ", p50")
	rows := []bench.Row{bench.Figure(first, rank(milliseconds, 50), "ms"), bench.Figure(g.called(what+", p99"), rank(milliseconds, 99), "ms")}
	switch {
	case g.Entries <= usualGallery:
		rows[0] = bench.AtMost(first, rows[0].Value, "ms", bars.p50)
		rows[1] = bench.AtMost(rows[1].Name, rows[1].Value, "ms", bars.p99)
	case g.Entries <= largeGallery && bars.p50OfMillion > 0:
		rows[0] = bench.AtMost(first, rows[0].Value, "ms", bars.p50OfMillion)
	}
	return rows, nil
}

// rank is the value that p of 100 sorted ones do not go over.
func rank(sorted []float64, p float64) float64 {
	return sorted[max(int(math.Ceil(p/100*float64(len(sorted)))), 1)-1]
}

// recallRows tell how many of the head's own best are found.
func (g Gallery) recallRows(ctx context.Context, searcher *gallery.Searcher) ([]bench.Row, error) {
	if g.Entries > judgedEntries {
		g.say("no recall: it is told of at most %d entries", judgedEntries)
		return nil, nil
	}
	vectors := g.maker().vectors(0, g.Entries)
	by := "by the network's head"
	if g.Exact != nil {
		by = "by the head in Go"
		off, err := g.compareHeads(ctx, vectors)
		if err != nil {
			return nil, err
		}
		g.say("the head in Go is off by %.1g in similarity at most, of %d pairs", off, min(comparedPairs, len(vectors)))
	}
	g.say("recall of %d searches, all entries scored %s", g.Judged, by)
	var first, ten float64
	for i := range g.Judged {
		one, some, err := g.recall(ctx, searcher, vectors, g.query(searchWarmUp+g.Queries+i))
		if err != nil {
			return nil, err
		}
		first, ten = first+one/float64(g.Judged), ten+some/float64(g.Judged)
	}
	name := fmt.Sprintf("recall of the head's best %%d of all entries (%d searches, %s)", g.Judged, by)
	return []bench.Row{
		bench.AtLeast(g.called(fmt.Sprintf(name, 1)), first, "", recallBarFirst),
		bench.AtLeast(g.called(fmt.Sprintf(name, searchedThings)), ten, "", recallBarTen),
	}, nil
}

// recall is the share of the head's own best one, and best ten, that a search finds. One
// that is as good as the last of them counts as one of them.
func (g Gallery) recall(ctx context.Context, searcher *gallery.Searcher, vectors []gallery.Vector, query gallery.Vector) (first, ten float64, err error) {
	logits, err := g.logits(ctx, query, vectors)
	if err != nil {
		return 0, 0, err
	}
	matches, err := searcher.Identify(ctx, g.allName(), gallery.Search{Embedding: query, TopK: searchedThings})
	if err != nil {
		return 0, 0, err
	}
	numbers := make(map[string]int, len(matches))
	for number := range vectors {
		numbers[entryName(number)] = number
	}
	var found []float64
	for _, match := range matches {
		found = append(found, logits[numbers[match.ID]])
	}
	first, ten = shareOfBest(logits, found)
	return first, ten, nil
}

// shareOfBest is the share of the best one and ten of all that are among those found,
// the best of which comes first.
func shareOfBest(all, found []float64) (first, ten float64) {
	best := slices.SortedFunc(slices.Values(all), func(a, b float64) int { return cmp.Compare(b, a) })
	best = best[:min(searchedThings, len(best))]
	for i, logit := range found {
		if i == 0 && isAsGood(logit, best[0]) {
			first = 1
		}
		if i < len(best) && isAsGood(logit, best[len(best)-1]) {
			ten += 1 / float64(len(best))
		}
	}
	return first, ten
}

// isAsGood reports whether a logit is not below another one, but for rounding, or gives
// the same similarity: those near 1 are the same in single precision for logits that are
// far apart, and then their order means nothing.
func isAsGood(logit, other float64) bool {
	const steps = 2 // of single precision
	similarity := float32(similarityOf(other))
	step := similarity - math.Nextafter32(similarity, 0)
	return logit >= other-logitRounding || float32(similarityOf(logit)) >= similarity-steps*step
}

// logits scores all entries, in Go where the head is known.
func (g Gallery) logits(ctx context.Context, query gallery.Vector, vectors []gallery.Vector) ([]float64, error) {
	if g.Exact != nil {
		return g.Exact.logits(query, vectors), nil
	}
	similarities, err := g.similarities(ctx, query, vectors)
	if err != nil {
		return nil, err
	}
	logits := make([]float64, len(similarities))
	for i, s := range similarities {
		logits[i] = math.Log(float64(s)) - math.Log1p(-float64(s))
	}
	return logits, nil
}

// similarities has the network's head score all entries.
func (g Gallery) similarities(ctx context.Context, query gallery.Vector, vectors []gallery.Vector) (all []float32, err error) {
	var a, b []float32
	for some := range slices.Chunk(vectors, chunkOfHead) {
		a, b = a[:0], b[:0]
		for _, v := range some {
			a, b = query.AppendTo(a), v.AppendTo(b)
		}
		scored, err := g.Head.Compare(ctx, a, b)
		if err != nil {
			return nil, err
		}
		all = append(all, scored...)
	}
	return all, nil
}

// comparedPairs are scored by both heads, and may differ by so much.
const (
	comparedPairs    = 1000
	comparedRounding = 1e-4
)

// compareHeads tells by how much similarities of the head in Go differ from the network's;
// an error where that is more than rounding explains.
func (g Gallery) compareHeads(ctx context.Context, vectors []gallery.Vector) (off float64, err error) {
	some := vectors[:min(comparedPairs, len(vectors))]
	query := g.query(0)
	similarities, err := g.similarities(ctx, query, some)
	if err != nil {
		return 0, err
	}
	for i, logit := range g.Exact.logits(query, some) {
		off = max(off, math.Abs(similarityOf(logit)-float64(similarities[i])))
	}
	if off > comparedRounding {
		return off, fmt.Errorf("bench: similarities of the head in Go are off by %g, expected %g at most", off, comparedRounding)
	}
	return off, nil
}
