package sample

import (
	"fmt"

	"siamese/train/dataset"
)

// pairs is the sampler of the network's original trainer.
type pairs struct {
	draws
	pool
	anchors int
}

// NewPairs returns a sampler whose batches have 2·anchors pairs in random order,
// half of them same. For each anchor it draws a class of two images or more, a
// same pair in it, and a different pair of its third image and an image of
// another class. Where a class has only two images, one of them serves again.
//
// Every class is drawn with equal chance, but for classes of one image, which are
// drawn as the other class only. It fails where anchors is below 1 or the dataset
// has no pairs.
func NewPairs(d *dataset.Dataset, anchors int, seed uint64) (Sampler, error) {
	if anchors < 1 {
		return nil, fmt.Errorf("sample: anchors is %d, expected 1 or more", anchors)
	}
	p, err := newPool(d)
	if err != nil {
		return nil, err
	}
	return &pairs{draws: newDraws(seed), pool: p, anchors: anchors}, nil
}

// Next draws a batch of at most 4·anchors images.
func (p *pairs) Next() Batch {
	g := p.gather()
	for range p.anchors {
		p.drawAnchor(g)
	}
	b := &g.batch
	p.Shuffle(len(b.Same), func(i, j int) {
		b.A[i], b.A[j] = b.A[j], b.A[i]
		b.B[i], b.B[j] = b.B[j], b.B[i]
		b.Same[i], b.Same[j] = b.Same[j], b.Same[i]
	})
	return g.batch
}

// drawAnchor adds a same and a different pair.
func (p *pairs) drawAnchor(g *gathering) {
	class := p.pairable[p.IntN(len(p.pairable))]
	of := p.distinct(p.size(class), min(3, p.size(class)))
	g.pair(g.add(class, of[0]), g.add(class, of[1]))

	// One of the others: skipping the class itself needs no second draw.
	other := p.IntN(len(p.classes) - 1)
	if other >= class {
		other++
	}
	third := of[2%len(of)]
	g.pair(g.add(class, third), g.add(other, p.IntN(p.size(other))))
}
