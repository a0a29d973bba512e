package imaging

import (
	"image"
	"time"

	"siamese/imaging/internal/gif"
)

// gifConfig returns the screen as the first frame makes it. Where there is no frame,
// check tells.
func gifConfig(data []byte) (image.Config, error) {
	h, err := gif.Parse(data)
	if err != nil && !h.Begun {
		return image.Config{}, err
	}
	return image.Config{Width: h.Width, Height: h.Height}, nil
}

func checkGIF(_ Header, data []byte) error {
	_, err := gif.Parse(data)
	return err
}

// gifCost counts a palette's indices. Work is also in codes that stand for no pixels.
func gifCost(_ Header, data []byte) (Cost, error) {
	h, err := gif.Parse(data)
	cost := bytesCost(h.Bytes())
	cost.Work += time.Duration(h.Packed()) * byteWork
	return cost, err
}

// decodeGIF stops behind the first frame, however many follow.
func decodeGIF(t task, from *source) (image.Image, error) {
	h, err := gif.Parse(t.data)
	if err != nil {
		return nil, err
	}
	return h.Decode(from.ask)
}
