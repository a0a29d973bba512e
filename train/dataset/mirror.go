package dataset

import "siamese/imaging"

// mirror gives the picture with left and right exchanged.
func mirror(p *imaging.Picture) *imaging.Picture {
	out := &imaging.Picture{Width: p.Width, Height: p.Height, Pix: make([]byte, len(p.Pix))}
	stride := 3 * p.Width
	for row := 0; row < len(p.Pix); row += stride {
		for x := 0; x < stride; x += 3 {
			copy(out.Pix[row+stride-3-x:][:3], p.Pix[row+x:])
		}
	}
	return out
}
