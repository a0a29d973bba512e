package imaging

import (
	"fmt"
	"slices"
)

// Tags of a TIFF beside those of exif.go.
const (
	tagWidth        = 0x0100
	tagHeight       = 0x0101
	tagFillOrder    = 0x010a
	tagSamples      = 0x0115
	tagPlanar       = 0x011c
	tagPredictor    = 0x013d
	tagExtraSamples = 0x0152
	tagSampleFormat = 0x0153
)

// Values of tags that tell how samples are packed.
const (
	compressionNone       = 1
	compressionGroup3     = 3
	compressionGroup4     = 4
	compressionLZW        = 5
	compressionOldJPEG    = 6
	compressionJPEG       = 7
	compressionDeflate    = 8
	compressionPackBits   = 32773
	compressionDeflateOld = 32946
	compressionLZMA       = 34925
	compressionZstandard  = 50000
)

// packings are those that are read, and names of some that are not.
var (
	packings = []int64{
		compressionNone, 2, compressionGroup3, compressionGroup4, compressionLZW, compressionOldJPEG, compressionJPEG,
		compressionDeflate, 32771, compressionPackBits, 32809, compressionDeflateOld, compressionLZMA, compressionZstandard,
	}
	unreadPackings = map[int64]string{
		34661: "JBIG", 34676: "LogLuv", 34677: "LogLuv", 34712: "JPEG 2000", 34887: "LERC",
		50001: "WebP", 50002: "JPEG XL",
	}
)

// Values of tags that tell what samples are.
const (
	whiteIsZero        = 0
	blackIsZero        = 1
	photometricRGB     = 2
	photometricPalette = 3
	photometricCMYK    = 5
	photometricYCbCr   = 6
	photometricLab     = 8

	formatUnsigned = 1
	formatSigned   = 2
	formatFloat    = 3
)

// What a sample behind the colours is: values of the tag, and what libtiff is told.
const (
	extraAssociated   = 1
	extraUnassociated = 2
	extraCorel        = 999 // of CorelDRAW 10: alpha

	noAlpha       = 0
	premultiplied = 1
	straight      = 2
)

// tiffImage is what the tags of the first page say.
type tiffImage struct {
	big                     bool
	width, height           int64
	bits, samples, format   int64
	photometric             int64
	compression             int64
	separate                bool // each sample has a plane of its own
	reversed                bool // bits of a byte
	predicted               bool // samples are differences
	extra                   []int64
	blockWidth, blockHeight int64 // of a strip or tile, pixels; bounded, so that products of them are
}

// readTIFF reads the tags, with what stands for those that are missing.
func readTIFF(data []byte) tiffImage {
	value := func(tag uint16, missing int64) int64 {
		if _, ok := findEntry(data, tag); !ok {
			return missing
		}
		return firstValue(data, tag)
	}
	m := tiffImage{
		width: value(tagWidth, 0), height: value(tagHeight, 0),
		bits: value(tagBitsPerSample, 1), samples: value(tagSamples, 1), format: value(tagSampleFormat, formatUnsigned),
		photometric: value(tagPhotometric, whiteIsZero), compression: value(tagCompression, compressionNone),
		separate: value(tagPlanar, 1) == 2, reversed: value(tagFillOrder, 1) == 2,
		predicted: value(tagPredictor, 1) != 1,
		extra:     allValues(data, tagExtraSamples),
	}
	_, wide := byteOrder(data)
	m.big = wide == 8
	if m.compression == compressionOldJPEG {
		m.photometric = photometricYCbCr
		m.bits = 8
	}
	m.setBlocks(value(tagRowsPerStrip, 0), value(tagTileWidth, 0), value(tagTileLength, 0))
	return m
}

// allValues returns the values of a tag, of a bounded number of them.
func allValues(data []byte, tag uint16) []int64 {
	const most = 16
	e, ok := findEntry(data, tag)
	if !ok {
		return nil
	}
	var all []int64
	for values, _ := e.values(); len(all) < most; {
		value, size := integer(e.kind(), e.order, values)
		if size == 0 {
			break
		}
		all = append(all, value)
		values = values[size:]
	}
	return all
}

func (m *tiffImage) setBlocks(rows, tileWidth, tileHeight int64) {
	const most = 1 << 24
	m.blockWidth, m.blockHeight = m.width, m.height
	if rows > 0 && rows < m.height {
		m.blockHeight = rows
	}
	if tileWidth > 0 {
		m.blockWidth, m.blockHeight = tileWidth, tileHeight
	}
	m.blockWidth, m.blockHeight = min(max(m.blockWidth, 1), most), min(max(m.blockHeight, 1), most)
}

