package evaluate

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"siamese/imaging"
	"siamese/train/dataset"
)

// PairKind is a sort of pair, by what its two images are of.
type PairKind string

const (
	// Strangers are two things of different kinds: different.
	Strangers PairKind = "strangers"
	// Neighbours are two things of one kind: different, and hard to tell.
	Neighbours PairKind = "neighbours"
	// Things are two images of one thing: the same.
	Things PairKind = "things"
	// EditedCopies are an image and an edited copy of it, by one of the attacks of Copies:
	// the same.
	EditedCopies PairKind = "copies"
)

// PairKinds are all kinds of pairs.
func PairKinds() []PairKind { return []PairKind{Strangers, Neighbours, Things, EditedCopies} }

// Same reports whether the two images of such a pair count as the same.
func (k PairKind) Same() bool { return k == Things || k == EditedCopies }

// DefaultKindPairs is the number of pairs of a kind where KindsConfig says nothing.
const DefaultKindPairs = 4000

// kindsStream sets the draws of pairs by kind apart from other draws of the same seed.
const kindsStream = 0x6b696e6473 // "kinds"

// KindsConfig says which pairs to draw.
type KindsConfig struct {
	Pairs     int        // of each kind, half of them in each half of the data; an even number, 0 = DefaultKindPairs
	Seed      uint64     // the same seed and dataset give the same pairs
	Kinds     []PairKind // which are drawn; none: all
	Of        []string   // patterns of class names, as in RetrievalConfig, that pairs are drawn from; none: all
	Forbidden *dataset.Forbidden
	// Side is as in CopiesConfig.
	Side int
}

// KindPair is a scored pair.
type KindPair struct {
	Score
	Kind  PairKind
	Class string // of the first image
	Group string // its alphabet or kind, or the class where it has none
	Half  int    // 0 or 1: the half of the data that both images are of
}

// ScoreKinds draws pairs of several kinds and scores them. The alphabets or kinds of the
// data, and classes without one, are parted in two halves by seed, and both images of a
// pair are of one half, so that what is fitted on one half can be measured on the other.
// Fewer than four of them stay together, as the first half.
// Pairs are drawn uniformly over the kinds of a half, then over their classes, then over
// their images.
//
// A kind of pair that a half doesn't have is left out there, and one that both lack in
// all; ErrNoPairs says that no same or no different pairs are left.
func ScoreKinds(ctx context.Context, model Model, d *dataset.Dataset, config KindsConfig) ([]KindPair, error) {
	if config.Pairs < 0 || config.Pairs%2 != 0 || config.Side < 0 {
		return nil, fmt.Errorf("pairs by kind: Pairs is %d and Side %d, expected 0 (the default) or more, and even pairs", config.Pairs, config.Side)
	}
	if config.Pairs == 0 {
		config.Pairs = DefaultKindPairs
	}
	if len(config.Kinds) == 0 {
		config.Kinds = PairKinds()
	}
	drawer := newKindDrawer(d, config)
	if err := drawer.enough(); err != nil {
		return nil, fmt.Errorf("pairs by kind: %w", err)
	}
	images, err := embed(ctx, model, len(drawer.images), drawer.picture)
	if err != nil {
		return nil, fmt.Errorf("pairs by kind: %w", err)
	}
	similarities, err := compare(ctx, model, images, drawer.indices)
	if err != nil {
		return nil, fmt.Errorf("pairs by kind: %w", err)
	}
	for i, similarity := range similarities {
		drawer.pairs[i].Similarity = similarity
	}
	return drawer.pairs, nil
}

// edited is an image, or a copy of it.
type edited struct {
	image  dataset.Image
	attack int // its number plus 1; 0: the image itself
	copies int // numbers the copies of one image by one attack
}

// kindDrawer draws pairs of each kind and numbers the images that they need.
type kindDrawer struct {
	data      *dataset.Dataset
	random    *rand.Rand
	seed      uint64
	side      int
	attacks   []attack
	ambiguity *dataset.Ambiguity
	classes   []dataset.Class

	images  []edited
	numbers map[edited]int
	pairs   []KindPair
	indices []indices // of the pairs' images
}

func newKindDrawer(d *dataset.Dataset, config KindsConfig) *kindDrawer {
	k := &kindDrawer{
		data: d, random: rand.New(rand.NewPCG(config.Seed, kindsStream)), seed: config.Seed, side: config.Side,
		attacks: attacks(), classes: d.Classes(), numbers: map[edited]int{},
	}
	k.ambiguity = config.Forbidden.Of(k.classes)
	halves := k.halves(config.Of)
	count := config.Pairs / 2
	if len(halves[1]) == 0 {
		count = config.Pairs
	}
	for number, half := range halves {
		for _, kind := range config.Kinds {
			k.draw(half, number, kind, count)
		}
	}
	return k
}

