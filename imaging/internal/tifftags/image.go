package tifftags

import (
	"fmt"
	"slices"
)

// Tags of a TIFF file beside those of tifftags.go.
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
	CompressionNone       = 1
	CompressionGroup3     = 3
	CompressionGroup4     = 4
	compressionLZW        = 5
	CompressionOldJPEG    = 6
	CompressionJPEG       = 7
	CompressionDeflate    = 8
	compressionPackBits   = 32773
	CompressionDeflateOld = 32946
	CompressionLZMA       = 34925
	compressionZstandard  = 50000
)

// packings are those that are read, and names of some that are not.
var (
	packings = []int64{
		CompressionNone, 2, CompressionGroup3, CompressionGroup4, compressionLZW, CompressionOldJPEG, CompressionJPEG,
		CompressionDeflate, 32771, compressionPackBits, 32809, CompressionDeflateOld, CompressionLZMA, compressionZstandard,
	}
	unreadPackings = map[int64]string{
		34661: "JBIG", 34676: "LogLuv", 34677: "LogLuv", 34712: "JPEG 2000", 34887: "LERC",
		50001: "WebP", 50002: "JPEG XL",
	}
)

// Values of tags that tell what samples are.
const (
	whiteIsZero        = 0
	BlackIsZero        = 1
	PhotometricRGB     = 2
	PhotometricPalette = 3
	PhotometricCMYK    = 5
	photometricYCbCr   = 6
	PhotometricLab     = 8

	formatUnsigned = 1
	formatSigned   = 2
	formatFloat    = 3
)

// What a sample behind the colours is: values of the tag, and what libtiff is told.
const (
	extraAssociated   = 1
	extraUnassociated = 2
	extraCorel        = 999 // of CorelDRAW 10: alpha

	NoAlpha       = 0
	premultiplied = 1
	straight      = 2
)

// Image is what the tags of the first page say.
type Image struct {
	big                     bool
	Width, Height           int64
	Bits, Samples, format   int64
	Photometric             int64
	Compression             int64
	Separate                bool // each sample has a plane of its own
	reversed                bool // bits of a byte
	predicted               bool // samples are differences
	extra                   []int64
	BlockWidth, BlockHeight int64 // of a strip or tile, pixels; bounded, so that products of them are
}

// Read reads the tags, with what stands for those that are missing.
func Read(data []byte) Image {
	value := func(tag uint16, missing int64) int64 {
		if _, ok := Find(data, tag); !ok {
			return missing
		}
		return First(data, tag)
	}
	m := Image{
		Width: value(tagWidth, 0), Height: value(tagHeight, 0),
		Bits: value(TagBitsPerSample, 1), Samples: value(tagSamples, 1), format: value(tagSampleFormat, formatUnsigned),
		Photometric: value(TagPhotometric, whiteIsZero), Compression: value(tagCompression, CompressionNone),
		Separate: value(tagPlanar, 1) == 2, reversed: value(tagFillOrder, 1) == 2,
		predicted: value(tagPredictor, 1) != 1,
		extra:     some(data, tagExtraSamples),
	}
	_, wide := ByteOrder(data)
	m.big = wide == 8
	if m.Compression == CompressionOldJPEG {
		m.Photometric = photometricYCbCr
		m.Bits = 8
	}
	m.setBlocks(value(tagRowsPerStrip, 0), value(tagTileWidth, 0), value(tagTileLength, 0))
	return m
}

// some returns the values of a tag, of a bounded number of them.
func some(data []byte, tag uint16) []int64 {
	const most = 16
	var all []int64
	if e, ok := Find(data, tag); ok {
		for value := range e.Integers() {
			if len(all) == most {
				break
			}
			all = append(all, value)
		}
	}
	return all
}

func (m *Image) setBlocks(rows, tileWidth, tileHeight int64) {
	const most = 1 << 24
	m.BlockWidth, m.BlockHeight = m.Width, m.Height
	if rows > 0 && rows < m.Height {
		m.BlockHeight = rows
	}
	if tileWidth > 0 {
		m.BlockWidth, m.BlockHeight = tileWidth, tileHeight
	}
	m.BlockWidth, m.BlockHeight = min(max(m.BlockWidth, 1), most), min(max(m.BlockHeight, 1), most)
}

// Blocks is how many strips or tiles cover one plane.
func (m *Image) Blocks() int64 {
	return (m.Width + m.BlockWidth - 1) / m.BlockWidth * ((m.Height + m.BlockHeight - 1) / m.BlockHeight)
}

