package augment

import (
	"math"

	"siamese/imaging"
)

// gains multiply hue, saturation and value; 1 leaves them.
type gains struct{ hue, saturation, value float64 }

// apply does what the original does with OpenCV's 8-bit HSV (hue 0..179, a circle;
// saturation and value 0..255): convert, look each channel up in the table of its
// gain, convert back.
func (g gains) apply(p *imaging.Picture) *imaging.Picture {
	hues := toneOf(func(level int) int { return int(math.Mod(float64(level)*g.hue, hueRange)) })
	saturations := toneOf(func(level int) int { return min(int(float64(level)*g.saturation), 255) })
	values := toneOf(func(level int) int { return min(int(float64(level)*g.value), 255) })
	out := sizeOf(p).empty()
	for i := 0; i < len(p.Pix); i += 3 {
		hue, saturation, value := hsvOf(p.Pix[i], p.Pix[i+1], p.Pix[i+2])
		rgb := rgbOf(hues[hue], saturations[saturation], values[value])
		copy(out.Pix[i:i+3], rgb[:])
	}
	return out
}

const (
	hueRange = 180 // two degrees a step, so that a hue fits a byte
	hsvBits  = 12  // of fraction in the tables of reciprocals
	hsvHalf  = 1 << (hsvBits - 1)
)

// The reciprocals by which OpenCV divides.
var (
	saturationBy = reciprocals(255)
	hueBy        = reciprocals(hueRange / 6.)
)

func reciprocals(of float64) (table [256]int) {
	for i := 1; i < len(table); i++ {
		table[i] = int(math.RoundToEven(of * (1 << hsvBits) / float64(i)))
	}
	return table
}

// hsvOf converts a pixel to OpenCV's HSV, in its whole-number arithmetic.
func hsvOf(red, green, blue byte) (hue, saturation, value byte) {
	r, g, b := int(red), int(green), int(blue)
	high := max(r, g, b)
	span := high - min(r, g, b)
	var h int
	switch high {
	case r:
		h = g - b
	case g:
		h = b - r + 2*span
	default:
		h = r - g + 4*span
	}
	h = (h*hueBy[span] + hsvHalf) >> hsvBits
	if h < 0 {
		h += hueRange
	}
	return byte(h), byte((span*saturationBy[high] + hsvHalf) >> hsvBits), byte(high)
}

// rgbOf converts back as OpenCV's vectorised code does: in float32, with fractions
// of a level cut off. (What is left of a row after its last full vector, OpenCV
// rounds to the nearest level.)
func rgbOf(hue, saturation, value byte) [3]byte {
	const unit = float32(1) / 255
	h := float32(hue) * (float32(6) / hueRange)
	s, v := float32(saturation)*unit, float32(value)*unit
	sector := int(h)
	h -= float32(sector)
	low := toByte(v * (1 - s))
	falling := toByte(v * (1 - float32(s*h)))
	rising := toByte(v * (1 - float32(s*(1-h))))
	high := toByte(v)
	switch sector % 6 {
	case 0:
		return [3]byte{high, rising, low}
	case 1:
		return [3]byte{falling, high, low}
	case 2:
		return [3]byte{low, high, rising}
	case 3:
		return [3]byte{low, falling, high}
	case 4:
		return [3]byte{rising, low, high}
	}
	return [3]byte{high, low, falling}
}

// toByte turns 0..1 into 0..255.
func toByte(share float32) byte {
	return byte(share * 255)
}
