package imaging

import (
	"errors"
	"image"

	"siamese/imaging/internal/icc"
)

// pixels is a decoded image that is read as RGB row by row: the conversion of a
// row stays in the processor's cache, and rows that a crop leaves out cost nothing.
type pixels struct {
	width, height int
	area          area // what of them is the image
	// read writes the pixels x0 to before x1 of row y to dst, which is RGB and
	// (x1-x0)·3 bytes long. It is not safe for concurrent use.
	read rowReader
	deep deepReader // read with 16 bits a sample, where that is more than read gives; else nil
}

type rowReader func(dst []byte, y, x0, x1 int)

// look is how an image's samples become colours.
type look struct {
	alpha  Alpha
	colour *icc.Transform // to sRGB; nil: they are that
}

// area is a part of some pixels, in pixels from the top left corner. It is all of
// them unless a decoder shrank the image: the last column and row may then reach
// beyond the image's edge.
type area struct {
	left, top, right, bottom float64
}

// whole is pixels that are all of an image.
func whole(width, height int, read rowReader) pixels {
	return pixels{
		width: width, height: height,
		area: area{right: float64(width), bottom: float64(height)},
		read: read,
	}
}

// pixelsOf gives access to a decoded image of any type that the decoders return.
// None of them starts off the origin.
func pixelsOf(decoded image.Image, header Header, look look) (pixels, error) {
	if deep := deepReaderOf(decoded, look); deep != nil {
		source := whole(header.Width, header.Height, deep.rounded(header.Width))
		source.deep = deep
		return source, nil
	}
	read := readerOf(decoded, header.Format, look)
	if read == nil {
		return pixels{}, errors.New("unexpected pixel layout")
	}
	return whole(header.Width, header.Height, read), nil
}

func readerOf(decoded image.Image, format Format, look look) rowReader {
	alpha := look.alpha
	switch m := decoded.(type) {
	case *image.Paletted:
		return paletteRows(m, look)
	case *image.CMYK:
		return cmykRows(m)
	}
	if look.colour != nil {
		return colouredRows(decoded, format, look)
	}
	switch m := decoded.(type) {
	case *image.Gray:
		return grayRows(m.Pix, m.Stride)
	case *image.NRGBA:
		return straightRows(m.Pix, m.Stride, alpha)
	case *image.RGBA:
		return premultipliedRows(m.Pix, m.Stride, alpha)
	case *image.YCbCr:
		return ycbcrRows(m, tableOf(format))
	case *image.NYCbCrA:
		return ycbcrAlphaRows(m, tableOf(format), alpha)
	}
	return nil
}

// rgbRows reads packed RGB rows of the given width.
func rgbRows(pix []byte, width int) rowReader {
	return func(dst []byte, y, x0, x1 int) {
		copy(dst, pix[(y*width+x0)*3:(y*width+x1)*3])
	}
}

func grayRows(pix []byte, stride int) rowReader {
	return func(dst []byte, y, x0, x1 int) {
		for i, v := range pix[y*stride+x0 : y*stride+x1] {
			p := dst[i*3 : i*3+3]
			p[0], p[1], p[2] = v, v, v
		}
	}
}

func paletteRows(m *image.Paletted, look look) rowReader {
	colors := flattenPalette(m.Palette, look)
	return func(dst []byte, y, x0, x1 int) {
		at := m.PixOffset(x0, y)
		for i, index := range m.Pix[at : at+x1-x0] {
			copy(dst[i*3:i*3+3], colors[index][:])
		}
	}
}

// cmykRows mixes ink as Pillow does: each colour is what the ink and black leave
// of white, (255-ink)·(255-black)/255.
func cmykRows(m *image.CMYK) rowReader {
	return func(dst []byte, y, x0, x1 int) {
		row := m.Pix[y*m.Stride+x0*4 : y*m.Stride+x1*4]
		for i := 0; i < len(row); i += 4 {
			ink, p := row[i:i+4], dst[i/4*3:i/4*3+3]
			light := 255 - ink[3]
			for c := range p {
				p[c] = light - mul255(ink[c], light)
			}
		}
	}
}
