package augment

import (
	"fmt"
	"math"
	"math/rand/v2"

	"siamese/imaging"
)

// AffineConfig says how far the augmenter "affine" goes. The zero value stands for
// DefaultAffine; any other is taken as it is, so start from DefaultAffine to change
// a field.
type AffineConfig struct {
	RotationDegrees float64 // the largest angle, either way, 0..180
	Shear           float64 // the largest shear along x and along y, either way, 0..0.9
	ScaleLow        float64 // the smallest scale of x and of y, above 0; 1 = as it is
	ScaleHigh       float64 // the largest scale, from ScaleLow up to 100
	ShiftPixels     float64 // the largest shift along x and along y, either way, in pixels of the output
	Probability     float64 // of each of the seven parts, 0..1: rotation, and the others along x and along y

	StrokePixels      int     // the most that a stroke's edges move out or in, 0..16; 0 = never
	StrokeProbability float64 // that they move at all, 0..1

	ElasticPixels      float64 // the most that the knots of an elastic distortion move along x and along y, 0..32; 0 = never
	ElasticSpacing     int     // pixels between these knots, 4..256; the more, the smoother; 0 = DefaultElasticSpacing
	ElasticProbability float64 // that there is one at all, 0..1

	Fill uint8 // the grey level outside of the picture; Omniglot's paper is white, 255
}

// DefaultAffine returns the distortions of Koch, Zemel and Salakhutdinov, "Siamese
// Neural Networks for One-shot Image Recognition" (2015), section 3.2, for pictures
// of 105x105 on white paper.
func DefaultAffine() AffineConfig {
	return AffineConfig{
		RotationDegrees: 10, Shear: 0.3, ScaleLow: 0.8, ScaleHigh: 1.2, ShiftPixels: 2,
		Probability: 0.5, Fill: 255,
	}
}

const (
	// maxShear keeps the shears along x and y, which together leave 1-shear² of
	// the area, from folding the picture to a line.
	maxShear = 0.9
	maxScale = 100
	// DefaultElasticSpacing bends a character of 105x105 in a few places.
	DefaultElasticSpacing = 20
	// minElasticSpacing keeps neighbours from swapping places at small amplitudes.
	minElasticSpacing = 4
	maxElasticSpacing = 256
	maxElastic        = 32
	// maxStroke is far above any stroke's width.
	maxStroke = 16
)

// Validate reports the first field that is out of range.
func (c AffineConfig) Validate() error {
	fields := []struct {
		name             string
		value, low, high float64
	}{
		{"RotationDegrees", c.RotationDegrees, 0, 180},
		{"Shear", c.Shear, 0, maxShear},
		{"ScaleLow", c.ScaleLow, 1. / maxScale, maxScale},
		{"ScaleHigh", c.ScaleHigh, c.ScaleLow, maxScale},
		{"ShiftPixels", c.ShiftPixels, 0, maxSide},
		{"Probability", c.Probability, 0, 1},
		{"StrokePixels", float64(c.StrokePixels), 0, maxStroke},
		{"StrokeProbability", c.StrokeProbability, 0, 1},
		{"ElasticPixels", c.ElasticPixels, 0, maxElastic},
		{"ElasticSpacing", float64(c.elasticSpacing()), minElasticSpacing, maxElasticSpacing},
		{"ElasticProbability", c.ElasticProbability, 0, 1},
	}
	for _, f := range fields {
		if !(f.value >= f.low && f.value <= f.high) { // in this form it refuses NaN
			return fmt.Errorf("augment: Affine.%s is %v, expected %v to %v", f.name, f.value, f.low, f.high)
		}
	}
	return nil
}

// affine is the augmenter "affine".
type affine struct {
	sized
	config AffineConfig
}

func (a *affine) Apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	if sizeOf(p) != a.output {
		p = p.Resize(a.output.width, a.output.height, imaging.Bilinear)
	}
	out := a.output.empty()
	a.distort(random, rasterOf(p), out.Pix)
	return out
}

func (a *affine) ApplyGray(random *rand.Rand, p Gray, out []byte) {
	if (size{width: p.Width, height: p.Height}) != a.output {
		copy(out, a.Apply(random, p.picture()).Pix)
		return
	}
	a.distort(random, raster{size: a.output, channels: 1, pix: p.Pix}, out)
}

