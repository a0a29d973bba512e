package index_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"siamese/gallery"
	"siamese/gallery/index"
)

// Embeddings as the built-in models make them: 4608 numbers of which 123 are not 0, all
// of them among 940, and 512 that are signed.
func sparseKind() *kind {
	k := newKind(940, 0.131, false)
	for i, centre := range k.centres {
		k.centres[i] = append(centre, make([]float32, 4608-940)...)
	}
	k.length, k.share = 4608, 0
	return k
}

func BenchmarkNearest(b *testing.B) {
	for _, bb := range []struct {
		name string
		kind *kind
	}{{"4608 sparse", sparseKind()}, {"512 dense", newKind(512, 1, true)}} {
		random := rand.New(rand.NewPCG(1, 1))
		x := index.New(bb.kind.metric(b))
		for _, size := range []int{100_000, 1_000_000} {
			if size > 100_000 && testing.Short() {
				continue
			}
			began := time.Now()
			added := size - x.Len()
			for x.Len() < size {
				if _, err := x.Add(gallery.NewVector(bb.kind.embedding(random))); err != nil {
					b.Fatal(err)
				}
			}
			adding := time.Since(began) / time.Duration(added)
			for _, cores := range []int{1, runtime.NumCPU()} {
				b.Run(fmt.Sprintf("%s/%d/%d cores", bb.name, size, cores), func(b *testing.B) {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
					benchmarkNearest(b, x, bb.kind)
					b.ReportMetric(float64(x.Bytes())/1e6, "MB")
					b.ReportMetric(float64(adding.Nanoseconds()), "ns/made+added")
				})
			}
		}
	}
}

func benchmarkNearest(b *testing.B, x *index.Index, k *kind) {
	random := rand.New(rand.NewPCG(2, 2))
	var took []time.Duration
	for b.Loop() {
		query := gallery.NewVector(k.embedding(random))
		began := time.Now()
		if hits := x.Nearest(query, 200, nil); len(hits) != 200 {
			b.Fatalf("found %d", len(hits))
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "ms-p99")
}
