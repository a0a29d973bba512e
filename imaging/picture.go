package imaging

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
)

// Picture is an image as the network sees it. The caller owns it; it is safe
// for concurrent reading.
type Picture struct {
	Width, Height int
	Pix           []byte // [Height,Width,3] uint8 RGB, row-major, no padding: Width·Height·3 bytes
}

func newPicture(width, height int) *Picture {
	return &Picture{Width: width, Height: height, Pix: make([]byte, width*height*3)}
}

// PNG encodes the picture losslessly as an 8-bit RGB PNG. It fails only where
// Pix does not have the length that Width and Height ask for.
func (p *Picture) PNG() ([]byte, error) {
	if p.Width <= 0 || p.Height <= 0 || len(p.Pix) != p.Width*p.Height*3 {
		return nil, fmt.Errorf("imaging: picture of %dx%d has %d bytes, expected %d and positive sides",
			p.Width, p.Height, len(p.Pix), p.Width*p.Height*3)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, p.Image()); err != nil { // three channels where every pixel is opaque
		return nil, fmt.Errorf("imaging: encode picture: %w", err)
	}
	return out.Bytes(), nil
}

// Image is a copy of the picture as the standard library has images, opaque. Pix must
// have the length that Width and Height ask for.
func (p *Picture) Image() *image.NRGBA {
	opaque := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
	for from, to := 0, 0; from < len(p.Pix); from, to = from+3, to+4 {
		copy(opaque.Pix[to:to+3], p.Pix[from:from+3])
		opaque.Pix[to+3] = 0xff
	}
	return opaque
}

// Channels is the number of samples a raw pixel has.
type Channels int

// The layouts of raw pixels.
const (
	Gray Channels = 1
	RGB  Channels = 3
)

// Raw is an image that needs no decoding.
type Raw struct {
	Width, Height int
	Channels      Channels
	Pixels        []byte // [Height,Width,Channels] uint8, row-major, no padding
}

// pixels checks the image and gives access to it without a copy.
func (r Raw) pixels(limits Limits) (pixels, error) {
	if len(r.Pixels) == 0 {
		return pixels{}, refuse(ReasonEmpty, "received no bytes, expected raw pixels")
	}
	if r.Channels != Gray && r.Channels != RGB {
		return pixels{}, refuse(ReasonRawLength, "received raw pixels of %d channels, expected %d (gray) or %d (rgb)", r.Channels, Gray, RGB)
	}
	if err := limits.checkSize(r.Width, r.Height); err != nil {
		return pixels{}, err
	}
	// The division cannot overflow, whatever MaxPixels allows.
	row := r.Width * int(r.Channels)
	if len(r.Pixels)%row != 0 || len(r.Pixels)/row != r.Height {
		return pixels{}, refuse(ReasonRawLength, "received %d bytes of raw pixels, expected %dx%dx%d",
			len(r.Pixels), r.Width, r.Height, r.Channels)
	}
	read := rgbRows(r.Pixels, r.Width)
	if r.Channels == Gray {
		read = grayRows(r.Pixels, r.Width)
	}
	return whole(r.Width, r.Height, read), nil
}
