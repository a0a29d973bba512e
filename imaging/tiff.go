package imaging

import (
	"bytes"
	"fmt"
	"image"
	"time"

	"golang.org/x/image/tiff"
)

func tiffConfig(data []byte) (image.Config, error) { return tiff.DecodeConfig(bytes.NewReader(data)) }

// decodeTIFF decodes the first page, and puts one case of the library right:
// runs that fax coding calls white are 0 bits whatever a 0 stands for, as
// libtiff reads them, while the library takes them for white even where 0 is
// declared black, and so returns a negative.
func decodeTIFF(task task, from *source) (image.Image, error) {
	data := task.data
	decoded, err := tiff.Decode(readerAt{from, data})
	if err != nil {
		return nil, err
	}
	if gray, ok := decoded.(*image.Gray); ok && faxBlackIsZero(data) {
		for i := range gray.Pix {
			gray.Pix[i] = 255 - gray.Pix[i]
		}
	}
	return decoded, nil
}

func faxBlackIsZero(data []byte) bool {
	const (
		groupThree  = 3
		groupFour   = 4
		blackIsZero = 1
	)
	compression, _ := shortTag(data, tagCompression)
	photometric, _ := shortTag(data, tagPhotometric)
	return photometric == blackIsZero && (compression == groupThree || compression == groupFour)
}

// Values of tags that tell what decoding takes.
const (
	compressionNone       = 1
	compressionDeflate    = 8
	compressionDeflateOld = 32946
	photometricRGB        = 2
)

// maxBlockOverlap bounds how often a TIFF's blocks of pixels, its strips or
// tiles, may cover the file. In a sound file they lie side by side. Were there no
// bound, hundreds of thousands of tiles could name the same megabytes of
// compressed nothing, to be read again for each.
const maxBlockOverlap = 4

func checkBlocks(_ Header, data []byte) error {
	for _, tag := range []uint16{tagStripByteCounts, tagTileByteCounts} {
		counts, ok := findEntry(data, tag)
		if !ok {
			continue
		}
		if total := counts.sum(); total > maxBlockOverlap*int64(len(data)) {
			return fmt.Errorf("tiff: strips or tiles of %d bytes in a file of %d", total, len(data))
		}
	}
	return nil
}

// tiffCost counts the image and the largest strip or tile, which is unpacked into a
// buffer that doubles as it grows: up to three times what the decoder lets it become,
// eight bytes a pixel.
func tiffCost(h Header, data []byte) (Cost, error) {
	const limit, growth = 8, 3
	pixels := int64(h.Width) * int64(h.Height)
	bytes := int64(1)
	if firstValue(data, tagPhotometric) == photometricRGB {
		bytes = 4
	}
	if firstValue(data, tagBitsPerSample) == 16 {
		bytes *= 2
	}
	width, height := int64(h.Width), int64(h.Height) // of a block
	if rows := firstValue(data, tagRowsPerStrip); rows > 0 && rows < height {
		height = rows
	}
	if tile := firstValue(data, tagTileWidth); tile > 0 {
		width, height = tile, max(firstValue(data, tagTileLength), 1)
	}
	blocks := (int64(h.Width) + width - 1) / width * ((int64(h.Height) + height - 1) / height)
	unpacked := limit * width * height
	switch firstValue(data, tagCompression) {
	case 0, compressionNone:
		unpacked = min(unpacked, int64(len(data)))
	case compressionDeflate, compressionDeflateOld:
		unpacked = min(unpacked, deflateRatio*int64(len(data)))
	}
	cost := bytesCost(bytes * pixels)
	const place = 2 * (8 + 4) // of a block in the file: where, and how long
	cost.Bytes += growth*unpacked + place*min(blocks, int64(len(data)))
	cost.Work += time.Duration(min(limit*pixels, max(unpacked, bytes*pixels)))*byteWork + time.Duration(blocks)*blockWork
	return cost, nil
}
