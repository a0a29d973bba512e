package augment

import "siamese/imaging"

// thicken widens dark strokes on light paper: each sample becomes the least of the
// square of 2·radius+1 pixels around it, as Pillow's MinFilter does.
func thicken(p *imaging.Picture, radius int) *imaging.Picture {
	return &imaging.Picture{Width: p.Width, Height: p.Height, Pix: spread(p.Pix, p.Width, 3, radius)}
}

// thin narrows dark strokes on light paper, by the greatest of the square, as
// Pillow's MaxFilter does.
func thin(p *imaging.Picture, radius int) *imaging.Picture {
	return &imaging.Picture{Width: p.Width, Height: p.Height, Pix: spread(p.Pix, p.Width, 3, -radius)}
}

// spread picks the least along rows and then along columns, of a picture of so many
// channels; the greatest where the radius is negative. Beyond the edge nothing takes
// part, which gives the same as repeating the edge.
func spread(pix []byte, width, channels, radius int) []byte {
	pick := least
	if radius < 0 {
		pick, radius = greatest, -radius
	}
	stride := width * channels
	across, out := make([]byte, len(pix)), make([]byte, len(pix))
	for row := 0; row < len(pix); row += stride {
		extreme(across[row:row+stride], pix[row:row+stride], radius, channels, pick)
	}
	extreme(out, across, radius, stride, pick)
	return out
}

func least(to, from []byte) {
	to = to[:len(from)]
	for i, v := range from {
		to[i] = min(to[i], v)
	}
}

func greatest(to, from []byte) {
	to = to[:len(from)]
	for i, v := range from {
		to[i] = max(to[i], v)
	}
}

// extreme runs along one axis, on which samples step apart are neighbours: it lays
// the samples over themselves, moved either way by each distance.
func extreme(to, from []byte, radius, step int, pick func(to, from []byte)) {
	copy(to, from)
	for shift := step; shift <= radius*step && shift < len(from); shift += step {
		pick(to[shift:], from[:len(from)-shift])
		pick(to[:len(from)-shift], from[shift:])
	}
}
