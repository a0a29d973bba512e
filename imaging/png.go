package imaging

import (
	"fmt"
	"image"
	stdpng "image/png"

	"siamese/imaging/internal/png"
)

// pngConfig reads the size from IHDR alone. Where the rest is beyond repair, check tells.
func pngConfig(data []byte) (image.Config, error) {
	h, err := png.Parse(data)
	if err != nil && !h.Begun {
		return image.Config{}, err
	}
	return image.Config{Width: h.Width, Height: h.Height}, nil
}

// decodePNG leaves a sound file to the library, and what others show all the same to a
// reader that writes it again for the library.
func decodePNG(t task, from *source) (image.Image, error) {
	h, err := png.Parse(t.data)
	if err != nil {
		return nil, err
	}
	if h.Sound() {
		return stdpng.Decode(from)
	}
	return h.Restore(from.ask)
}

// restorePNG reads what only unpacking shows to be odd: data behind the last pixel, or
// a wrong checksum of the unpacked pixels.
func restorePNG(t task, from *source) (image.Image, error) {
	h, err := png.Parse(t.data)
	if err != nil {
		return nil, err
	}
	return h.Restore(from.ask)
}

// deflateRatio is the most that deflate packs: 258 bytes into two codes of one
// bit.
const deflateRatio = 258 * 8 / 2

// checkPNG holds the header against the bytes that are there: the decoder takes the
// memory for all pixels before it unpacks the first.
func checkPNG(header Header, data []byte) error {
	h, err := png.Parse(data)
	if err != nil {
		return err
	}
	want := h.Unpacked()
	if most := int64(len(data)) * deflateRatio; most < want {
		return fmt.Errorf("png: %d bytes unpack to at most %d, %dx%d pixels of %d bits take %d", len(data), most, header.Width, header.Height, h.Depth*h.Samples(), want)
	}
	return nil
}

func pngCost(_ Header, data []byte) (Cost, error) {
	h, err := png.Parse(data)
	return bytesCost(h.MemoryBytes()), err
}