// distort writes all three channels of the distorted picture into out.
func (a *affine) distort(random *rand.Rand, p raster, out []byte) {
	if radius := a.config.drawStroke(random); radius != 0 {
		p = p.spread(radius)
	}
	m := a.config.draw(random).inverse(a.output)
	if a.config.drawElastic(random) {
		elasticWarp(out, &p, m, a.config.drawField(random, a.output), a.config.Fill)
		return
	}
	bilinearWarp(out, &p, m, a.config.Fill)
}

// drawElastic reports whether to distort elastically. It draws nothing where that
// is never done.
func (c AffineConfig) drawElastic(random *rand.Rand) bool {
	return c.ElasticPixels > 0 && chance(random, c.ElasticProbability)
}

func (c AffineConfig) drawField(random *rand.Rand, s size) field {
	return drawField(random, s, c.ElasticPixels, c.elasticSpacing())
}

// elasticSpacing fills in the zero.
func (c AffineConfig) elasticSpacing() int {
	if c.ElasticSpacing == 0 {
		return DefaultElasticSpacing
	}
	return c.ElasticSpacing
}

// distortion is one draw of the seven parts.
type distortion struct {
	degrees        float64
	shearX, shearY float64
	scaleX, scaleY float64
	shiftX, shiftY float64 // pixels
}

// draw takes the parts in the order of distortion's fields, each with its own coin.
func (c AffineConfig) draw(random *rand.Rand) distortion {
	part := func(low, high, otherwise float64) float64 {
		if !chance(random, c.Probability) {
			return otherwise
		}
		return uniform(random, low, high)
	}
	return distortion{
		degrees: part(-c.RotationDegrees, c.RotationDegrees, 0),
		shearX:  part(-c.Shear, c.Shear, 0),
		shearY:  part(-c.Shear, c.Shear, 0),
		scaleX:  part(c.ScaleLow, c.ScaleHigh, 1),
		scaleY:  part(c.ScaleLow, c.ScaleHigh, 1),
		shiftX:  part(-c.ShiftPixels, c.ShiftPixels, 0),
		shiftY:  part(-c.ShiftPixels, c.ShiftPixels, 0),
	}
}

// drawStroke returns by how many pixels to thicken strokes; negative: to thin them.
// It draws nothing where strokes are to stay.
func (c AffineConfig) drawStroke(random *rand.Rand) int {
	if c.StrokePixels == 0 || !chance(random, c.StrokeProbability) {
		return 0
	}
	radius := 1 + random.IntN(c.StrokePixels)
	if chance(random, 0.5) {
		return -radius
	}
	return radius
}

// inverse maps a pixel of the output to where it comes from. Forward, a picture is
// scaled, sheared and rotated about its centre, and then shifted.
func (d distortion) inverse(s size) matrix {
	sin, cos := math.Sincos(d.degrees * math.Pi / 180)
	// Forward = rotation · shear · scale.
	a := (cos + sin*d.shearY) * d.scaleX
	b := (cos*d.shearX + sin) * d.scaleY
	c := (cos*d.shearY - sin) * d.scaleX
	e := (cos - sin*d.shearX) * d.scaleY
	area := a*e - b*c
	m := matrix{a: e / area, b: -b / area, d: -c / area, e: a / area}
	return m.about(float64(s.width)/2, float64(s.height)/2, d.shiftX, d.shiftY)
}

// Place returns the picture turned clockwise by degrees about its centre and then
// shifted by pixels to the right and down, on white paper. The picture
// given stays as it is.
func Place(p *imaging.Picture, degrees, shiftX, shiftY float64) *imaging.Picture {
	placed := distortion{degrees: -degrees, scaleX: 1, scaleY: 1, shiftX: shiftX, shiftY: shiftY}
	out := sizeOf(p).empty()
	from := rasterOf(p)
	bilinearWarp(out.Pix, &from, placed.inverse(from.size), white)
	return out
}

// white is the level of paper.
const white = 255

// spread widens dark strokes on light paper where radius is positive: each sample
// becomes the least of the square of 2·radius+1 pixels around it, as Pillow's
// MinFilter does. Where radius is negative it narrows them by the greatest, as
// MaxFilter does. Both run along rows and then along columns. Beyond the edge
// nothing takes part, which gives the same as repeating the edge.
func (p raster) spread(radius int) raster {
	pick := least
	if radius < 0 {
		pick, radius = greatest, -radius
	}
	stride := p.width * p.channels
	across, out := make([]byte, len(p.pix)), make([]byte, len(p.pix))
	for row := 0; row < len(p.pix); row += stride {
		extreme(across[row:row+stride], p.pix[row:row+stride], radius, p.channels, pick)
	}
	extreme(out, across, radius, stride, pick)
	p.pix = out
	return p
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
