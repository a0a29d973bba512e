package sample

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"siamese/train/dataset"
)

// The values that hold where a field of AllPairsConfig is zero.
const (
	DefaultImages        = 64
	DefaultPerClass      = 4
	DefaultAlphabetShare = 0.75
)

// maxImages bounds a batch, whose pairs grow with the square: 8 million here.
const maxImages = 4096

// AllPairsConfig says what a batch of NewAllPairs holds.
type AllPairsConfig struct {
	Images        int     // images of a batch, 2·PerClass to 4096; 0 = DefaultImages
	PerClass      int     // images of a class in a batch, 2 or more; 0 = DefaultPerClass
	AlphabetShare float64 // share of a batch's classes that are of one alphabet, above 0 to 1; 0 = DefaultAlphabetShare
	Seed          uint64

	// Alphabets is over how many alphabets AlphabetShare is spread, 1 or more; 0 =
	// 1. Each brings about as many classes, as long as it has any.
	Alphabets int
	// OnePose takes the classes of an alphabet from those turned and mirrored
	// alike: a turned alphabet then counts as an alphabet of its own.
	OnePose bool
	// Combine is the share of a batch's classes that are made of two classes of an
	// alphabet (see dataset.Combine), 0 to 0.9.
	Combine float64
	// Redraw is the share of a batch's images that are drawn again by their strokes, 0
	// to 1; Twins the share of its classes that nearly are other ones of the batch, 0 to
	// 0.5. Both are for datasets with strokes (dataset.WithStrokes).
	Redraw, Twins float64
	// HardShare is the share of the classes of a batch's alphabets that are drawn because
	// they look like another one of the batch, once SetNeighbors has told which do: 0 to
	// 0.9; 0 = DefaultHardShare.
	HardShare float64
}

// maxCombine leaves some of a batch to classes as they are.
const maxCombine = 0.9

// withDefaults fills in the zero fields.
func (c AllPairsConfig) withDefaults() AllPairsConfig {
	if c.Images == 0 {
		c.Images = DefaultImages
	}
	if c.PerClass == 0 {
		c.PerClass = DefaultPerClass
	}
	if c.AlphabetShare == 0 {
		c.AlphabetShare = DefaultAlphabetShare
	}
	if c.Alphabets == 0 {
		c.Alphabets = 1
	}
	c.HardShare = hardShareOr(c.HardShare)
	return c
}

// Validate reports the first field that is out of range.
func (c AllPairsConfig) Validate() error {
	c = c.withDefaults()
	if c.PerClass < 2 {
		return fmt.Errorf("sample: PerClass is %d, expected 0 (the default) or at least 2", c.PerClass)
	}
	// Compared so that doubling a huge PerClass cannot overflow.
	if c.Images/2 < c.PerClass || c.Images > maxImages {
		return fmt.Errorf("sample: Images is %d, expected at least twice PerClass, which is %d, and at most %d",
			c.Images, c.PerClass, maxImages)
	}
	// Written so that a NaN is refused too.
	if !(c.AlphabetShare > 0 && c.AlphabetShare <= 1) {
		return fmt.Errorf("sample: AlphabetShare is %v, expected 0 (the default) or above 0 to 1", c.AlphabetShare)
	}
	if c.Alphabets < 1 {
		return fmt.Errorf("sample: Alphabets is %d, expected 0 (the default) or more", c.Alphabets)
	}
	if !(c.Combine >= 0 && c.Combine <= maxCombine) {
		return fmt.Errorf("sample: Combine is %v, expected 0 to %v", c.Combine, maxCombine)
	}
	return errors.Join(c.validateStrokes(), checkHardShare(c.HardShare))
}

// allPairs compares all images of a batch with each other.
type allPairs struct {
	draws
	pool
	images   int
	perClass int
	share    float64

	alphabets int
	onePose   bool
	combine   float64

	data           *dataset.Dataset
	redrawn, twins float64
	hardShare      float64
	near           map[int][]int // of some classes: those of their group that look like them, the nearest first
	nearState      []byte        // near as State gives it
}

// NewAllPairs returns a sampler whose batches have every pair i < j among their
// images: 2,016 pairs of 64 images. A batch takes PerClass images from each of
// Images/PerClass classes. Most classes are of one alphabet, drawn for each batch
// by its number of classes, since characters of one alphabet are the hard
// ones to tell apart; the others come from any. In one's own layout, which has no
// alphabets, classes are drawn uniformly.
//
// A class with fewer images brings all it has, none twice, and further classes
// fill the batch, the last one with less than PerClass where it must. Where there
// are fewer classes than a batch wants, each brings more; a batch is smaller than
// Images only where that is not enough either. Each batch has a class of two
// images or more, and two classes.
//
// With Alphabets the hard classes come from several alphabets, with Combine some
// classes are made of two, with Twins some are near twins of others in the batch. The
// sampler is a Miner: once it is told which classes look alike, HardShare of the hard
// classes are drawn beside one that they look like.
//
// It fails with what Validate reports, or where the dataset has no pairs.
func NewAllPairs(d *dataset.Dataset, cfg AllPairsConfig) (Sampler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p, err := newPool(d)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	spread := (cfg.Images + len(p.classes) - 1) / len(p.classes)
	return &allPairs{
		draws:    newDraws(cfg.Seed),
		pool:     p,
		images:   cfg.Images,
		perClass: max(cfg.PerClass, spread),
		share:    cfg.AlphabetShare,

		alphabets: cfg.Alphabets,
		onePose:   cfg.OnePose,
		combine:   cfg.Combine,

		data:      d,
		redrawn:   cfg.Redraw,
		twins:     cfg.Twins,
		hardShare: cfg.HardShare,
	}, nil
}

