package imaging

import (
	"fmt"
	"time"
)

// The limits that hold where a field of Limits is zero.
const (
	DefaultMaxBytes     = 7 << 20
	DefaultMaxPixels    = 25_000_000
	DefaultMaxSideRatio = 20
	DefaultMinSide      = 2

	// DefaultMaxDecodeBytes lets every image of DefaultMaxPixels pass that its format
	// allows, but for a TIFF packed into a single strip.
	DefaultMaxDecodeBytes = 768 << 20
)

// Limits bounds what an image may cost. Everything is checked from the header,
// before pixels are decoded or memory is taken for them; [Cost] tells what
// decoding takes.
type Limits struct {
	MaxBytes     int // encoded bytes; raw pixels are bounded by MaxPixels; 0 = DefaultMaxBytes
	MaxPixels    int // width·height as stored; 0 = DefaultMaxPixels
	MaxSideRatio int // longer side over shorter side; 0 = DefaultMaxSideRatio
	MinSide      int // pixels of the shorter side; 0 = DefaultMinSide

	MaxDecodeBytes int64 // memory that preparing may take (Cost.Bytes); 0 = DefaultMaxDecodeBytes
}

// withDefaults fills in the zero fields.
func (l Limits) withDefaults() Limits {
	if l.MaxBytes == 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxPixels == 0 {
		l.MaxPixels = DefaultMaxPixels
	}
	if l.MaxSideRatio == 0 {
		l.MaxSideRatio = DefaultMaxSideRatio
	}
	if l.MinSide == 0 {
		l.MinSide = DefaultMinSide
	}
	if l.MaxDecodeBytes == 0 {
		l.MaxDecodeBytes = DefaultMaxDecodeBytes
	}
	return l
}

// Validate reports the first field that is negative.
func (l Limits) Validate() error {
	fields := []struct {
		name  string
		value int64
	}{
		{"MaxBytes", int64(l.MaxBytes)},
		{"MaxPixels", int64(l.MaxPixels)},
		{"MaxSideRatio", int64(l.MaxSideRatio)},
		{"MinSide", int64(l.MinSide)},
		{"MaxDecodeBytes", l.MaxDecodeBytes},
	}
	for _, f := range fields {
		if f.value < 0 {
			return fmt.Errorf("imaging: Limits.%s is %d, expected 0 (the default) or more", f.name, f.value)
		}
	}
	return nil
}

// checkBytes bounds the encoded length.
func (l Limits) checkBytes(n int) error {
	if n == 0 {
		return refuse(ReasonEmpty, "received no bytes, expected an encoded image")
	}
	if n > l.MaxBytes {
		return refuse(ReasonTooLarge, "received %d encoded bytes, expected at most %d", n, l.MaxBytes)
	}
	return nil
}

// pixelMaxWork bounds the work of preparing, for each pixel that an image may have: 5 s
// for the 25 megapixels of the default. The dearest that an encoder makes, a
// WebP of pixels and packed alpha with all transforms, takes that; a progressive JPEG whose scans visit each
// sample five times, as libjpeg's do, half of it.
const pixelMaxWork = 200 * time.Nanosecond

// leastMaxWork is what any image may take: small limits are no reason to refuse what
// is cheap all the same.
const leastMaxWork = 100 * time.Millisecond

// checkCost bounds the memory and the work that preparing takes.
func (l Limits) checkCost(c Cost) error {
	if most := time.Duration(l.MaxPixels) * pixelMaxWork; c.Work > max(most, leastMaxWork) {
		return refuse(ReasonTooCostly, "received an image that takes about %v to decode, expected at most %v", c.Work.Round(time.Millisecond), max(most, leastMaxWork))
	}
	if c.Bytes > l.MaxDecodeBytes {
		return refuse(ReasonTooCostly, "received an image that takes %d bytes to decode, expected at most %d", c.Bytes, l.MaxDecodeBytes)
	}
	return nil
}

// checkSize bounds the stored width and height. The products are 64 bits wide,
// since formats store sides of up to 2³² pixels.
func (l Limits) checkSize(width, height int) error {
	shorter, longer := int64(min(width, height)), int64(max(width, height))
	if shorter < int64(l.MinSide) {
		return refuse(ReasonShape, "received %dx%d pixels, expected at least %d on each side", width, height, l.MinSide)
	}
	// Both sides are positive here; dividing cannot overflow as multiplying could.
	if longer > int64(l.MaxPixels)/shorter {
		return refuse(ReasonTooManyPixels, "received %dx%d pixels, expected at most %d in all", width, height, l.MaxPixels)
	}
	if longer > int64(l.MaxSideRatio)*shorter {
		return refuse(ReasonShape, "received %dx%d pixels, expected sides at most 1:%d apart", width, height, l.MaxSideRatio)
	}
	return nil
}
