package siamese_test

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"siamese"
	"siamese/gallery"
	"siamese/gallery/index"
)

// entriesOfBench are the entries among which a benchmark identifies: embeddings of the
// pictures in a folder, each of them changed in many ways.
const entriesOfBench = 100_000

// BenchmarkIdentify tells how long a search takes from an embedding, with TensorFlow's
// head, and how many of the head's own best it finds. PICTURES names a folder of other
// pictures than the few of this repository.
func BenchmarkIdentify(b *testing.B) {
	for model, folder := range map[string]string{"omniglot": "testdata/omniglot", "general": "testdata/photos"} {
		b.Run(model, func(b *testing.B) {
			benchmarkIdentify(b, model, cmp.Or(os.Getenv("PICTURES"), folder))
		})
	}
}

func benchmarkIdentify(b *testing.B, name, folder string) {
	model, err := siamese.Open(b.Context(), name, siamese.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer model.Close()
	metric, err := model.Metric()
	if err != nil {
		b.Fatal(err)
	}
	made := changer{random: rand.New(rand.NewPCG(1, 2)), of: embeddingsOf(b, model, folder)}
	store := &inMemory{index: index.New(metric)}
	for range entriesOfBench {
		v := made.next()
		store.vectors = append(store.vectors, v)
		if _, err := store.index.Add(v); err != nil {
			b.Fatal(err)
		}
	}
	searcher := gallery.Searcher{Store: store, Head: model.Head(), Metric: metric}
	var took []time.Duration
	before := processorTime(b)
	b.ResetTimer()
	for b.Loop() {
		search := gallery.Search{Embedding: made.next(), TopK: 10}
		began := time.Now()
		if _, err := searcher.Identify(b.Context(), "", search); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	b.StopTimer()
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1e3/float64(len(took)), "ms-processor")
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "ms-p99")
	b.ReportMetric(float64(store.index.Bytes())/1e6, "MB")
	first, ten := recall(b, &searcher, store, made)
	b.ReportMetric(first, "recall-1")
	b.ReportMetric(ten, "recall-10")
}

// processorTime is what the process has used so far, which other programs change little.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// recall is the share of the head's best one and ten of all entries that are found. It
// has the head score all of them, a few times.
func recall(b *testing.B, searcher *gallery.Searcher, store *inMemory, made changer) (first, ten float64) {
	const queries = 3
	for range queries {
		query := made.next()
		matches, err := searcher.Identify(b.Context(), "", gallery.Search{Embedding: query, TopK: 10})
		if err != nil {
			b.Fatal(err)
		}
		var best []float32
		for some := range slices.Chunk(store.vectors, 256) {
			var a, all []float32
			for _, v := range some {
				a, all = query.AppendTo(a), v.AppendTo(all)
			}
			similarities, err := searcher.Head.Compare(b.Context(), a, all)
			if err != nil {
				b.Fatal(err)
			}
			best = append(best, similarities...)
		}
		slices.SortFunc(best, func(a, b float32) int { return cmp.Compare(b, a) })
		for i, match := range matches {
			const rounding = 1e-6 // of other runs of the head
			if match.Similarity >= best[9]-rounding {
				ten += 1. / 10 / queries
			}
			if i == 0 && match.Similarity >= best[0]-rounding {
				first += 1. / queries
			}
		}
	}
	return first, ten
}

// embeddingsOf encodes the pictures of a folder.
func embeddingsOf(b *testing.B, model *siamese.Model, folder string) (embeddings [][]float32) {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if made, err := model.Embed(b.Context(), siamese.File(path)); err == nil { // else no picture
			embeddings = append(embeddings, made...)
		}
		return nil
	})
	if err != nil || len(embeddings) < 3 {
		b.Fatalf("%d pictures in %q, want at least 3: %v", len(embeddings), folder, err)
	}
	return embeddings
}

// changer makes embeddings that are like those of pictures.
type changer struct {
	random *rand.Rand
	of     [][]float32
}

// next changes one of the embeddings by parts of two others: where it has zeros, it gets
// and loses some numbers, else it moves and keeps its length.
func (c changer) next() gallery.Vector {
	pick := func() []float32 { return c.of[c.random.IntN(len(c.of))] }
	made, one, other := slices.Clone(pick()), pick(), pick()
	if !slices.Contains(made, 0) {
		share, square := 0.1+0.5*c.random.Float32(), 0.0
		for i := range made {
			made[i] += share * (one[i] - other[i])
			square += float64(made[i]) * float64(made[i])
		}
		for i := range made {
			made[i] /= float32(math.Sqrt(square))
		}
		return gallery.NewVector(made)
	}
	swapped, spread := 0.02+0.2*c.random.Float64(), 0.1+0.4*c.random.Float64()
	for i := range made {
		switch {
		case c.random.Float64() < swapped:
			made[i] = one[i]
		case made[i] != 0:
			made[i] *= float32(math.Exp(spread * c.random.NormFloat64()))
		}
	}
	return gallery.NewVector(made)
}

// inMemory is a store that finds alone.
type inMemory struct {
	gallery.Store
	index   *index.Index
	vectors []gallery.Vector
}

func (s *inMemory) Nearest(_ context.Context, _ string, query gallery.Query) (found []gallery.Candidate, _ error) {
	for _, hit := range s.index.Nearest(query.Embedding, query.Limit, nil) {
		entry := gallery.Entry{ID: fmt.Sprint(hit.Slot), Embedding: s.vectors[hit.Slot]}
		found = append(found, gallery.Candidate{Entry: entry, Distance: hit.Distance})
	}
	return found, nil
}
