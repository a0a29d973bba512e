package imaging

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