// Colors is how many samples of a pixel are colours, or an index; 0: not known.
func (m *Image) Colors() int64 {
	switch m.Photometric {
	case whiteIsZero, BlackIsZero, PhotometricPalette:
		return 1
	case PhotometricRGB, PhotometricLab:
		return 3
	case photometricYCbCr:
		if m.Samples == 1 && m.Compression != CompressionOldJPEG {
			return 1
		}
		return 3
	case PhotometricCMYK:
		return 4
	}
	return 0
}

// Alpha is what libtiff is told of the sample behind the colours. RGB of four samples
// that says nothing of the fourth has alpha there, as Pillow takes it.
func (m *Image) Alpha() int64 {
	switch {
	case m.Samples <= m.Colors() || m.Photometric == PhotometricCMYK || m.Photometric == photometricYCbCr:
		return NoAlpha
	case len(m.extra) == 0 && m.Photometric == PhotometricRGB:
		return straight
	case len(m.extra) == 0:
		return NoAlpha
	case m.extra[0] == extraAssociated:
		return premultiplied
	case m.extra[0] == extraUnassociated || m.extra[0] == extraCorel:
		return straight
	}
	return NoAlpha
}

// maxSamples bounds the samples of a pixel, as Pillow does.
const maxSamples = 6

// Refused says what of an image is read in neither way; "": nothing.
func (m *Image) Refused() string {
	if m.Width <= 0 || m.Height <= 0 {
		return fmt.Sprintf("a TIFF of %dx%d pixels, expected a size", m.Width, m.Height)
	}
	if !slices.Contains(packings, m.Compression) {
		if name, ok := unreadPackings[m.Compression]; ok {
			return "a TIFF packed by " + name
		}
		return fmt.Sprintf("a TIFF of compression %d", m.Compression)
	}
	if m.Samples < m.Colors() && m.Compression != CompressionOldJPEG && m.Compression != CompressionJPEG || m.Samples > maxSamples {
		return fmt.Sprintf("a TIFF of %d samples a pixel", m.Samples)
	}
	if !m.isKnown() {
		return fmt.Sprintf("a TIFF of photometric interpretation %d with samples of %d bits and format %d", m.Photometric, m.Bits, m.format)
	}
	return ""
}

// isKnown reports whether samples of this kind are read.
func (m *Image) isKnown() bool {
	unsigned := m.format == formatUnsigned
	switch m.Photometric {
	case whiteIsZero, BlackIsZero:
		switch {
		case m.Alpha() != NoAlpha:
			return unsigned && (m.Bits == 8 || m.Bits == 16)
		case unsigned:
			return slices.Contains([]int64{1, 2, 4, 8, 12, 16, 32}, m.Bits)
		case m.format == formatSigned:
			return slices.Contains([]int64{8, 16, 32}, m.Bits)
		}
		return m.format == formatFloat && m.Bits == 32
	case PhotometricPalette:
		return unsigned && slices.Contains([]int64{1, 2, 4, 8}, m.Bits)
	case PhotometricRGB, PhotometricCMYK:
		return unsigned && (m.Bits == 8 || m.Bits == 16)
	case photometricYCbCr, PhotometricLab:
		return unsigned && m.Bits == 8
	}
	return false
}

// NeedsLibtiff reports whether an image goes to libtiff straight: the library in Go does
// not take it, or takes it for another picture.
func (m *Image) NeedsLibtiff() bool {
	plain := []int64{
		CompressionNone, CompressionGroup3, CompressionGroup4, compressionLZW, CompressionDeflate, compressionPackBits, CompressionDeflateOld,
	}
	// Only these have predictors. With others libtiff passes over the tag, while the
	// library in Go heeds it.
	predictable := []int64{compressionLZW, CompressionDeflate, CompressionDeflateOld}
	if m.predicted && !slices.Contains(predictable, m.Compression) {
		return true
	}
	if m.big || m.Separate || m.reversed || m.format != formatUnsigned || !slices.Contains(plain, m.Compression) {
		return true
	}
	switch m.Photometric {
	case whiteIsZero, BlackIsZero:
		return m.Samples != 1 || len(m.extra) > 0 || !slices.Contains([]int64{1, 8, 16}, m.Bits)
	case PhotometricRGB:
		return m.Samples != 3+int64(len(m.extra)) || len(m.extra) > 1 || len(m.extra) == 1 && m.extra[0] != extraAssociated && m.extra[0] != extraUnassociated
	case PhotometricPalette:
		return m.Samples != 1 || m.Bits != 8
	}
	return true
}
