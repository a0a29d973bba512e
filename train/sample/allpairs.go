package sample

import (
	"fmt"
	"iter"

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
}

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
	return nil
}

// allPairs compares all images of a batch with each other.
type allPairs struct {
	draws
	pool
	images   int
	perClass int
	share    float64
}

// NewAllPairs returns a sampler whose batches have every pair i < j among their
// images: 2,016 pairs of 64 images. A batch takes PerClass images from each of
// Images/PerClass classes. Most classes are of one alphabet, drawn anew for each
// batch by its number of classes, since characters of one alphabet are the hard
// ones to tell apart; the others come from any. In one's own layout, which has no
// alphabets, classes are drawn uniformly.
//
// A class with fewer images brings all it has, none twice, and further classes
// fill the batch, the last one with less than PerClass where it must. Where there
// are fewer classes than a batch wants, each brings more; a batch is smaller than
// Images only where that is not enough either. Each batch has a class of two
// images or more, and two classes.
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
	}, nil
}

// Next draws a batch of at most Images images.
func (s *allPairs) Next() Batch {
	g := s.gather()
	left := s.images
	for class := range s.order() {
		take := min(s.perClass, s.size(class), left)
		for _, image := range s.distinct(s.size(class), take) {
			g.add(class, image)
		}
		if left -= take; left == 0 {
			break
		}
	}
	for a := range g.batch.Images {
		for b := a + 1; b < len(g.batch.Images); b++ {
			g.pair(int32(a), int32(b))
		}
	}
	return g.batch
}

// order yields every class once, at any point as many of one alphabet as its
// share asks for. The first class is pairable, so that no batch is all different.
// It may be ranged over once.
func (s *allPairs) order() iter.Seq[int] {
	first := s.pairable[s.IntN(len(s.pairable))]
	main, others := s.shuffledBeside(first)
	return func(yield func(int) bool) {
		if !yield(first) {
			return
		}
		fromMain := 1
		for drawn := 1; len(main)+len(others) > 0; drawn++ {
			from := &others
			if len(others) == 0 || (len(main) > 0 && float64(fromMain) < s.share*float64(drawn+1)) {
				from = &main
				fromMain++
			}
			class := (*from)[0]
			*from = (*from)[1:]
			if !yield(class) {
				return
			}
		}
	}
}

// shuffledBeside lists all classes but the first: those of its alphabet and the
// others, each in random order.
func (s *allPairs) shuffledBeside(first int) (main, others []int) {
	for _, class := range s.Perm(len(s.classes)) {
		switch {
		case class == first:
		case s.classes[class].Alphabet == s.classes[first].Alphabet:
			main = append(main, class)
		default:
			others = append(others, class)
		}
	}
	return main, others
}
