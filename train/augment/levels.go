package augment

import (
	"siamese/imaging"
)

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

// invert subtracts every level from 255.
func invert(p *imaging.Picture, _ float64) *imaging.Picture {
	return toneOf(func(level int) int { return 255 - level }).apply(p)
}

// histogram counts the samples of one channel by level.
type histogram [256]int

func histogramOf(p *imaging.Picture, channel int) *histogram {
	var h histogram
	for i := channel; i < len(p.Pix); i += 3 {
		h[p.Pix[i]]++
	}
	return &h
}

// bounds returns the least and the greatest level that occur; 255, 0 for none.
func (h *histogram) bounds() (low, high int) {
	low, high = 255, 0
	for level, count := range h {
		if count > 0 {
			low, high = min(low, level), level
		}
	}
	return low, high
}

// byChannel gives each channel the tone that its own histogram asks for; nil leaves
// the channel as it is.
func byChannel(p *imaging.Picture, toneFor func(*histogram) *tone) *imaging.Picture {
	out := sizeOf(p).empty()
	copy(out.Pix, p.Pix)
	for channel := range 3 {
		t := toneFor(histogramOf(p, channel))
		if t == nil {
			continue
		}
		for i := channel; i < len(out.Pix); i += 3 {
			out.Pix[i] = t[out.Pix[i]]
		}
	}
	return out
}

// autoContrast stretches each channel to 0..255.
func autoContrast(p *imaging.Picture, _ float64) *imaging.Picture {
	return byChannel(p, func(h *histogram) *tone {
		low, high := h.bounds()
		if high <= low {
			return nil
		}
		scale := 255 / float64(high-low)
		offset := float64(-low) * scale
		return toneOf(func(level int) int {
			return min(max(int(float64(float64(level)*scale)+offset), 0), 255)
		})
	})
}

// equalize makes the levels of each channel about equally frequent.
func equalize(p *imaging.Picture, _ float64) *imaging.Picture {
	samples := p.Width * p.Height
	return byChannel(p, func(h *histogram) *tone {
		_, high := h.bounds()
		step := (samples - h[high]) / 255
		if step == 0 {
			return nil
		}
		sum := step / 2
		var t tone
		for level := range t {
			t[level] = byte(min(sum/step, 255))
			sum += h[level]
		}
		return &t
	})
}

// blend goes from the plain picture, at factor 0, through the picture itself, at 1,
// and beyond, in Pillow's float32: fractions of a level are cut off.
func blend(plain, p *imaging.Picture, factor float64) *imaging.Picture {
	out := sizeOf(p).empty()
	share := float32(factor)
	for i, v := range p.Pix {
		from := float32(plain.Pix[i])
		level := from + float32(share*(float32(v)-from))
		out.Pix[i] = byte(min(max(level, 0), 255))
	}
	return out
}

// color changes the saturation: 0 is grey, 1 the picture itself.
func color(p *imaging.Picture, factor float64) *imaging.Picture {
	plain := sizeOf(p).empty()
	for i := 0; i < len(p.Pix); i += 3 {
		level := luma(p.Pix[i:])
		plain.Pix[i], plain.Pix[i+1], plain.Pix[i+2] = level, level, level
	}
	return blend(plain, p, factor)
}

// contrast changes the distance to the picture's mean grey: 0 is that grey.
func contrast(p *imaging.Picture, factor float64) *imaging.Picture {
	sum := 0
	for i := 0; i < len(p.Pix); i += 3 {
		sum += int(luma(p.Pix[i:]))
	}
	mean := float64(sum) / float64(p.Width*p.Height)
	return blend(sizeOf(p).fill(byte(mean+0.5)), p, factor)
}

// sharpness changes the distance to a smoothed picture: 0 is the smoothed one.
func sharpness(p *imaging.Picture, factor float64) *imaging.Picture {
	return blend(smooth(p), p, factor)
}

// luma is Pillow's conversion to grey, ITU-R 601 in 16 bits.
func luma(rgb []byte) byte {
	const red, green, blue, half = 19595, 38470, 7471, 1 << 15
	return byte((int(rgb[0])*red + int(rgb[1])*green + int(rgb[2])*blue + half) >> 16)
}

// smooth is Pillow's filter SMOOTH: the pixel five times and its eight neighbours
// once, of 13, in float32 and Pillow's order. The outermost pixels stay.
func smooth(p *imaging.Picture) *imaging.Picture {
	const one, five = float32(1) / 13, float32(5) / 13
	out := sizeOf(p).empty()
	copy(out.Pix, p.Pix)
	stride := p.Width * 3
	row := func(at int, middle float32) float32 {
		return float32(float32(p.Pix[at-3])*one) + float32(float32(p.Pix[at])*middle) + float32(float32(p.Pix[at+3])*one)
	}
	for y := 1; y < p.Height-1; y++ {
		for at := y*stride + 3; at < (y+1)*stride-3; at++ {
			sum := 0.5 + row(at+stride, one)
			sum += row(at, five)
			sum += row(at-stride, one)
			out.Pix[at] = byte(min(max(sum, 0), 255))
		}
	}
	return out
}
