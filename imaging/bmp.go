package imaging

import (
	"image"

	"siamese/imaging/internal/bmp"
)

func bmpConfig(data []byte) (image.Config, error) {
	h, err := bmp.Parse(data)
	return image.Config{Width: h.Width, Height: h.Height}, err
}

// checkBMP holds the header against the bytes that are there: the decoder takes the
// memory for all pixels before it reads the first.
func checkBMP(_ Header, data []byte) error {
	h, err := bmp.Parse(data)
	if err != nil {
		return err
	}
	return h.Check()
}

func bmpCost(_ Header, data []byte) (Cost, error) {
	h, err := bmp.Parse(data)
	return bytesCost(h.Bytes()), err
}

func decodeBMP(t task, from *source) (image.Image, error) {
	h, err := bmp.Parse(t.data)
	if err != nil {
		return nil, err
	}
	return h.Decode(from.ask)
}
