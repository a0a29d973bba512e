package imaging

import (
	"bytes"
	"errors"
	"image"

	"golang.org/x/image/webp"
)

// The extended header, which comes first where a file has one.
const (
	webpCanvasAt  = 24 // width and height less one, three bytes each
	webpCanvasEnd = 30
	webpAnimation = 1 << 1
)

// webpConfig reads the canvas itself where there is one: the library refuses a
// huge canvas without its size. Its decoder holds frames to the canvas.
func webpConfig(data []byte) (image.Config, error) {
	if len(data) < webpCanvasEnd || string(data[12:16]) != "VP8X" {
		return webp.DecodeConfig(bytes.NewReader(data))
	}
	return image.Config{
		Width:  uint24(data[webpCanvasAt:]) + 1,
		Height: uint24(data[webpCanvasAt+3:]) + 1,
	}, nil
}

func uint24(b []byte) int {
	return int(b[0]) | int(b[1])<<8 | int(b[2])<<16
}

// checkStill names the one common variant of WebP that the library cannot read.
func checkStill(data []byte) error {
	if extended := riffChunk(data, "VP8X"); len(extended) > 0 && extended[0]&webpAnimation != 0 {
		return errors.New("webp: animations are not supported")
	}
	return nil
}
