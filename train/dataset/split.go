package dataset

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// SplitBy says what is held out whole.
type SplitBy int

const (
	// ByImage holds out single images, as the network's original trainer does:
	// most classes are then in both parts.
	ByImage SplitBy = iota
	// ByClass holds out classes, which training so never sees.
	ByClass
	// ByAlphabet holds out alphabets with all their classes.
	ByAlphabet
)

var splitNames = []string{"image", "class", "alphabet"}

// ParseSplitBy reads "image", "class" or "alphabet".
func ParseSplitBy(name string) (SplitBy, error) {
	i := slices.Index(splitNames, name)
	if i < 0 {
		return 0, fmt.Errorf("dataset: split is %q, expected one of %q", name, splitNames)
	}
	return SplitBy(i), nil
}

// String names the choice as ParseSplitBy reads it.
func (b SplitBy) String() string {
	if b < 0 || int(b) >= len(splitNames) {
		return fmt.Sprintf("SplitBy(%d)", int(b))
	}
	return splitNames[b]
}

// DefaultFraction is the share held out where a Split says nothing.
const DefaultFraction = 0.1

// splitStream sets the random numbers of a split apart from those that other
// parts of a run draw from the same seed.
const splitStream = 0x73706c6974 // "split"

// Split says how a dataset is parted. At most one of Fraction, HoldOut, Names and Folds
// is set.
type Split struct {
	By       SplitBy  // zero = ByImage
	Fraction float64  // share of images, classes or alphabets held out, between 0 and 1; 0 = DefaultFraction
	HoldOut  int      // number of classes or alphabets held out instead; not with ByImage
	Names    []string // classes or alphabets held out, by name; by class also kinds and domains; not with ByImage
	Seed     uint64   // the same seed gives the same parts

	// Folds cuts the classes or alphabets, in the order of chance, into this many parts as
	// equal as possible, of which the one numbered Fold, from 1, is held out: over all
	// folds each is held out once. The first fold holds out what HoldOut of its size does.
	// 0: none.
	Folds, Fold int
}

// Validate reports the first field that is out of range or contradicts another.
func (s Split) Validate() error {
	if s.By < ByImage || s.By > ByAlphabet {
		return fmt.Errorf("dataset: By is %d, expected ByImage, ByClass or ByAlphabet", s.By)
	}
	// Written so that a NaN is refused too.
	if !(s.Fraction >= 0 && s.Fraction < 1) {
		return fmt.Errorf("dataset: Fraction is %v, expected 0 (the default) to below 1", s.Fraction)
	}
	if s.HoldOut < 0 {
		return fmt.Errorf("dataset: HoldOut is %d, expected 0 (unset) or more", s.HoldOut)
	}
	counted, named := s.HoldOut > 0, len(s.Names) > 0
	if s.By == ByImage && (counted || named) {
		return errors.New("dataset: HoldOut or Names is set with ByImage, expected ByClass or ByAlphabet")
	}
	if (counted && named) || (s.Fraction > 0 && (counted || named)) {
		return errors.New("dataset: several of Fraction, HoldOut and Names are set, expected one")
	}
	return s.validateFolds()
}

func (s Split) validateFolds() error {
	switch {
	case s.Folds == 0 && s.Fold == 0:
		return nil
	case s.Folds < 2:
		return fmt.Errorf("dataset: Folds is %d, expected 2 or more", s.Folds)
	case s.Fold < 1 || s.Fold > s.Folds:
		return fmt.Errorf("dataset: Fold is %d of %d, expected 1 to %d", s.Fold, s.Folds, s.Folds)
	case s.By == ByImage:
		return errors.New("dataset: Folds is set with ByImage, expected ByClass or ByAlphabet")
	case s.Fraction > 0 || s.HoldOut > 0 || len(s.Names) > 0:
		return errors.New("dataset: Folds is set beside Fraction, HoldOut or Names, expected one")
	}
	return nil
}

