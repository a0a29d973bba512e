// Package augment makes other pictures of a picture, as training wants them:
// turned, cropped, recoloured, by chance. Everything random comes from the source
// that the caller passes, so that one seed gives one picture.
//
//	affine       rotation, shear, scale and shift of Koch's Omniglot recipe
//	autoaugment  crop, flip and one of AutoAugment's 25 ImageNet policies: the
//	             default of the network's original trainer
//	jitter       aspect, scale, place, flip, turn and colour: that trainer's other way
//	edits        copies as people make them who pass pictures on: cropped, turned,
//	             recoloured, written on, framed, compressed
//	none         the picture as it is, at the network's input size
//
// Each operation on pixels gives what Pillow gives, or OpenCV for the two that the
// original does with OpenCV; scripts/augment_goldens.py makes the pictures that the
// tests compare with.
package augment

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"siamese/imaging"
)

// Augmenter makes a training picture of a picture.
type Augmenter interface {
	// Apply returns a new picture of the configured size, which the caller owns.
	// p may have any size from 1x1 up, has its whole Pix filled, and is not
	// changed. The same p and the same state of random give the same picture. Safe
	// for concurrent use where each goroutine brings a source of its own.
	Apply(random *rand.Rand, p *imaging.Picture) *imaging.Picture
	// Size is that of the pictures that Apply returns, in pixels.
	Size() (width, height int)
}

// Gray is a picture whose three channels are alike: Pix has each pixel once,
// [Height,Width] uint8.
type Gray struct {
	Width, Height int
	Pix           []byte
}

// GrayAugmenter is an Augmenter that has less work with a gray picture.
type GrayAugmenter interface {
	Augmenter
	// ApplyGray writes into out, [H,W,3] of the configured size, what Apply returns
	// for p with all three channels, bit for bit. p is not changed. Safe for
	// concurrent use as Apply is.
	ApplyGray(random *rand.Rand, p Gray, out []byte)
}

// Names lists the augmenters that New knows. The caller owns the slice.
func Names() []string {
	return []string{"affine", "autoaugment", "edits", "jitter", "none"}
}

// maxSide bounds the output, as package imaging does.
const maxSide = 4096

// Config says what augmenters make. The zero value is usable.
type Config struct {
	Width  int          // of the output, pixels, up to 4096; 0 = imaging.DefaultSide
	Height int          // of the output, pixels, up to 4096; 0 = imaging.DefaultSide
	Affine AffineConfig // of the augmenter "affine" alone; the zero value = DefaultAffine()
	Edits  EditsConfig  // of the augmenter "edits" alone
}

// Validate reports the first field that is out of range.
func (c Config) Validate() error {
	if c.Width < 0 || c.Width > maxSide {
		return fmt.Errorf("augment: Width is %d, expected 0 (the default) to %d", c.Width, maxSide)
	}
	if c.Height < 0 || c.Height > maxSide {
		return fmt.Errorf("augment: Height is %d, expected 0 (the default) to %d", c.Height, maxSide)
	}
	if err := c.Edits.Validate(); err != nil {
		return err
	}
	return c.withDefaults().Affine.Validate()
}

// withDefaults fills in the zero fields.
func (c Config) withDefaults() Config {
	if c.Width == 0 {
		c.Width = imaging.DefaultSide
	}
	if c.Height == 0 {
		c.Height = imaging.DefaultSide
	}
	if c.Affine == (AffineConfig{}) {
		c.Affine = DefaultAffine()
	}
	return c
}

// New returns the augmenter of that name, for a copy of the config. Errors: what
// Validate reports, or a name that Names does not list.
func New(name string, config Config) (Augmenter, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("augment: unknown augmenter %q, expected one of %s", name, strings.Join(Names(), ", "))
	}
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	output := sized{output: size{width: config.Width, height: config.Height}}
	switch name {
	case "affine":
		return &affine{sized: output, config: config.Affine}, nil
	case "autoaugment":
		return &autoAugment{sized: output}, nil
	case "edits":
		return &edits{sized: output, config: config.Edits.withDefaults()}, nil
	case "jitter":
		return &jitter{sized: output}, nil
	}
	return &plain{sized: output}, nil
}

// size is that of a picture, in pixels.
type size struct{ width, height int }

// sized is what augmenters have in common: the size of what they make.
type sized struct{ output size }

// Size implements Augmenter.
func (s sized) Size() (width, height int) {
	return s.output.width, s.output.height
}

// sizeOf returns the picture's size.
func sizeOf(p *imaging.Picture) size {
	return size{width: p.Width, height: p.Height}
}

// fill returns a new picture of one grey level.
func (s size) fill(level uint8) *imaging.Picture {
	p := s.empty()
	for i := range p.Pix {
		p.Pix[i] = level
	}
	return p
}

// empty returns a new black picture.
func (s size) empty() *imaging.Picture {
	return &imaging.Picture{Width: s.width, Height: s.height, Pix: make([]byte, s.width*s.height*3)}
}

// raster is the pixels of a picture, in one channel or three.
type raster struct {
	size
	channels int
	pix      []byte // [height,width,channels]
}

func rasterOf(p *imaging.Picture) raster {
	return raster{size: sizeOf(p), channels: 3, pix: p.Pix}
}

// picture has the level of each pixel in all three channels.
func (p Gray) picture() *imaging.Picture {
	wide := size{width: p.Width, height: p.Height}.empty()
	for i, level := range p.Pix {
		setGray(wide.Pix[3*i:], level)
	}
	return wide
}

// setGray sets the three channels of the first pixel.
func setGray(pix []byte, level byte) {
	pixel := (*[3]byte)(pix)
	pixel[0], pixel[1], pixel[2] = level, level, level
}

// plain is the augmenter "none".
type plain struct{ sized }

func (a *plain) Apply(_ *rand.Rand, p *imaging.Picture) *imaging.Picture {
	return p.Resize(a.output.width, a.output.height, imaging.Bilinear)
}

// chance reports whether an event of the given probability happens.
func chance(random *rand.Rand, probability float64) bool {
	return random.Float64() < probability
}

// uniform draws from low to below high.
func uniform(random *rand.Rand, low, high float64) float64 {
	return low + (high-low)*random.Float64()
}
