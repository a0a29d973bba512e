package imaging

import (
	"image"
	"time"

	"siamese/imaging/sandbox"
)

// Rates of libtiff in the sandbox, as those of cost.go.
const (
	libtiffByteWork  = 12 * time.Nanosecond  // a byte that is unpacked and placed
	libtiffBlockWork = 12 * time.Microsecond // a strip or tile, of JPEG the dearest
	labWork          = 40 * time.Nanosecond  // a pixel that is turned from L*a*b* into sRGB
)

// secondTIFF decodes by libtiff in the sandbox.
func secondTIFF(t task, from *source) (image.Image, error) {
	m := readTIFF(t.data)
	return sandbox.TIFF.Decode(sandbox.Job{
		Data: t.data, Memory: m.libtiffBytes(len(t.data)), GoOn: from.ask, Args: []uint32{uint32(m.alpha())},
	})
}

// unpacked is the bytes of a strip or tile.
func (m *tiffImage) unpacked() int64 {
	samples := max(m.samples, m.colors())
	if m.separate {
		samples = 1
	}
	return (m.blockWidth*samples*m.bits + 7) / 8 * m.blockHeight
}

// libtiffBytes is the memory of an instance: encoded bytes, those of a strip or tile
// whose bits are turned round, pixels, what a strip or tile is unpacked to and, of JPEG,
// its coefficients and rows, of LZMA, its dictionary, and the places of all blocks. Its
// malloc rounds up to powers of two.
func (m *tiffImage) libtiffBytes(encoded int) int64 {
	const rest, place, rounding = 3 << 20, 64, 2
	bytes := rest + (1+rounding)*int64(encoded) + m.pixelBytes()*m.width*m.height + 2*rounding*m.unpacked()
	if m.compression == compressionJPEG || m.compression == compressionOldJPEG {
		bytes += 4 * rounding * m.unpacked()
	}
	if m.compression == compressionLZMA {
		bytes += rounding * m.unpacked()
	}
	return bytes + place*min(m.blocks()*max(m.samples, 1), int64(encoded))
}

// pixelBytes is how many bytes a pixel has, once it is decoded.
func (m *tiffImage) pixelBytes() int64 {
	bytes := int64(4)
	if m.colors() == 1 && m.alpha() == noAlpha && m.photometric != photometricPalette {
		bytes = 1
	}
	if m.bits > 8 && m.bits <= 16 && m.photometric != photometricCMYK {
		bytes *= 2
	}
	return bytes
}

// libtiffCost counts what an instance takes.
func (m *tiffImage) libtiffCost(encoded int) Cost {
	planes := int64(1)
	if m.separate {
		planes = m.samples
	}
	blocks := m.blocks() * planes
	work := sandboxWork + time.Duration(blocks)*libtiffBlockWork
	work += time.Duration(float64(min(m.unpacked(), 1<<32))*float64(min(blocks, 1<<20))+float64(m.pixelBytes()*m.width*m.height)) * libtiffByteWork
	if m.photometric == photometricLab {
		work += time.Duration(m.width*m.height) * labWork
	}
	return Cost{Bytes: m.libtiffBytes(encoded), Work: work}
}
