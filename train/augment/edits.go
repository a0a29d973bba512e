package augment

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"siamese/imaging"
)

// EditsConfig says how the augmenter "edits" copies a picture as people do who pass
// pictures on. Probabilities are 0 to 1, each drawn by itself.
type EditsConfig struct {
	// Strength multiplies all probabilities. 0 = 1; at most 2.
	Strength float64
	// LeastArea is the smallest share of the picture's area that a crop keeps, above 0
	// to 1. 0 = DefaultLeastArea.
	LeastArea float64
	// RotationDegrees is the largest angle, 0 to 45. 0 = DefaultRotation; below 0 = none.
	RotationDegrees float64
	// LeastQuality is the lowest JPEG quality, 1 to 100. 0 = DefaultLeastQuality.
	LeastQuality int
	// Mirror allows mirror images, for half of the copies. Not for text and characters,
	// where the mirror image is another thing.
	Mirror bool
}

// The values that hold where a field of EditsConfig is zero: Copydays' hardest crop and
// quality (M. Douze et al., Evaluation of GIST descriptors for web-scale image search,
// 2009), and as far as a picture is turned by hand.
const (
	DefaultLeastArea    = 0.2
	DefaultRotation     = 20.0
	DefaultLeastQuality = 3
)

// withDefaults fills in the zero fields.
func (c EditsConfig) withDefaults() EditsConfig {
	if c.Strength == 0 {
		c.Strength = 1
	}
	if c.LeastArea == 0 {
		c.LeastArea = DefaultLeastArea
	}
	if c.RotationDegrees == 0 {
		c.RotationDegrees = DefaultRotation
	}
	if c.LeastQuality == 0 {
		c.LeastQuality = DefaultLeastQuality
	}
	return c
}

// Validate reports the first field that is out of range.
func (c EditsConfig) Validate() error {
	c = c.withDefaults()
	if !(c.Strength > 0 && c.Strength <= 2) {
		return fmt.Errorf("augment: Strength is %v, expected 0 (the default) to 2", c.Strength)
	}
	if !(c.LeastArea > 0 && c.LeastArea <= 1) {
		return fmt.Errorf("augment: LeastArea is %v, expected 0 (the default) to 1", c.LeastArea)
	}
	if !(c.RotationDegrees <= 45) {
		return fmt.Errorf("augment: RotationDegrees is %v, expected 0 (the default) to 45, or below 0 for none", c.RotationDegrees)
	}
	if c.LeastQuality < 1 || c.LeastQuality > 100 {
		return fmt.Errorf("augment: LeastQuality is %d, expected 0 (the default) to 100", c.LeastQuality)
	}
	return nil
}

// edits is the augmenter "edits".
type edits struct {
	sized
	config EditsConfig
}

// The probabilities of the edits at strength 1. About one copy in eight is the picture
// as it is, but for its frame.
const (
	mirrorShare     = 0.5 // where allowed
	cropShare       = 0.6
	rotationShare   = 0.25
	lightShare      = 0.4
	grayShare       = 0.1
	blurShare       = 0.15
	noiseShare      = 0.1
	stickerShare    = 0.15
	textShare       = 0.15
	borderShare     = 0.12
	screenshotShare = 0.08
	jpegShare       = 0.5
)

// Apply edits p in the order in which it happens to pictures: taken differently, made
// up, framed, and saved.
func (a *edits) Apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	c := a.config
	happens := func(share float64) bool { return chance(random, min(share*c.Strength, 1)) }
	if c.Mirror && chance(random, mirrorShare) {
		p = flip(p)
	}
	if c.RotationDegrees > 0 && happens(rotationShare) {
		p = Turned(p, uniform(random, -c.RotationDegrees, c.RotationDegrees))
	}
	p = a.framed(random, p, happens(cropShare))
	if happens(lightShare) {
		p = relit(random, p)
	}
	if happens(grayShare) {
		p = color(p, 0)
	}
	if happens(blurShare) {
		p = Blurred(p, uniform(random, 0.5, 2.5))
	}
	if happens(noiseShare) {
		p = noisy(random, p, uniform(random, 2, 16))
	}
	p = decorated(random, p, happens)
	if happens(jpegShare) {
		p = SavedAsJPEG(p, drawQuality(random, c.LeastQuality))
	}
	return p
}

// framed brings the picture to the output's size: all of it, or a crop.
func (a *edits) framed(random *rand.Rand, p *imaging.Picture, crop bool) *imaging.Picture {
	box := image.Rect(0, 0, p.Width, p.Height)
	if crop {
		// Even in the logarithm, so that small crops are no rarity.
		area := math.Exp(uniform(random, math.Log(a.config.LeastArea), 0))
		box = cropBox(random, sizeOf(p), area, math.Exp(uniform(random, -0.3, 0.3)))
	}
	return p.Crop(box).Resize(a.output.width, a.output.height, imaging.Bilinear)
}

// cropBox is a box of a share of the area and an aspect (width by height, in shares of
// the picture's), anywhere in the picture.
func cropBox(random *rand.Rand, s size, area, aspect float64) image.Rectangle {
	width := min(s.width, max(1, int(math.Round(float64(s.width)*math.Sqrt(area*aspect)))))
	height := min(s.height, max(1, int(math.Round(float64(s.height)*math.Sqrt(area/aspect)))))
	x, y := random.IntN(s.width-width+1), random.IntN(s.height-height+1)
	return image.Rect(x, y, x+width, y+height)
}

