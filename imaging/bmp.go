package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/bmp"
)

func bmpConfig(data []byte) (image.Config, error) { return bmp.DecodeConfig(bytes.NewReader(data)) }

func bmpCost(header Header, _ []byte) (Cost, error) {
	return bytesCost(4 * int64(header.Pixels())), nil
}

func decodeBMP(_ task, from *source) (image.Image, error) { return bmp.Decode(from) }

// checkBMPLength holds the header against the bytes that are there: the decoder
// takes the memory for all pixels before it reads the first.
func checkBMPLength(header Header, data []byte) error {
	const offsetField, depthField = 10, 28
	if len(data) < depthField+2 {
		return errors.New("bmp: no whole header")
	}
	start := int64(binary.LittleEndian.Uint32(data[offsetField:]))
	depth := int64(binary.LittleEndian.Uint16(data[depthField:]))
	rowBytes := (int64(header.Width)*depth + 31) / 32 * 4
	if want := start + rowBytes*int64(header.Height); int64(len(data)) < want {
		return fmt.Errorf("bmp: %d bytes, %dx%d pixels of %d bits take %d", len(data), header.Width, header.Height, depth, want)
	}
	return nil
}
