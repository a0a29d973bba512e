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
	// SameAlphabet takes two different classes of one alphabet or kind, the hard case.
	SameAlphabet
	// OtherAlphabet takes two classes of different alphabets or kinds: strangers.
	OtherAlphabet
)

var negativesNames = []string{"any", "same-alphabet", "other-alphabet"}

// ParseNegatives reads "any", "same-alphabet" or "other-alphabet".
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
	ambiguity *dataset.Ambiguity
	strangers bool    // different classes are of different alphabets
	positives []int   // the classes of two images or more
	anchors   []int   // the classes that have another class to differ from
	others    [][]int // by class: the classes to choose a different one from, itself among them

	images  []dataset.Image // every image drawn, once
	numbers map[dataset.Image]int
	pairs   []indices
	same    []bool // one a pair
}

func newPairDrawer(classes []dataset.Class, config VerifyConfig) (*pairDrawer, error) {
	d := &pairDrawer{
		random:    rand.New(rand.NewPCG(config.Seed, pairStream)),
		classes:   classes,
		ambiguity: config.Forbidden.Of(classes),
		strangers: config.Negatives == OtherAlphabet,
		others:    make([][]int, len(classes)),
		numbers:   map[dataset.Image]int{},
	}
	negatives := config.Negatives
	groups := map[string][]int{}
	for i, class := range classes {
		if len(class.Images) >= 2 && matchesAny(class, config.Of) {
			d.positives = append(d.positives, i)
		}
		if negatives != SameAlphabet {
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
	for i, class := range classes {
		if d.others[i] != nil && matchesAny(class, config.Of) && slices.ContainsFunc(d.others[i], func(other int) bool { return d.different(i, other) }) {
			d.anchors = append(d.anchors, i)
		}
	}
	if len(d.positives) == 0 {
		return nil, fmt.Errorf("%w: received no class of two images", ErrNoPairs)
	}
	if len(d.anchors) == 0 {
		return nil, fmt.Errorf("%w: received no two classes to tell apart, with negatives %q", ErrNoPairs, config.Negatives)
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
		d.add(d.image(anchor), d.image(d.other(anchor)), false)
	}
}

// other draws a class that counts as different from the anchor; there is one.
func (d *pairDrawer) other(anchor int) int {
	others := d.others[anchor]
	for {
		other := others[d.except(slices.Index(others, anchor), len(others))]
		if d.different(anchor, other) {
			return other
		}
	}
}

// different reports whether two classes may be a different pair.
func (d *pairDrawer) different(a, b int) bool {
	if a == b || d.ambiguity.Together(a, b) {
		return false
	}
	return !d.strangers || d.classes[a].Alphabet != d.classes[b].Alphabet || d.classes[a].Alphabet == ""
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
