package augment

import "siamese/imaging"

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

// brightness changes the distance to black: 0 is black.
func brightness(p *imaging.Picture, factor float64) *imaging.Picture {
	return blend(sizeOf(p).empty(), p, factor)
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
