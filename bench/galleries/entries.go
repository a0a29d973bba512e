package galleries

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"siamese/gallery"
)

// leastEmbeddings is how many embeddings entries are made of: one and two others.
const leastEmbeddings = 3

// entryMaker makes embeddings that are like those of pictures. It is safe for concurrent
// use.
type entryMaker struct {
	seed uint64
	of   [][]float32
}

// vector is the embedding of a number, the same each time: one of those of pictures,
// changed by parts of two others. Where it has zeros it gets and loses some numbers, and
// the others grow or shrink, else it moves and keeps its length.
func (m entryMaker) vector(number int) gallery.Vector {
	random := rand.New(rand.NewPCG(m.seed, uint64(number))) //nolint:gosec // entries, no secrets
	pick := func() []float32 { return m.of[random.IntN(len(m.of))] }
	made, one, other := slices.Clone(pick()), pick(), pick()
	if slices.Contains(made, 0) {
		swap(random, made, one)
	} else {
		move(random, made, one, other)
	}
	return gallery.NewVector(made)
}

// swap takes some numbers of another one, and changes the others' size.
func swap(random *rand.Rand, made, one []float32) {
	swapped, spread := 0.02+0.2*random.Float64(), 0.1+0.4*random.Float64()
	for i := range made {
		switch {
		case random.Float64() < swapped:
			made[i] = one[i]
		case made[i] != 0:
			made[i] *= float32(math.Exp(spread * random.NormFloat64()))
		}
	}
}

// move adds a part of what lies between two others.
func move(random *rand.Rand, made, one, other []float32) {
	share, before, after := 0.1+0.5*random.Float32(), 0.0, 0.0
	for i := range made {
		before += float64(made[i]) * float64(made[i])
		made[i] += share * (one[i] - other[i])
		after += float64(made[i]) * float64(made[i])
	}
	for i := range made {
		made[i] *= float32(math.Sqrt(before / after))
	}
}

// vectors makes those of the numbers from one to before another, on all cores.
func (m entryMaker) vectors(from, to int) []gallery.Vector {
	made := make([]gallery.Vector, to-from)
	eachPart(len(made), func(begin, end int) {
		for i := begin; i < end; i++ {
			made[i] = m.vector(from + i)
		}
	})
	return made
}

// eachPart has each core do a part of what is numbered from 0 to before n.
func eachPart(n int, do func(begin, end int)) {
	var workers sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for core := range cores {
		workers.Go(func() { do(core*n/cores, (core+1)*n/cores) })
	}
	workers.Wait()
}

// maker makes this gallery's entries, by the numbers below Entries, and the queries, by
// those above.
func (g Gallery) maker() entryMaker { return entryMaker{seed: g.Seed, of: g.Embeddings} }

// query is the embedding of a query by its number.
func (g Gallery) query(number int) gallery.Vector { return g.maker().vector(g.Entries + number) }

// entryName is the id of an entry by its number.
func entryName(number int) string { return fmt.Sprintf("entry-%08d", number) }
