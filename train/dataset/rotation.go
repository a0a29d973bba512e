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
	last := p.Width - 1
	out := &imaging.Picture{Width: p.Width, Height: p.Height, Pix: make([]byte, len(p.Pix))}
	for y := range p.Height {
		for x := range p.Width {
			toX, toY := last-y, x
			switch turns {
			case 2:
				toX, toY = last-x, last-y
			case 3:
				toX, toY = y, last-x
			}
			from, to := 3*(y*p.Width+x), 3*(toY*p.Width+toX)
			copy(out.Pix[to:to+3], p.Pix[from:from+3])
		}
	}
	return out, nil
}