// Split parts the dataset in one to learn from and one to validate on; no image is
// in both. By image the parts have the sizes that the original trainer gives
// them; by class a fraction holds out at least the two classes that a comparison
// needs. Where a part that is drawn so has no pairs, as of few images it may, others are
// held out: by image at least two images of one class and one of another, of which as
// many as can stay to be learnt from; by class or alphabet as many as before, or by a
// fraction the fewest more that do; not of folds, which hold out each once. Both parts must be datasets in their own right:
// ErrNoImages, ErrTooFewClasses and ErrNoPairs say that no choice makes them so, and
// which is not. ErrNoAlphabets and
// ErrUnknownName say that there is nothing of the kind to hold out. A dataset with
// turned or mirrored classes is refused with ErrRotated, since turns of one drawing
// would lie on both sides.
func (d *Dataset) Split(s Split) (train, validation *Dataset, err error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	if d.rotated() {
		return nil, nil, fmt.Errorf("dataset: split: %w", ErrRotated)
	}
	held, err := d.heldOut(s)
	if err != nil {
		return nil, nil, fmt.Errorf("dataset: split by %v: %w", s.By, err)
	}
	train, validation, err = d.parts(held)
	if err != nil && len(s.Names) == 0 && s.Folds == 0 {
		for other := range d.otherChoices(s) {
			if train, validation, otherErr := d.parts(other); otherErr == nil {
				return train, validation, nil
			}
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("dataset: split by %v: %w", s.By, err)
	}
	return train, validation, nil
}

// parts parts the dataset; each part must be one.
func (d *Dataset) parts(held choice) (train, validation *Dataset, err error) {
	train = d.part(func(c Class, i Image) bool { return !held(c, i) })
	if err := train.enough(); err != nil {
		return nil, nil, fmt.Errorf("the training part: %w", err)
	}
	validation = d.part(held)
	if err := validation.enough(); err != nil {
		return nil, nil, fmt.Errorf("the validation part: %w", err)
	}
	return train, validation, nil
}

// choice says which images are held out.
type choice = func(Class, Image) bool

// part keeps the images that are wanted and the classes that have any.
func (d *Dataset) part(wanted func(Class, Image) bool) *Dataset {
	part := d.like()
	for _, class := range d.classes {
		kept := class
		kept.Images = nil
		for _, image := range class.Images {
			if wanted(class, image) {
				kept.Images = append(kept.Images, image)
			}
		}
		if len(kept.Images) > 0 {
			part.classes = append(part.classes, kept)
		}
	}
	return part
}

// heldOut decides which images go to the validation part.
func (d *Dataset) heldOut(s Split) (choice, error) {
	switch s.By {
	case ByClass:
		if len(s.Names) > 0 {
			return d.named(s.Names)
		}
		// A part of one class has no different pairs.
		chosen, err := s.choose(d.classNames(), 2)
		return func(c Class, _ Image) bool { return chosen[c.Name] }, err
	case ByAlphabet:
		alphabets := d.Alphabets()
		if len(alphabets) == 0 {
			return nil, ErrNoAlphabets
		}
		chosen, err := s.choose(alphabets, 1)
		return func(c Class, _ Image) bool { return chosen[c.Alphabet] }, err
	default:
		chosen := s.chooseImages(d.classes)
		return func(_ Class, i Image) bool { return chosen[i] }, nil
	}
}

// named holds out the classes that have one of the names, or lie below it.
func (d *Dataset) named(names []string) (choice, error) {
	chosen := map[string]bool{}
	for _, name := range names {
		found := false
		for _, class := range d.classes {
			if class.Name == name || strings.HasPrefix(class.Name, name+"/") {
				chosen[class.Name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("%w: received %q, expected one of %d classes such as %q, or a folder around it", ErrUnknownName, name, len(d.classes), d.classes[0].Name)
		}
	}
	return func(c Class, _ Image) bool { return chosen[c.Name] }, nil
}

func (d *Dataset) classNames() []string {
	names := make([]string, 0, len(d.classes))
	for _, class := range d.classes {
		names = append(names, class.Name)
	}
	return names
}

// chooseImages shuffles all images and holds out the end, whose length is
// rounded as in the original trainer: the training part has ⌊(1-fraction)·N⌋.
func (s Split) chooseImages(classes []Class) map[Image]bool {
	var images []Image
	for _, class := range classes {
		images = append(images, class.Images...)
	}
	s.shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
	chosen := map[Image]bool{}
	for _, image := range images[int((1-s.fraction())*float64(len(images))):] {
		chosen[image] = true
	}
	return chosen
}

// choose picks names to hold out; a fraction picks at least atLeast.
func (s Split) choose(all []string, atLeast int) (map[string]bool, error) {
	if len(s.Names) > 0 {
		return chooseNamed(s.Names, all)
	}
	if s.Folds > 0 {
		return s.chooseFold(all)
	}
	count := s.count(len(all), atLeast)
	if count >= len(all) {
		return nil, fmt.Errorf("%w: %d of %d would be, expected at least one to learn from", ErrHoldOut, count, len(all))
	}
	return setOf(s.shuffled(all)[:count]), nil
}

// chooseFold picks the names of a fold.
func (s Split) chooseFold(all []string) (map[string]bool, error) {
	if s.Folds > len(all) {
		return nil, fmt.Errorf("%w: received %d folds of %d, expected at most one for each", ErrHoldOut, s.Folds, len(all))
	}
	begin, end := (s.Fold-1)*len(all)/s.Folds, s.Fold*len(all)/s.Folds
	return setOf(s.shuffled(all)[begin:end]), nil
}

// count is how many of all names are held out; a fraction holds out at least atLeast.
func (s Split) count(all, atLeast int) int {
	if s.HoldOut > 0 {
		return s.HoldOut
	}
	return max(atLeast, int(math.Round(s.fraction()*float64(all))))
}

func (s Split) shuffled(names []string) []string {
	names = slices.Clone(names)
	s.shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

func chooseNamed(wanted, all []string) (map[string]bool, error) {
	for _, name := range wanted {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("%w: received %q, expected one of %d such as %q", ErrUnknownName, name, len(all), all[0])
		}
	}
	return setOf(wanted), nil
}

func (s Split) fraction() float64 {
	if s.Fraction == 0 {
		return DefaultFraction
	}
	return s.Fraction
}

func (s Split) shuffle(n int, swap func(i, j int)) {
	rand.New(rand.NewPCG(s.Seed, splitStream)).Shuffle(n, swap)
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}
