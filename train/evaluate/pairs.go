package evaluate

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"siamese/train/dataset"
)

// Negatives says where the two images of a different pair come from.
type Negatives int

const (
	// Any takes two different classes, mostly of different alphabets.
	Any Negatives = iota
	// SameAlphabet takes two different classes of one alphabet, the hard case.
	SameAlphabet
)

var negativesNames = []string{"any", "same-alphabet"}

// ParseNegatives reads "any" or "same-alphabet".
func ParseNegatives(name string) (Negatives, error) {
	i := slices.Index(negativesNames, name)
	if i < 0 {
		return 0, fmt.Errorf("negatives are %q, expected one of %q", name, negativesNames)
	}
	return Negatives(i), nil
}

// String names the choice as ParseNegatives reads it.
func (n Negatives) String() string {
	if n < 0 || int(n) >= len(negativesNames) {
		return fmt.Sprintf("Negatives(%d)", int(n))
	}
	return negativesNames[n]
}

// pairStream sets the draws of pairs apart from other draws of the same seed.
const pairStream = 0x7061697273

// pairDrawer draws pairs and numbers the images that they need.
type pairDrawer struct {
	random    *rand.Rand
	classes   []dataset.Class
	positives []int   // the classes of two images or more
	anchors   []int   // the classes that have another class to differ from
	others    [][]int // by class: the classes to choose a different one from, itself among them

	images  []dataset.Image // every image drawn, once
	numbers map[dataset.Image]int
	pairs   []indices
	same    []bool // one a pair
}

func newPairDrawer(classes []dataset.Class, negatives Negatives, seed uint64) (*pairDrawer, error) {
	d := &pairDrawer{
		random:  rand.New(rand.NewPCG(seed, pairStream)),
		classes: classes,
		others:  make([][]int, len(classes)),
		numbers: map[dataset.Image]int{},
	}
	groups := map[string][]int{}
	for i, class := range classes {
		if len(class.Images) >= 2 {
			d.positives = append(d.positives, i)
		}
		if negatives == Any {
			groups[""] = append(groups[""], i)
		} else if class.Alphabet != "" {
			groups[class.Alphabet] = append(groups[class.Alphabet], i)
		}
	}
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		for _, i := range group {
			d.others[i] = group
		}
	}
	for i := range classes {
		if d.others[i] != nil {
			d.anchors = append(d.anchors, i)
		}
	}
	if len(d.positives) == 0 {
		return nil, fmt.Errorf("%w: received no class of two images", ErrNoPairs)
	}
	if len(d.anchors) == 0 {
		return nil, fmt.Errorf("%w: received no two classes to tell apart, with negatives %q", ErrNoPairs, negatives)
	}
	return d, nil
}

// draw adds count pairs of each kind, same and different in turn.
func (d *pairDrawer) draw(count int) {
	for range count {
		images := d.classes[d.pick(d.positives)].Images
		first := d.random.IntN(len(images))
		d.add(images[first], images[d.except(first, len(images))], true)

		anchor := d.pick(d.anchors)
		others := d.others[anchor]
		other := others[d.except(slices.Index(others, anchor), len(others))]
		d.add(d.image(anchor), d.image(other), false)
	}
}

// except draws an index below count that is not the given one.
func (d *pairDrawer) except(index, count int) int {
	drawn := d.random.IntN(count - 1)
	if drawn >= index {
		drawn++
	}
	return drawn
}

func (d *pairDrawer) pick(from []int) int {
	return from[d.random.IntN(len(from))]
}

// image draws one of the class's images.
func (d *pairDrawer) image(class int) dataset.Image {
	images := d.classes[class].Images
	return images[d.random.IntN(len(images))]
}

func (d *pairDrawer) add(a, b dataset.Image, same bool) {
	d.pairs = append(d.pairs, indices{d.number(a), d.number(b)})
	d.same = append(d.same, same)
}

// number returns the image's number, a new one for a new image.
func (d *pairDrawer) number(image dataset.Image) int {
	number, known := d.numbers[image]
	if !known {
		number = len(d.images)
		d.numbers[image] = number
		d.images = append(d.images, image)
	}
	return number
}