// blocks is how many strips or tiles cover one plane.
func (m *tiffImage) blocks() int64 {
	return (m.width + m.blockWidth - 1) / m.blockWidth * ((m.height + m.blockHeight - 1) / m.blockHeight)
}

// colors is how many samples of a pixel are colours, or an index; 0: not known.
func (m *tiffImage) colors() int64 {
	switch m.photometric {
	case whiteIsZero, blackIsZero, photometricPalette:
		return 1
	case photometricRGB, photometricLab:
		return 3
	case photometricYCbCr:
		if m.samples == 1 && m.compression != compressionOldJPEG {
			return 1
		}
		return 3
	case photometricCMYK:
		return 4
	}
	return 0
}

// alpha is what libtiff is told of the sample behind the colours. RGB of four samples
// that says nothing of the fourth has alpha there, as Pillow takes it.
func (m *tiffImage) alpha() int64 {
	switch {
	case m.samples <= m.colors() || m.photometric == photometricCMYK || m.photometric == photometricYCbCr:
		return noAlpha
	case len(m.extra) == 0 && m.photometric == photometricRGB:
		return straight
	case len(m.extra) == 0:
		return noAlpha
	case m.extra[0] == extraAssociated:
		return premultiplied
	case m.extra[0] == extraUnassociated || m.extra[0] == extraCorel:
		return straight
	}
	return noAlpha
}

// maxSamples bounds the samples of a pixel, as Pillow does.
const maxSamples = 6

// refused says what of an image is read in neither way; "": nothing.
func (m *tiffImage) refused() string {
	if m.width <= 0 || m.height <= 0 {
		return fmt.Sprintf("a TIFF of %dx%d pixels, expected a size", m.width, m.height)
	}
	if !slices.Contains(packings, m.compression) {
		if name, ok := unreadPackings[m.compression]; ok {
			return "a TIFF packed by " + name
		}
		return fmt.Sprintf("a TIFF of compression %d", m.compression)
	}
	if m.samples < m.colors() && m.compression != compressionOldJPEG && m.compression != compressionJPEG || m.samples > maxSamples {
		return fmt.Sprintf("a TIFF of %d samples a pixel", m.samples)
	}
	if !m.isKnown() {
		return fmt.Sprintf("a TIFF of photometric interpretation %d with samples of %d bits and format %d", m.photometric, m.bits, m.format)
	}
	return ""
}

// isKnown reports whether samples of this kind are read.
func (m *tiffImage) isKnown() bool {
	unsigned := m.format == formatUnsigned
	switch m.photometric {
	case whiteIsZero, blackIsZero:
		switch {
		case m.alpha() != noAlpha:
			return unsigned && (m.bits == 8 || m.bits == 16)
		case unsigned:
			return slices.Contains([]int64{1, 2, 4, 8, 12, 16, 32}, m.bits)
		case m.format == formatSigned:
			return slices.Contains([]int64{8, 16, 32}, m.bits)
		}
		return m.format == formatFloat && m.bits == 32
	case photometricPalette:
		return unsigned && slices.Contains([]int64{1, 2, 4, 8}, m.bits)
	case photometricRGB, photometricCMYK:
		return unsigned && (m.bits == 8 || m.bits == 16)
	case photometricYCbCr, photometricLab:
		return unsigned && m.bits == 8
	}
	return false
}

// needsLibtiff reports whether an image goes to libtiff straight: the library in Go does
// not take it, or takes it for another picture.
func (m *tiffImage) needsLibtiff() bool {
	plain := []int64{
		compressionNone, compressionGroup3, compressionGroup4, compressionLZW, compressionDeflate, compressionPackBits, compressionDeflateOld,
	}
	// Only these have predictors. With others libtiff passes over the tag, while the
	// library in Go heeds it.
	predictable := []int64{compressionLZW, compressionDeflate, compressionDeflateOld}
	if m.predicted && !slices.Contains(predictable, m.compression) {
		return true
	}
	if m.big || m.separate || m.reversed || m.format != formatUnsigned || !slices.Contains(plain, m.compression) {
		return true
	}
	switch m.photometric {
	case whiteIsZero, blackIsZero:
		return m.samples != 1 || len(m.extra) > 0 || !slices.Contains([]int64{1, 8, 16}, m.bits)
	case photometricRGB:
		return m.samples != 3+int64(len(m.extra)) || len(m.extra) > 1 || len(m.extra) == 1 && m.extra[0] != extraAssociated && m.extra[0] != extraUnassociated
	case photometricPalette:
		return m.samples != 1 || m.bits != 8
	}
	return true
}
