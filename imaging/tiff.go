package imaging

import (
	"fmt"
	"image"
	"time"

	"golang.org/x/image/tiff"
)

// tiffConfig reads the size from the tags, and refuses what is read in neither way.
func tiffConfig(data []byte) (image.Config, error) {
	m := readTIFF(data)
	if why := m.refused(); why != "" {
		return image.Config{}, fmt.Errorf("%s", why)
	}
	return image.Config{Width: int(m.width), Height: int(m.height)}, nil
}

// decodeTIFF decodes the first page, and puts one case of the library right:
// runs that fax coding calls white are 0 bits whatever a 0 stands for, as
// libtiff reads them, while the library takes them for white even where 0 is
// declared black, and so returns a negative.
func decodeTIFF(task task, from *source) (image.Image, error) {
	data := task.data
	m := readTIFF(data)
	if m.needsLibtiff() {
		return secondTIFF(task, from)
	}
	decoded, err := tiff.Decode(readerAt{from, data})
	if err != nil {
		return nil, err
	}
	fax := m.compression == compressionGroup3 || m.compression == compressionGroup4
	if gray, ok := decoded.(*image.Gray); ok && fax && m.photometric == blackIsZero {
		for i := range gray.Pix {
			gray.Pix[i] = 255 - gray.Pix[i]
		}
	}
	return decoded, nil
}

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
	m := readTIFF(data)
	if m.needsLibtiff() {
		return m.libtiffCost(len(data)), nil
	}
	pixels := int64(h.Width) * int64(h.Height)
	bytes := int64(1)
	if m.photometric == photometricRGB {
		bytes = 4
	}
	if m.bits == 16 {
		bytes *= 2
	}
	blocks := m.blocks()
	unpacked := limit * m.blockWidth * m.blockHeight
	switch m.compression {
	case compressionNone:
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