// Next draws a batch of at most Images images.
func (s *allPairs) Next() Batch {
	g := s.gather()
	left := s.images - s.addCombined(g)
	twins := s.twinning()
	for class := range s.order() {
		take := min(s.perClass, s.size(class), left)
		for _, image := range s.distinct(s.size(class), take) {
			g.add(class, image)
		}
		left -= take
		left -= twins.beside(g, class, left)
		if left == 0 {
			break
		}
	}
	s.redraw(g.batch.Images)
	for a := range g.batch.Images {
		for b := a + 1; b < len(g.batch.Images); b++ {
			g.pair(int32(a), int32(b))
		}
	}
	return g.batch
}

// order yields every class once; of those yielded so far, its share are of the
// batch's alphabets. The first class is pairable, so that no batch is all
// different. It may be ranged over once.
func (s *allPairs) order() iter.Seq[int] {
	first := s.pairable[s.IntN(len(s.pairable))]
	lists, others := s.shuffledBeside(first)
	var groups []*mined
	for _, list := range lists {
		groups = append(groups, s.mine(list))
	}
	groups[0].drawn(first)
	return func(yield func(int) bool) {
		if !yield(first) {
			return
		}
		fromGroups, turn := 1, 1
		for drawn := 1; ; drawn++ {
			groups = slices.DeleteFunc(groups, func(group *mined) bool { return len(group.left) == 0 })
			if len(groups)+len(others) == 0 {
				return
			}
			var class int
			if len(others) == 0 || (len(groups) > 0 && float64(fromGroups) < s.share*float64(drawn+1)) {
				class = groups[turn%len(groups)].next()
				fromGroups++
				turn++
			} else {
				class, others = others[0], others[1:]
			}
			if !yield(class) {
				return
			}
		}
	}
}

// shuffledBeside lists all classes but the first, in random order: those of its
// group, those of the groups that are met next, and the others.
func (s *allPairs) shuffledBeside(first int) (groups [][]int, others []int) {
	groups = make([][]int, 1, s.alphabets)
	place := map[group]int{s.group(first): 0}
	for _, class := range s.Perm(len(s.classes)) {
		if class == first {
			continue
		}
		at, known := place[s.group(class)]
		if !known && len(groups) < s.alphabets {
			at, known = len(groups), true
			place[s.group(class)] = at
			groups = append(groups, nil)
		}
		if known {
			groups[at] = append(groups[at], class)
		} else {
			others = append(others, class)
		}
	}
	return groups, others
}

// group is what the hard classes of a batch have in common.
type group struct {
	alphabet string
	turns    int
	mirrored bool
}

func (s *allPairs) group(class int) group {
	c := s.classes[class]
	if !s.onePose {
		return group{alphabet: c.Alphabet}
	}
	return group{alphabet: c.Alphabet, turns: c.Images[0].Turns, mirrored: c.Images[0].Mirrored}
}

// arrangements are all that there are.
var arrangements = []dataset.Arrangement{dataset.Beside, dataset.Above, dataset.Over}

// combination is a class that is made of two, given by their indices.
type combination struct {
	first, second int
	how           dataset.Arrangement
}

// addCombined adds the batch's combined classes and returns how many images they
// have. They are made of a few classes of one group, so that many of them differ
// by one part alone.
func (s *allPairs) addCombined(g *gathering) int {
	classes := s.images / s.perClass
	count := min(int(math.Round(s.combine*float64(classes))), classes-1)
	added := 0
	for number, c := range s.combinations(count) {
		added += s.addCombination(g, c, int32(len(s.classes)+number))
	}
	return added
}

// combinations draws at most count different ones.
func (s *allPairs) combinations(count int) []combination {
	if count == 0 {
		return nil
	}
	first := s.pairable[s.IntN(len(s.pairable))]
	groups, _ := s.shuffledBeside(first)
	parts := append([]int{first}, groups[0]...)
	// n parts make 2·n·(n-1) to 3·n·(n-1); about half of these are taken.
	parts = parts[:min(len(parts), 2+int(math.Sqrt(float64(count))))]
	var all []combination
	for i, a := range parts {
		for j, b := range parts {
			for _, how := range arrangements {
				if i < j || i > j && how != dataset.Over {
					all = append(all, combination{a, b, how})
				}
			}
		}
	}
	s.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(count, len(all))]
}

// addCombination adds images of a combined class and returns how many: as many as
// PerClass says, or as the larger of the two has.
func (s *allPairs) addCombination(g *gathering, c combination, label int32) int {
	first := s.distinct(s.size(c.first), min(s.perClass, s.size(c.first)))
	second := s.distinct(s.size(c.second), min(s.perClass, s.size(c.second)))
	count := max(len(first), len(second))
	for i := range count {
		a := s.classes[c.first].Images[first[i%len(first)]]
		b := s.classes[c.second].Images[second[i%len(second)]]
		image, err := dataset.Combine(a, b, c.how)
		if err != nil {
			// The classes of a dataset are never combined, and the arrangement is known.
			continue
		}
		g.batch.Images = append(g.batch.Images, image)
		g.batch.Labels = append(g.batch.Labels, label)
	}
	return count
}