// relit changes brightness, contrast, saturation and a little the tint.
func relit(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	p = contrast(p, uniform(random, 0.5, 1.6))
	p = color(p, uniform(random, 0.3, 1.7))
	light := uniform(random, 0.6, 1.5)
	var tones [3]*tone
	for channel := range tones {
		gain := light * uniform(random, 0.9, 1.1)
		tones[channel] = toneOf(func(level int) int { return min(int(math.Round(float64(level)*gain)), 255) })
	}
	out := sizeOf(p).empty()
	for i, level := range p.Pix {
		out.Pix[i] = tones[i%3][level]
	}
	return out
}

// noisy adds normal noise of a deviation in levels.
func noisy(random *rand.Rand, p *imaging.Picture, deviation float64) *imaging.Picture {
	out := sizeOf(p).empty()
	for i, level := range p.Pix {
		out.Pix[i] = cut(float64(level) + random.NormFloat64()*deviation)
	}
	return out
}

// drawQuality draws a JPEG quality, low ones as often as high ones: even in the
// logarithm.
func drawQuality(random *rand.Rand, least int) int {
	return int(math.Round(math.Exp(uniform(random, math.Log(float64(least)), math.Log(100)))))
}

// Turned is the picture turned counter-clockwise about its centre by up to 45 degrees
// and enlarged so that no corner shows what lies outside. p is not changed.
func Turned(p *imaging.Picture, degrees float64) *imaging.Picture {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	width, height := float64(p.Width), float64(p.Height)
	// The largest box of the picture's own aspect within the turned picture.
	scale := 1 / (math.Abs(cos) + math.Abs(sin)*max(width/height, height/width))
	m := matrix{a: cos * scale, b: -sin * scale, d: sin * scale, e: cos * scale}
	source := rasterOf(p)
	out := sizeOf(p).empty()
	bilinearWarp(out.Pix, &source, m.about(width/2, height/2, 0, 0), grey)
	return out
}

// Blurred is the picture through a Gaussian of a deviation in pixels, above 0, the
// edge's pixels going on outside. p is not changed.
func Blurred(p *imaging.Picture, deviation float64) *imaging.Picture {
	radius := int(math.Ceil(2.5 * deviation))
	kernel := make([]float64, 2*radius+1)
	sum := 0.0
	for i := range kernel {
		kernel[i] = math.Exp(-float64((i-radius)*(i-radius)) / (2 * deviation * deviation))
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	across := convolved(p, kernel, 1, 0)
	return convolved(across, kernel, 0, 1)
}

// convolved is p through a kernel along one direction.
func convolved(p *imaging.Picture, kernel []float64, stepX, stepY int) *imaging.Picture {
	radius := len(kernel) / 2
	out := sizeOf(p).empty()
	for y := range p.Height {
		for x := range p.Width {
			var sum [3]float64
			for i, weight := range kernel {
				u := min(max(x+(i-radius)*stepX, 0), p.Width-1)
				v := min(max(y+(i-radius)*stepY, 0), p.Height-1)
				pixel := (*[3]byte)(p.Pix[(v*p.Width+u)*3:])
				for channel, level := range pixel {
					sum[channel] += weight * float64(level)
				}
			}
			for channel, value := range sum {
				out.Pix[(y*p.Width+x)*3+channel] = cut(value + 0.5)
			}
		}
	}
	return out
}

// SavedAsJPEG is the picture written as a JPEG file of a quality, 1 to 100, and read
// again. p is not changed.
func SavedAsJPEG(p *imaging.Picture, quality int) *imaging.Picture {
	opaque := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
	for from, to := 0, 0; from < len(p.Pix); from, to = from+3, to+4 {
		copy(opaque.Pix[to:to+3], p.Pix[from:from+3])
		opaque.Pix[to+3] = 0xff
	}
	var file bytes.Buffer
	// Neither writing to memory nor reading what was just written can fail.
	if err := jpeg.Encode(&file, opaque, &jpeg.Options{Quality: quality}); err != nil {
		return p
	}
	read, err := jpeg.Decode(&file)
	if err != nil {
		return p
	}
	out := sizeOf(p).empty()
	for y := range p.Height {
		for x := range p.Width {
			r, g, b, _ := read.At(x, y).RGBA()
			at := (y*p.Width + x) * 3
			out.Pix[at], out.Pix[at+1], out.Pix[at+2] = byte(r>>8), byte(g>>8), byte(b>>8)
		}
	}
	return out
}

// Mirrored is the picture with left and right exchanged. p is not changed.
func Mirrored(p *imaging.Picture) *imaging.Picture { return flip(p) }

// Grey is the picture without its colours. p is not changed.
func Grey(p *imaging.Picture) *imaging.Picture { return color(p, 0) }

// Lit is the picture with its levels multiplied, 0 or more. p is not changed.
func Lit(p *imaging.Picture, gain float64) *imaging.Picture {
	out := sizeOf(p).empty()
	for i, level := range p.Pix {
		out.Pix[i] = cut(float64(level)*gain + 0.5)
	}
	return out
}
