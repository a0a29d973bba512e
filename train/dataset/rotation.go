package dataset

import (
	"context"
	"fmt"
	"slices"

	"siamese/imaging"
)

// quarters is how many quarter turns lead back.
const quarters = 4

// Rotations returns a dataset in which each class comes four times: upright, and
// turned clockwise as "Name@90", "Name@180" and "Name@270", as classes of their
// own in the same alphabet. It is Variants without mirrors, and fails as that does.
func (d *Dataset) Rotations() (*Dataset, error) {
	return d.Variants(context.Background(), VariantsConfig{Rotations: true})
}

func (d *Dataset) rotated() bool {
	return slices.ContainsFunc(d.classes, func(c Class) bool { return c.Images[0].Turns != 0 || c.Images[0].Mirrored })
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
