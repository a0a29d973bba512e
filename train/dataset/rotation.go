package dataset

import (
	"fmt"
	"slices"
	"strings"

	"siamese/imaging"
)

// quarters is the number of classes that Rotations makes of one.
const quarters = 4

// Rotations returns a dataset in which each class comes four times: upright, and
// turned clockwise as "Name@90", "Name@180" and "Name@270", as classes of their
// own in the same alphabet. It is meant for the training part of a Split.
//
// It fails with ErrNotSquare where the network's input is not square, and with
// ErrRotated where classes are turned already or a class has such a name.
func (d *Dataset) Rotations() (*Dataset, error) {
	if c := d.preparer.Config(); c.Width != c.Height {
		return nil, fmt.Errorf("dataset: rotations: %w: received %dx%d", ErrNotSquare, c.Width, c.Height)
	}
	if d.rotated() {
		return nil, fmt.Errorf("dataset: rotations: %w", ErrRotated)
	}
	classes := make([]Class, 0, quarters*len(d.classes))
	for _, class := range d.classes {
		for turns := range quarters {
			classes = append(classes, class.turned(turns))
		}
	}
	slices.SortFunc(classes, func(a, b Class) int { return strings.Compare(a.Name, b.Name) })
	for i := range classes[1:] {
		if classes[i].Name == classes[i+1].Name {
			return nil, fmt.Errorf("dataset: rotations: %w: class %q", ErrRotated, classes[i].Name)
		}
	}
	return &Dataset{preparer: d.preparer, source: d.source, classes: classes}, nil
}

func (d *Dataset) rotated() bool {
	return slices.ContainsFunc(d.classes, func(c Class) bool { return c.Images[0].Turns != 0 })
}

// turned copies the class with all its images turned.
func (c Class) turned(turns int) Class {
	if turns == 0 {
		return c
	}
	images := slices.Clone(c.Images)
	for i := range images {
		images[i].Turns = turns
	}
	return Class{Name: fmt.Sprintf("%s@%d", c.Name, 90*turns), Alphabet: c.Alphabet, Images: images}
}

// turn gives the picture after quarter turns clockwise.
func turn(p *imaging.Picture, turns int) (*imaging.Picture, error) {
	turns &= quarters - 1
	if turns == 0 {
		return p, nil
	}
	if p.Width != p.Height {
		return nil, fmt.Errorf("%w: received %dx%d", ErrNotSquare, p.Width, p.Height)
	}
	return &imaging.Picture{Width: p.Width, Height: p.Height, Pix: turnPixels(p.Pix, p.Width, 3, turns)}, nil
}
