package imaging

import (
	"image"
	"time"

	"siamese/imaging/internal/netpbm"
)

func pnmConfig(data []byte) (image.Config, error) {
	h, err := netpbm.Parse(data)
	return image.Config{Width: h.Width, Height: h.Height}, err
}

// checkPNM holds the header against the bytes that are there, before memory is taken.
func checkPNM(_ Header, data []byte) error {
	h, err := netpbm.Parse(data)
	if err != nil {
		return err
	}
	return h.Check()
}

// pnmCost counts the image. Work is also in digits.
func pnmCost(_ Header, data []byte) (Cost, error) {
	h, err := netpbm.Parse(data)
	cost := bytesCost(h.Bytes())
	cost.Work += time.Duration(h.Body()) * byteWork
	return cost, err
}

func decodePNM(t task, from *source) (image.Image, error) {
	h, err := netpbm.Parse(t.data)
	if err != nil {
		return nil, err
	}
	return h.Decode(from.ask)
}
