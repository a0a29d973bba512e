package augment

import (
	"math"

	"siamese/imaging"
)

// operation is one of AutoAugment's, with its magnitudes.
type operation struct {
	name string
	// magnitude of the index 0 to 9; nil where there is none.
	magnitude func(index int) float64
	// signed: by chance the magnitude is taken with a minus.
	signed bool
	// base is added to the signed magnitude: an enhancement goes either way from 1.
	base  float64
	apply func(p *imaging.Picture, magnitude float64) *imaging.Picture
}

// The table of operations. No ImageNet policy uses shearY, the translations or
// brightness; they belong to the table all the same.
var (
	opShearX       = operation{name: "shearX", magnitude: upTo(0.3), signed: true, apply: shearX}
	opShearY       = operation{name: "shearY", magnitude: upTo(0.3), signed: true, apply: shearY}
	opTranslateX   = operation{name: "translateX", magnitude: upTo(150. / 331), signed: true, apply: translateX}
	opTranslateY   = operation{name: "translateY", magnitude: upTo(150. / 331), signed: true, apply: translateY}
	opRotate       = operation{name: "rotate", magnitude: upTo(30), signed: true, apply: rotate}
	opColor        = operation{name: "color", magnitude: upTo(0.9), signed: true, base: 1, apply: color}
	opContrast     = operation{name: "contrast", magnitude: upTo(0.9), signed: true, base: 1, apply: contrast}
	opSharpness    = operation{name: "sharpness", magnitude: upTo(0.9), signed: true, base: 1, apply: sharpness}
	opBrightness   = operation{name: "brightness", magnitude: upTo(0.9), signed: true, base: 1, apply: brightness}
	opPosterize    = operation{name: "posterize", magnitude: bitsKept, apply: posterize}
	opSolarize     = operation{name: "solarize", magnitude: threshold, apply: solarize}
	opAutoContrast = operation{name: "autocontrast", apply: autoContrast}
	opEqualize     = operation{name: "equalize", apply: equalize}
	opInvert       = operation{name: "invert", apply: invert}
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
