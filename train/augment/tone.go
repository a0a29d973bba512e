package augment

import "siamese/imaging"

// tone gives each level another one.
type tone [256]byte

// apply replaces every sample of all three channels.
func (t *tone) apply(p *imaging.Picture) *imaging.Picture {
	out := sizeOf(p).empty()
	for i, v := range p.Pix {
		out.Pix[i] = t[v]
	}
	return out
}

// toneOf tabulates a function of levels.
func toneOf(f func(level int) int) *tone {
	var t tone
	for level := range t {
		t[level] = byte(f(level))
	}
	return &t
}

// posterize keeps the given number of high bits, 1 to 8.
func posterize(p *imaging.Picture, bits float64) *imaging.Picture {
	mask := -1 << (8 - int(bits))
	return toneOf(func(level int) int { return level & mask }).apply(p)
}

// solarize inverts the levels from the threshold on.
func solarize(p *imaging.Picture, threshold float64) *imaging.Picture {
	return toneOf(func(level int) int {
		if float64(level) < threshold {
			return level
		}
		return 255 - level
	}).apply(p)
}

// invert turns every level round.
func invert(p *imaging.Picture, _ float64) *imaging.Picture {
	return toneOf(func(level int) int { return 255 - level }).apply(p)
}
