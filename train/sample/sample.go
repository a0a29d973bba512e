// Package sample draws batches of pairs from a dataset, endlessly and by seed.
//
// NewAllPairs encodes a few images of each of several classes and compares all of
// them with each other: the most pairs for what is encoded. NewPairs draws as the
// network's original trainer does: an anchor, a positive and a negative at a time.
package sample

import (
	"fmt"

	"siamese/train/dataset"
)

// Batch is what one training step sees. The caller owns it.
type Batch struct {
	Images []dataset.Image // what is encoded, once each, however many pairs it is in
	Labels []int32         // of each image: the index of its class among the dataset's classes; from Classes() on a combined class of this batch alone
	A, B   []int32         // the pairs, as indices into Images; A[i] and B[i] always differ
	Same   []bool          // of each pair: whether both images are of one class
}

// Sampler draws batches. The same seed and the same dataset give the same
// batches. It is not safe for concurrent use.
type Sampler interface {
	// Next draws a batch. It never fails and never waits.
	Next() Batch
	// Classes is the number of classes; labels lie below it, but for those of
	// combined classes.
	Classes() int
	// State tells where the sampler stands, for Restore.
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
