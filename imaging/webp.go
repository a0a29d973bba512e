package imaging

import (
	"bytes"
	"errors"
	"image"
	"time"

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
func checkStill(_ Header, data []byte) error {
	if extended := riffChunk(data, "VP8X"); len(extended) > 0 && extended[0]&webpAnimation != 0 {
		return errors.New("webp: animations are not supported")
	}
	return nil
}

func decodeWebP(_ task, from *source) (image.Image, error) { return webp.Decode(from) }

// webpCost tells lossy from lossless by the chunks that are there. The decoder takes
// the first image that it finds: where there are both, the dearer one counts.
func webpCost(h Header, data []byte) (Cost, error) {
	pixels := int64(h.Width) * int64(h.Height)
	lossy := int64((h.Width+15)/16*16) * int64((h.Height+15)/16*16) * 3 / 2
	cost := Cost{Bytes: lossy + int64(len(data)), Work: time.Duration(pixels) * webpWork}
	const packed = 1 // of the alpha's first byte, two bits
	if alpha := riffChunk(data, "ALPH"); len(alpha) > 0 {
		cost.Bytes += pixels
		if alpha[0]&3 == packed {
			cost = sum(cost, losslessCost(pixels, data))
		}
	}
	if riffChunk(data, "VP8L") != nil {
		lossless := losslessCost(pixels, data)
		cost.Bytes, cost.Work = max(cost.Bytes, lossless.Bytes), max(cost.Work, lossless.Work)
	}
	return cost, nil
}

// losslessCost counts the pixels, their copy where a palette is expanded, the
// pictures of tiles that choose a transform or a code, one pixel for 4x4, and the
// codes, of which the decoder takes 2600.
func losslessCost(pixels int64, data []byte) Cost {
	const (
		tile      = 16       // pixels
		codes     = 2600     // groups of five
		codeBytes = 56 << 10 // of a group at its largest
		codeBits  = 20       // that name a group at its smallest
	)
	groups := min(codes, pixels/tile+1, int64(len(data))*8/codeBits+1)
	return Cost{
		Bytes: 2*4*pixels + 3*4*pixels/tile + groups*codeBytes,
		Work:  time.Duration(pixels) * losslessWork,
	}
}