// enough reports whether there are same and different pairs.
func (k *kindDrawer) enough() error {
	same := 0
	for _, pair := range k.pairs {
		if pair.Same {
			same++
		}
	}
	if same == 0 || same == len(k.pairs) {
		return fmt.Errorf("%w: received %d same and %d different pairs, expected both", ErrNoPairs, same, len(k.pairs)-same)
	}
	return nil
}

// leastParted is how many kinds it takes for strangers in both halves.
const leastParted = 4

// halves part the kinds, each the numbers of its classes. Kinds with a thing of two
// images and such without are dealt out apart, so that both halves have same things
// where there are two such kinds.
func (k *kindDrawer) halves(of []string) [2][][]int {
	groups := map[string][]int{}
	several := map[string]bool{}
	for i, class := range k.classes {
		if !matchesAny(class, of) {
			continue
		}
		name := groupOf(class)
		groups[name] = append(groups[name], i)
		several[name] = several[name] || len(class.Images) > 1
	}
	names := sortedKeys(groups)
	k.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	slices.SortStableFunc(names, func(a, b string) int { return int(indicator(several[b]) - indicator(several[a])) })
	var halves [2][][]int
	for i, name := range names {
		half := i % 2
		if len(names) < leastParted {
			half = 0
		}
		halves[half] = append(halves[half], groups[name])
	}
	return halves
}

// groupOf is a class's alphabet or kind, or itself where it has none.
func groupOf(class dataset.Class) string { return cmp.Or(class.Alphabet, class.Name) }

// choice is where a pair's first image may come from: some classes of a kind.
type choice struct {
	classes []int
	others  map[int][]int // by class: those that its pair may be of, for different pairs
}

// draw adds pairs of a kind, if the half has any.
func (k *kindDrawer) draw(half [][]int, number int, kind PairKind, count int) {
	choices := k.choices(half, kind)
	if len(choices) == 0 {
		return
	}
	for range count {
		from := choices[k.random.IntN(len(choices))]
		class := from.classes[k.random.IntN(len(from.classes))]
		images := k.classes[class].Images
		first := k.random.IntN(len(images))
		second := edited{image: images[first]}
		switch kind {
		case Things:
			at := k.random.IntN(len(images) - 1)
			if at >= first {
				at++
			}
			second.image = images[at]
		case EditedCopies:
			second.attack = 1 + k.random.IntN(len(k.attacks))
			for k.numbers[second] > 0 { // copied so already: another copy
				second.copies++
			}
		default:
			others := from.others[class]
			other := k.classes[others[k.random.IntN(len(others))]].Images
			second.image = other[k.random.IntN(len(other))]
		}
		k.pairs = append(k.pairs, KindPair{
			Score{Same: kind.Same()}, kind, k.classes[class].Name, groupOf(k.classes[class]), number,
		})
		k.indices = append(k.indices, indices{k.number(edited{image: images[first]}), k.number(second)})
	}
}

// choices are the kinds of a half that have such pairs.
func (k *kindDrawer) choices(half [][]int, kind PairKind) []choice {
	var choices []choice
	for _, group := range half {
		from := choice{others: map[int][]int{}}
		for _, class := range group {
			switch kind {
			case Things:
				if len(k.classes[class].Images) < 2 {
					continue
				}
			case Neighbours:
				from.others[class] = k.apart(class, group)
			case Strangers:
				for _, other := range half {
					if other[0] != group[0] {
						from.others[class] = append(from.others[class], k.apart(class, other)...)
					}
				}
			}
			if kind.Same() || len(from.others[class]) > 0 {
				from.classes = append(from.classes, class)
			}
		}
		if len(from.classes) > 0 {
			choices = append(choices, from)
		}
	}
	return choices
}

// apart are the classes that count as different from one.
func (k *kindDrawer) apart(class int, among []int) []int {
	var apart []int
	for _, other := range among {
		if other != class && !k.ambiguity.Together(class, other) {
			apart = append(apart, other)
		}
	}
	return apart
}

// number returns the image's number, a new one for a new image. Numbers count from 0;
// the map holds them plus 1.
func (k *kindDrawer) number(image edited) int {
	if k.numbers[image] == 0 {
		k.images = append(k.images, image)
		k.numbers[image] = len(k.images)
	}
	return k.numbers[image] - 1
}

// picture is an image or a copy, at the network's size.
func (k *kindDrawer) picture(i int) (*imaging.Picture, error) {
	image := k.images[i]
	p, err := k.data.Picture(image.image)
	if err != nil {
		return nil, err
	}
	if image.attack > 0 {
		p = k.attacks[image.attack-1].make(rand.New(rand.NewPCG(k.seed, kindsStream+uint64(i))), p)
	}
	width, height := k.data.Size()
	if k.side > 0 {
		width, height = k.side, k.side
	}
	return p.Resize(width, height, imaging.Bilinear), nil
}
