package imaging

import (
	"fmt"
	"image"
	"time"

	"golang.org/x/image/tiff"

	"siamese/imaging/internal/tifftags"
	"siamese/imaging/sandbox"
)

// Rates of libtiff in the sandbox, as those of cost.go.
const (
	libtiffByteWork  = 12 * time.Nanosecond  // a byte that is unpacked and placed
	libtiffBlockWork = 12 * time.Microsecond // a strip or tile, of JPEG the dearest
	labWork          = 40 * time.Nanosecond  // a pixel that is turned from L*a*b* into sRGB
)

// tiffConfig reads the size from the tags, and refuses what is read in neither way.
func tiffConfig(data []byte) (image.Config, error) {
	m := tifftags.Read(data)
	if why := m.Refused(); why != "" {
		return image.Config{}, fmt.Errorf("%s", why)
	}
	return image.Config{Width: int(m.Width), Height: int(m.Height)}, nil
}

// decodeTIFF decodes the first page, and puts one case of the library right:
// runs that fax coding calls white are 0 bits whatever a 0 stands for, as
// libtiff reads them, while the library takes them for white even where 0 is
// declared black, and so returns a negative.
func decodeTIFF(task task, from *source) (image.Image, error) {
	data := task.data
	m := tifftags.Read(data)
	if m.NeedsLibtiff() {
		return byLibtiff(m, task, from)
	}
	decoded, err := tiff.Decode(readerAt{from, data})
	if err != nil {
		return nil, err
	}
	fax := m.Compression == tifftags.CompressionGroup3 || m.Compression == tifftags.CompressionGroup4
	if gray, ok := decoded.(*image.Gray); ok && fax && m.Photometric == tifftags.BlackIsZero {
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
	for _, tag := range []uint16{tifftags.TagStripByteCounts, tifftags.TagTileByteCounts} {
		counts, ok := tifftags.Find(data, tag)
		if !ok {
			continue
		}
		total := int64(0)
		for count := range counts.Integers() {
			total += count
		}
		if total > maxBlockOverlap*int64(len(data)) {
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
	m := tifftags.Read(data)
	if m.NeedsLibtiff() {
		return libtiffCost(m, len(data)), nil
	}
	pixels := int64(h.Width) * int64(h.Height)
	bytes := int64(1)
	if m.Photometric == tifftags.PhotometricRGB {
		bytes = 4
	}
	if m.Bits == 16 {
		bytes *= 2
	}
	blocks := m.Blocks()
	unpacked := limit * m.BlockWidth * m.BlockHeight
	switch m.Compression {
	case tifftags.CompressionNone:
		unpacked = min(unpacked, int64(len(data)))
	case tifftags.CompressionDeflate, tifftags.CompressionDeflateOld:
		unpacked = min(unpacked, deflateRatio*int64(len(data)))
	}
	cost := bytesCost(bytes * pixels)
	const place = 2 * (8 + 4) // of a block in the file: where, and how long
	cost.Bytes += growth*unpacked + place*min(blocks, int64(len(data)))
	cost.Work += time.Duration(min(limit*pixels, max(unpacked, bytes*pixels)))*byteWork + time.Duration(blocks)*blockWork
	return cost, nil
}

// secondTIFF decodes by libtiff in the sandbox what decodeTIFF refuses.
func secondTIFF(t task, from *source) (image.Image, error) {
	return byLibtiff(tifftags.Read(t.data), t, from)
}

func byLibtiff(m tifftags.Image, t task, from *source) (image.Image, error) {
	return sandbox.TIFF.Decode(sandbox.Job{
		Data: t.data, Memory: libtiffBytes(m, len(t.data)), GoOn: from.ask, Args: []uint32{uint32(m.Alpha())},
	})
}

// unpacked is the bytes of a strip or tile.
func unpacked(m tifftags.Image) int64 {
	samples := max(m.Samples, m.Colors())
	if m.Separate {
		samples = 1
	}
	return (m.BlockWidth*samples*m.Bits + 7) / 8 * m.BlockHeight
}

// libtiffBytes is the memory of an instance: encoded bytes, those of a strip or tile
// whose bits are turned round, pixels, what a strip or tile is unpacked to and, of JPEG,
// its coefficients and rows, of LZMA, its dictionary, and the places of all blocks. Its
// malloc rounds up to powers of two.
func libtiffBytes(m tifftags.Image, encoded int) int64 {
	const rest, place, rounding = 3 << 20, 64, 2
	bytes := rest + (1+rounding)*int64(encoded) + pixelBytes(m)*m.Width*m.Height + 2*rounding*unpacked(m)
	if m.Compression == tifftags.CompressionJPEG || m.Compression == tifftags.CompressionOldJPEG {
		bytes += 4 * rounding * unpacked(m)
	}
	if m.Compression == tifftags.CompressionLZMA {
		bytes += rounding * unpacked(m)
	}
	return bytes + place*min(m.Blocks()*max(m.Samples, 1), int64(encoded))
}

// pixelBytes is how many bytes a pixel has, once it is decoded.
func pixelBytes(m tifftags.Image) int64 {
	bytes := int64(4)
	if m.Colors() == 1 && m.Alpha() == tifftags.NoAlpha && m.Photometric != tifftags.PhotometricPalette {
		bytes = 1
	}
	if m.Bits > 8 && m.Bits <= 16 && m.Photometric != tifftags.PhotometricCMYK {
		bytes *= 2
	}
	return bytes
}

// libtiffCost counts what an instance takes.
func libtiffCost(m tifftags.Image, encoded int) Cost {
	planes := int64(1)
	if m.Separate {
		planes = m.Samples
	}
	blocks := m.Blocks() * planes
	work := sandboxWork + time.Duration(blocks)*libtiffBlockWork
	work += time.Duration(float64(min(unpacked(m), 1<<32))*float64(min(blocks, 1<<20))+float64(pixelBytes(m)*m.Width*m.Height)) * libtiffByteWork
	if m.Photometric == tifftags.PhotometricLab {
		work += time.Duration(m.Width*m.Height) * labWork
	}
	return Cost{Bytes: libtiffBytes(m, encoded), Work: work}
}
