package imaging

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
)

// pngConfig reads the size from IHDR alone. The library's DecodeConfig walks on
// to the palette and refuses a zero side with no size in its words.
func pngConfig(data []byte) (image.Config, error) {
	const ihdr = len(pngSignature) + 4 // behind the chunk's length
	if len(data) < ihdr+12 || string(data[ihdr:ihdr+4]) != "IHDR" {
		return image.Config{}, errors.New("png: the first chunk is not a whole IHDR")
	}
	return image.Config{
		Width:  int(binary.BigEndian.Uint32(data[ihdr+4:])),
		Height: int(binary.BigEndian.Uint32(data[ihdr+8:])),
	}, nil
}

func decodePNG(_ task, from *source) (image.Image, error) { return png.Decode(from) }

// deflateRatio is the most that deflate packs: 258 bytes into two codes of one
// bit.
const deflateRatio = 258 * 8 / 2

// checkPNGLength holds the header against the bytes that are there: the decoder
// takes the memory for all pixels before it unpacks the first.
func checkPNGLength(header Header, data []byte) error {
	ihdr := pngChunk(data, "IHDR")
	const depth, colour, fields = 8, 9, 13
	if len(ihdr) != fields {
		return fmt.Errorf("png: IHDR has %d bytes, expected %d", len(ihdr), fields)
	}
	// An unknown colour type counts as one sample: the decoder refuses it.
	samples := map[byte]int64{2: 3, 4: 2, 6: 4}[ihdr[colour]]
	bits := int64(ihdr[depth]) * max(samples, 1)
	want := int64(header.Height) * (int64(header.Width)*bits + 7) / 8
	if most := int64(len(data)) * deflateRatio; most < want {
		return fmt.Errorf("png: %d bytes unpack to at most %d, %dx%d pixels of %d bits take %d", len(data), most, header.Width, header.Height, bits, want)
	}
	return nil
}

// pngCost counts the image in the type that the decoder chooses. An interlaced one
// is there a second time, as its seven passes.
func pngCost(header Header, data []byte) (Cost, error) {
	const depthAt, colourAt, interlaceAt = 8, 9, 12
	ihdr := pngChunk(data, "IHDR") // its length was checked
	bytes := map[byte]int64{0: 1, 2: 4, 3: 1, 4: 4, 6: 4}[ihdr[colourAt]]
	if bytes == 1 && ihdr[colourAt] == 0 && pngChunk(data, "tRNS") != nil {
		bytes = 4
	}
	if ihdr[depthAt] == 16 {
		bytes *= 2
	}
	if ihdr[interlaceAt] != 0 {
		bytes *= 2
	}
	return bytesCost(bytes * int64(header.Pixels())), nil
}
