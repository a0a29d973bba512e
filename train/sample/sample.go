// Package sample draws batches of pairs from a dataset, endlessly and by seed.
//
// NewAllPairs encodes a few images of each of several classes and compares all of
// them with each other: the most pairs for what is encoded. NewPairs draws as the
// network's original trainer does: an anchor, a positive and a negative at a time.
package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"siamese/train/dataset"
)

// Batch is what one training step sees. The caller owns it.
type Batch struct {
	Images []dataset.Image // what is encoded, once each, however many pairs it is in
	Labels []int32         // of each image: the index of its class among the dataset's classes; from Classes() on a combined class, or a twin, of this batch alone
	A, B   []int32         // the pairs, as indices into Images; A[i] and B[i] always differ
	Same   []bool          // of each pair: whether both images are of one class

	Kinds   []int32    // of each image: the number of its kind; nil where kinds don't count
	Unknown [][2]int32 // images of which nobody knows whether they are the same: no pairs, nor told apart otherwise
}

// Sampler draws batches. The same seed and the same dataset give the same
// batches. It is not safe for concurrent use.
type Sampler interface {
	// Next draws a batch. It never fails and never waits.
	Next() Batch
	// Classes is the number of classes; labels lie below it, but for those of
	// combined classes and of twins.
	Classes() int
	// State returns where the sampler stands, for Restore.
	State() ([]byte, error)
	// Restore makes a sampler of the same kind, dataset and settings go on exactly
	// where State was called. After an error the sampler stands where it stood.
	Restore(state []byte) error
}

// pool is the classes that batches are drawn from.
type pool struct {
	classes  []dataset.Class
	pairable []int // indices of classes with two images or more, at least one
}

func newPool(d *dataset.Dataset) (pool, error) {
	if d == nil {
		return pool{}, fmt.Errorf("sample: %w: received no dataset", dataset.ErrNoImages)
	}
	p := pool{classes: d.Classes()}
	for i, class := range p.classes {
		if len(class.Images) >= 2 {
			p.pairable = append(p.pairable, i)
		}
	}
	// Open and Split promise both; a zero Dataset does not.
	if len(p.classes) < 2 {
		return pool{}, fmt.Errorf("sample: %w: received %d", dataset.ErrTooFewClasses, len(p.classes))
	}
	if len(p.pairable) == 0 {
		return pool{}, fmt.Errorf("sample: %w", dataset.ErrNoPairs)
	}
	return p, nil
}

// Classes is the number of classes.
func (p *pool) Classes() int {
	return len(p.classes)
}

// size is the number of images in a class.
func (p *pool) size(class int) int {
	return len(p.classes[class].Images)
}

// gathering collects the images of a batch, each once.
type gathering struct {
	pool  *pool
	batch Batch
	at    map[place]int32
}

// place is one image in the pool.
type place struct{ class, image int }

func (p *pool) gather() *gathering {
	return &gathering{pool: p, at: map[place]int32{}}
}

// add gives the image's index in the batch.
func (g *gathering) add(class, image int) int32 {
	where := place{class, image}
	if i, ok := g.at[where]; ok {
		return i
	}
	i := int32(len(g.batch.Images))
	g.at[where] = i
	g.batch.Images = append(g.batch.Images, g.pool.classes[class].Images[image])
	g.batch.Labels = append(g.batch.Labels, int32(class))
	return i
}

// pair appends a pair of images that were added; their labels say whether they
// are the same.
func (g *gathering) pair(a, b int32) {
	g.batch.A = append(g.batch.A, a)
	g.batch.B = append(g.batch.B, b)
	g.batch.Same = append(g.batch.Same, g.batch.Labels[a] == g.batch.Labels[b])
}

// drawStream sets the random numbers of sampling apart from those that other
// parts of a run draw from the same seed.
const drawStream = 0x73616d706c65 // "sample"

// draws is a random stream that can be stored: rand.Rand keeps nothing of its
// own, so the generator's state is the whole state.
type draws struct {
	*rand.Rand
	generator *rand.PCG
}

func newDraws(seed uint64) draws {
	generator := rand.NewPCG(seed, drawStream)
	return draws{Rand: rand.New(generator), generator: generator}
}

// State returns where the stream stands.
func (d draws) State() ([]byte, error) {
	return d.generator.MarshalBinary()
}

// Restore sets the stream to where State was called.
func (d draws) Restore(state []byte) error {
	if err := d.generator.UnmarshalBinary(state); err != nil {
		return fmt.Errorf("sample: received a state of %d bytes, expected what State gives: %w", len(state), err)
	}
	return nil
}

// distinct draws k different numbers below n, in random order, by Floyd's method
// (Bentley, Floyd, "A sample of brilliance", CACM 30, 1987): a class of thousands
// of images is not shuffled for the few that are wanted.
func (d draws) distinct(n, k int) []int {
	drawn := make([]int, 0, k)
	for top := n - k; top < n; top++ {
		candidate := d.IntN(top + 1)
		if slices.Contains(drawn, candidate) {
			candidate = top
		}
		drawn = append(drawn, candidate)
	}
	d.Shuffle(k, func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn
}
