package imaging

import (
	"fmt"
	"image"

	"golang.org/x/image/tiff"
)

// decodeTIFF decodes the first page, and puts one case of the library right:
// runs that fax coding calls white are 0 bits whatever a 0 stands for, as
// libtiff reads them, while the library takes them for white even where 0 is
// declared black, and so returns a negative.
func decodeTIFF(data []byte, from *source) (image.Image, error) {
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

func checkBlocks(data []byte) error {
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
