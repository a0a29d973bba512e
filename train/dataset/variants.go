package dataset

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// VariantsConfig says which further classes Variants makes of each class.
type VariantsConfig struct {
	Rotations bool // its quarter turns
	Mirrors   bool // its mirror image; with Rotations that one's quarter turns, too
	// Distinct leaves out what looks like a class of the same alphabet, be it one
	// of the data or one made before: a turned circle is no other character, and a
	// turned b may be a q. It decodes some images of each class.
	Distinct bool
}

// quarters is how many quarter turns lead back.
const quarters = 4

// variant is a way to turn and mirror: its index among the eight is turns, plus
// quarters where mirrored. Index 0 is the drawing as it is.
type variant int

// allVariants is how many ways there are to turn and mirror.
const allVariants = 2 * quarters

func (v variant) turns() int     { return int(v) % quarters }
func (v variant) mirrored() bool { return v >= quarters }

// suffix ends the name of a class that is made by the variant.
func (v variant) suffix() string {
	switch {
	case v == 0:
		return ""
	case !v.mirrored():
		return fmt.Sprintf("@%d", 90*v.turns())
	case v.turns() == 0:
		return "@mirror"
	}
	return fmt.Sprintf("@mirror%d", 90*v.turns())
}

// beside gives the variant u for which v of a drawing looks like w of another one
// exactly where u of the first looks like the second as it is.
func (v variant) beside(w variant) variant {
	if w.mirrored() { // a mirror swaps the sense of turning
		return (variant(w.turns()-v.turns()) & (quarters - 1)) + quarters - v/quarters*quarters
	}
	return (variant(v.turns()-w.turns()) & (quarters - 1)) + v/quarters*quarters
}

// Variants returns a dataset with further classes of the same alphabets: turned
// clockwise as "Name@90", "Name@180" and "Name@270", mirrored left to right as
// "Name@mirror", and mirrored and then turned as "Name@mirror90" and so on. It is
// meant for the training part of a Split.
//
// It fails with ErrNotSquare where classes are to be turned and the network's
// input is not square, with ErrRotated where classes are turned or mirrored
// already or a class has such a name, and with Distinct as Picture does, or when
// ctx ends.
func (d *Dataset) Variants(ctx context.Context, cfg VariantsConfig) (*Dataset, error) {
	if c := d.preparer.Config(); (cfg.Rotations || cfg.Distinct) && c.Width != c.Height {
		return nil, fmt.Errorf("dataset: variants: %w: received %dx%d", ErrNotSquare, c.Width, c.Height)
	}
	if d.rotated() {
		return nil, fmt.Errorf("dataset: variants: %w", ErrRotated)
	}
	variants := cfg.variants()
	lookalikes := make([]uint8, len(d.classes))
	if cfg.Distinct {
		var err error
		if lookalikes, err = d.lookalikes(ctx, variants); err != nil {
			return nil, fmt.Errorf("dataset: variants: %w", err)
		}
	}
	classes := slices.Clone(d.classes)
	for i, class := range d.classes {
		for _, v := range variants {
			if lookalikes[i]>>v&1 == 0 {
				classes = append(classes, class.made(v))
			}
		}
	}
	slices.SortFunc(classes, func(a, b Class) int { return strings.Compare(a.Name, b.Name) })
	for i := range classes[1:] {
		if classes[i].Name == classes[i+1].Name {
			return nil, fmt.Errorf("dataset: variants: %w: class %q", ErrRotated, classes[i].Name)
		}
	}
	turned := d.like()
	turned.classes = classes
	return turned, nil
}

// PerClass returns how many classes Variants makes of one, itself included, where
// it leaves none out: 1 to 8.
func (c VariantsConfig) PerClass() int {
	return 1 + len(c.variants())
}

// variants lists what is made, beside the class itself.
func (c VariantsConfig) variants() []variant {
	var list []variant
	for v := variant(1); v < allVariants; v++ {
		if (v.turns() == 0 || c.Rotations) && (!v.mirrored() || c.Mirrors) {
			list = append(list, v)
		}
	}
	return list
}

// made copies the class with all its images turned and mirrored.
func (c Class) made(v variant) Class {
	images := slices.Clone(c.Images)
	for i := range images {
		images[i].Turns, images[i].Mirrored = v.turns(), v.mirrored()
	}
	return Class{Name: c.Name + v.suffix(), Alphabet: c.Alphabet, Domain: c.Domain, Images: images}
}

// rotated reports whether a class is turned or mirrored.
func (d *Dataset) rotated() bool {
	return slices.ContainsFunc(d.classes, func(c Class) bool { return c.Images[0].Turns != 0 || c.Images[0].Mirrored })
}
