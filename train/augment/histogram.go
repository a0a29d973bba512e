package augment

import "siamese/imaging"

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
