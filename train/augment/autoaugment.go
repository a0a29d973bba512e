package augment

import (
	"image"
	"math"
	"math/rand/v2"

	"siamese/imaging"
)

// autoAugment is the augmenter "autoaugment".
type autoAugment struct{ sized }

func (a *autoAugment) Apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	p = p.Crop(drawCrop(random, sizeOf(p))).Resize(a.output.width, a.output.height, imaging.Bilinear)
	if chance(random, 0.5) {
		p = flip(p)
	}
	return imageNetPolicies[drawPolicy(random)].apply(random, p)
}

// step is one half of a policy.
type step struct {
	probability float64
	operation   operation
	index       int // of the magnitude, 0 to 9; without meaning where there is none
}

// policy is two steps, each taken with its probability.
type policy [2]step

// imageNetPolicies are those of AutoAugment's search on ImageNet (Cubuk et al.,
// "AutoAugment: Learning Augmentation Policies from Data", 2018, appendix), five of
// them twice, as the original trainer lists them.
var imageNetPolicies = [...]policy{
	{{0.4, opPosterize, 8}, {0.6, opRotate, 9}},
	{{0.6, opSolarize, 5}, {0.6, opAutoContrast, 5}},
	{{0.8, opEqualize, 8}, {0.6, opEqualize, 3}},
	{{0.6, opPosterize, 7}, {0.6, opPosterize, 6}},
	{{0.4, opEqualize, 7}, {0.2, opSolarize, 4}},

	{{0.4, opEqualize, 4}, {0.8, opRotate, 8}},
	{{0.6, opSolarize, 3}, {0.6, opEqualize, 7}},
	{{0.8, opPosterize, 5}, {1.0, opEqualize, 2}},
	{{0.2, opRotate, 3}, {0.6, opSolarize, 8}},
	{{0.6, opEqualize, 8}, {0.4, opPosterize, 6}},

	{{0.8, opRotate, 8}, {0.4, opColor, 0}},
	{{0.4, opRotate, 9}, {0.6, opEqualize, 2}},
	{{0.0, opEqualize, 7}, {0.8, opEqualize, 8}},
	{{0.6, opInvert, 4}, {1.0, opEqualize, 8}},
	{{0.6, opColor, 4}, {1.0, opContrast, 8}},

	{{0.8, opRotate, 8}, {1.0, opColor, 2}},
	{{0.8, opColor, 8}, {0.8, opSolarize, 7}},
	{{0.4, opSharpness, 7}, {0.6, opInvert, 8}},
	{{0.6, opShearX, 5}, {1.0, opEqualize, 9}},
	{{0.4, opColor, 0}, {0.6, opEqualize, 3}},

	{{0.4, opEqualize, 7}, {0.2, opSolarize, 4}},
	{{0.6, opSolarize, 5}, {0.6, opAutoContrast, 5}},
	{{0.6, opInvert, 4}, {1.0, opEqualize, 8}},
	{{0.6, opColor, 4}, {1.0, opContrast, 8}},
	{{0.8, opEqualize, 8}, {0.6, opEqualize, 3}},
}

// drawPolicy returns the index of one, each as likely as the others.
func drawPolicy(random *rand.Rand) int {
	return random.IntN(len(imageNetPolicies))
}

// apply takes the steps that chance takes; where it takes none, the result is p.
func (s policy) apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture {
	for _, half := range s {
		if !chance(random, half.probability) {
			continue
		}
		sign := 1.0
		if chance(random, 0.5) {
			sign = -1
		}
		p = half.operation.perform(p, half.index, sign)
	}
	return p
}

// operation is one of AutoAugment's, with its magnitudes.
type operation struct {
	// magnitude of the index 0 to 9; nil where there is none.
	magnitude func(index int) float64
	// signed: by chance the magnitude is taken with a minus.
	signed bool
	// base is added to the signed magnitude: an enhancement goes either way from 1.
	base  float64
	apply func(p *imaging.Picture, magnitude float64) *imaging.Picture
}

// The operations that the ImageNet policies use.
var (
	opShearX       = operation{magnitude: upTo(0.3), signed: true, apply: shearX}
	opRotate       = operation{magnitude: upTo(30), signed: true, apply: rotate}
	opColor        = operation{magnitude: upTo(0.9), signed: true, base: 1, apply: color}
	opContrast     = operation{magnitude: upTo(0.9), signed: true, base: 1, apply: contrast}
	opSharpness    = operation{magnitude: upTo(0.9), signed: true, base: 1, apply: sharpness}
	opPosterize    = operation{magnitude: bitsKept, apply: posterize}
	opSolarize     = operation{magnitude: threshold, apply: solarize}
	opAutoContrast = operation{apply: autoContrast}
	opEqualize     = operation{apply: equalize}
	opInvert       = operation{apply: invert}
)

// topIndex is that of the strongest magnitude.
const topIndex = 9

// upTo spaces the magnitudes evenly from 0.
func upTo(top float64) func(int) float64 {
	return func(index int) float64 { return float64(index) * (top / topIndex) }
}

// bitsKept goes from 8 down to 4, rounded.
func bitsKept(index int) float64 {
	return math.RoundToEven(8 - 4*float64(index)/topIndex)
}

// threshold goes from 256, which changes nothing, down to 0.
func threshold(index int) float64 {
	return 256 - 256*float64(index)/topIndex
}

// perform applies the operation at a magnitude's index; sign is 1 or -1.
func (o operation) perform(p *imaging.Picture, index int, sign float64) *imaging.Picture {
	if o.magnitude == nil {
		return o.apply(p, 0)
	}
	magnitude := o.magnitude(index)
	if o.signed {
		magnitude *= sign
	}
	return o.apply(p, o.base+magnitude)
}

// The crops of the original trainer, which are torchvision's RandomResizedCrop.
const (
	minCropArea   = 0.08 // of the picture's
	maxCropArea   = 1.0
	minCropAspect = 3. / 4 // width by height
	maxCropAspect = 4. / 3
	cropTries     = 10
)

// drawCrop draws the area evenly, the aspect evenly by its logarithm and the place
// evenly. Where no try fits into the picture, the crop is the largest central one of
// an allowed aspect.
func drawCrop(random *rand.Rand, s size) image.Rectangle {
	for range cropTries {
		area := uniform(random, minCropArea, maxCropArea) * float64(s.width*s.height)
		aspect := math.Exp(uniform(random, math.Log(minCropAspect), math.Log(maxCropAspect)))
		// The original crops a picture of few pixels to none and fails there.
		width := max(1, int(math.RoundToEven(math.Sqrt(area*aspect))))
		height := max(1, int(math.RoundToEven(math.Sqrt(area/aspect))))
		if width > s.width || height > s.height {
			continue
		}
		y := random.IntN(s.height - height + 1)
		x := random.IntN(s.width - width + 1)
		return image.Rect(x, y, x+width, y+height)
	}
	return centralCrop(s)
}

// centralCrop cuts what is too wide or too high for an allowed aspect.
func centralCrop(s size) image.Rectangle {
	width, height := s.width, s.height
	switch aspect := float64(width) / float64(height); {
	case aspect < minCropAspect:
		height = int(math.RoundToEven(float64(width) / minCropAspect))
	case aspect > maxCropAspect:
		width = int(math.RoundToEven(float64(height) * maxCropAspect))
	}
	x, y := (s.width-width)/2, (s.height-height)/2
	return image.Rect(x, y, x+width, y+height)
}
