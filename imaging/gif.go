package imaging

import (
	"bytes"
	"image"
	"image/gif"
)

func gifConfig(data []byte) (image.Config, error) { return gif.DecodeConfig(bytes.NewReader(data)) }

// gifCost counts a palette's indices, and once more where rows are interlaced.
func gifCost(header Header, _ []byte) (Cost, error) {
	return bytesCost(2 * int64(header.Pixels())), nil
}

// decodeGIF stops behind the first frame, however many follow.
func decodeGIF(_ task, from *source) (image.Image, error) { return gif.Decode(from) }
