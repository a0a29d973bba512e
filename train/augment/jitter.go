package augment

import (
	"math"
	"math/rand/v2"

	"siamese/imaging"
)

// The ranges of the original trainer's second way.
const (
	aspectJitter   = 0.3 // the aspect changes by U(1-j,1+j)/U(1-j,1+j)
	minJitterScale = 0.75
	maxJitterScale = 1.5
	turnDegrees    = 15 // whole degrees from -15 to 14
	hueGain        = 0.1
	saturationGain = 0.7
	valueGain      = 0.3
)

// jitter is the augmenter "jitter".
type jitter struct{ sized }

func (j *jitter) Apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	d := j.draw(random, sizeOf(p))
	p = placed(p.Resize(d.scaled.width, d.scaled.height, imaging.Bicubic), j.output, d.x, d.y)
	if d.flip {
		p = flip(p)
	}
	if d.degrees != 0 {
		p = turn(p, d.degrees)
	}
	return d.gains.apply(p)
}

// jitterDraw is all that chance decides.
type jitterDraw struct {
	scaled  size // of the picture before it is placed
	x, y    int  // of its top left corner on the output
	flip    bool
	degrees float64
	gains   gains
}

// draw keeps the original's order.
func (j *jitter) draw(random *rand.Rand, s size) jitterDraw {
	var d jitterDraw
	d.scaled = j.drawScaled(random, s)
	d.x = int(uniform(random, 0, float64(j.output.width-d.scaled.width)))
	d.y = int(uniform(random, 0, float64(j.output.height-d.scaled.height)))
	d.flip = chance(random, 0.5)
	if chance(random, 0.5) {
		d.degrees = float64(random.IntN(2*turnDegrees) - turnDegrees)
	}
	d.gains = gains{
		hue:        1 + uniform(random, -hueGain, hueGain),
		saturation: 1 + uniform(random, -saturationGain, saturationGain),
		value:      1 + uniform(random, -valueGain, valueGain),
	}
	return d
}

// drawScaled gives the longer side of the picture a share of the output's.
func (j *jitter) drawScaled(random *rand.Rand, s size) size {
	aspect := float64(s.width) / float64(s.height)
	aspect *= uniform(random, 1-aspectJitter, 1+aspectJitter) / uniform(random, 1-aspectJitter, 1+aspectJitter)
	scale := uniform(random, minJitterScale, maxJitterScale)
	var to size
	if aspect < 1 {
		to.height = int(scale * float64(j.output.height))
		to.width = int(float64(to.height) * aspect)
	} else {
		to.width = int(scale * float64(j.output.width))
		to.height = int(float64(to.width) / aspect)
	}
	return size{width: max(1, to.width), height: max(1, to.height)} // the original fails at 0
}

// placed lays the picture on grey, its top left corner at x, y, which may lie
// outside.
func placed(p *imaging.Picture, output size, x, y int) *imaging.Picture {
	out := output.fill(grey)
	left, right := max(0, x), min(output.width, x+p.Width)
	if left >= right {
		return out
	}
	for row := max(0, y); row < min(output.height, y+p.Height); row++ {
		from := ((row-y)*p.Width + left - x) * 3
		copy(out.Pix[(row*output.width+left)*3:(row*output.width+right)*3], p.Pix[from:])
	}
	return out
}

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
