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
	// The encoder writes three channels when every pixel is opaque.
	opaque := image.NewNRGBA(image.Rect(0, 0, p.Width, p.Height))
	for from, to := 0, 0; from < len(p.Pix); from, to = from+3, to+4 {
		copy(opaque.Pix[to:to+3], p.Pix[from:from+3])
		opaque.Pix[to+3] = 0xff
	}
	var out bytes.Buffer
	if err := png.Encode(&out, opaque); err != nil {
		return nil, fmt.Errorf("imaging: encode picture: %w", err)
	}
	return out.Bytes(), nil
}
