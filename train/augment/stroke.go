package augment

import "siamese/imaging"

// thicken widens dark strokes on light paper: each sample becomes the least of the
// square of 2·radius+1 pixels around it, as Pillow's MinFilter does.
func thicken(p *imaging.Picture, radius int) *imaging.Picture {
	return spread(p, radius, func(to, from []byte) {
		for i, v := range from {
			to[i] = min(to[i], v)
		}
	})
}

// thin narrows dark strokes on light paper, by the greatest of the square, as
// Pillow's MaxFilter does.
func thin(p *imaging.Picture, radius int) *imaging.Picture {
	return spread(p, radius, func(to, from []byte) {
		for i, v := range from {
			to[i] = max(to[i], v)
		}
	})
}

// spread picks the extreme along rows and then along columns; beyond the edge
// nothing takes part, which gives the same as repeating the edge.
func spread(p *imaging.Picture, radius int, pick func(to, from []byte)) *imaging.Picture {
	stride := p.Width * 3
	across, out := sizeOf(p).empty(), sizeOf(p).empty()
	for row := 0; row < len(p.Pix); row += stride {
		extreme(across.Pix[row:row+stride], p.Pix[row:row+stride], radius, 3, pick)
	}
	extreme(out.Pix, across.Pix, radius, stride, pick)
	return out
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
