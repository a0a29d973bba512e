package imaging

import (
	"image"
	"image/color"
)

// Alpha says what becomes of transparency.
type Alpha int

const (
	// CompositeWhite lays the image on white.
	CompositeWhite Alpha = iota
	// DropAlpha takes the colours as they are stored, as the network's original
	// trainer does, whatever a fully transparent pixel may hide.
	DropAlpha
)

// String names the rule as flags and model cards do.
func (a Alpha) String() string {
	if a == DropAlpha {
		return "drop"
	}
	return "white"
}

// flatten turns one straight (not premultiplied) colour into RGB.
func flatten(r, g, b, a byte, alpha Alpha) [3]byte {
	if alpha == DropAlpha || a == 255 {
		return [3]byte{r, g, b}
	}
	// r·a/255 + white·(255-a)/255, written so that it rounds once, as Pillow's
	// paste with a mask does.
	return [3]byte{255 - mul255(255-r, a), 255 - mul255(255-g, a), 255 - mul255(255-b, a)}
}

// mul255 is round(a·b/255).
func mul255(a, b byte) byte {
	v := uint32(a)*uint32(b) + 128
	return byte((v + v>>8) >> 8)
}

// flattenPalette flattens every colour; indices beyond the palette are black.
func flattenPalette(palette color.Palette, look look) *[256][3]byte {
	var colors [256][3]byte
	for i := range min(len(palette), len(colors)) {
		c := color.NRGBAModel.Convert(palette[i]).(color.NRGBA)
		level := [3]byte{c.R, c.G, c.B}
		if look.colour != nil {
			look.colour.Apply8(level[:])
		}
		colors[i] = flatten(level[0], level[1], level[2], c.A, look.alpha)
	}
	return &colors
}

// straightRows reads RGBA whose colours are not premultiplied.
func straightRows(pix []byte, stride int, alpha Alpha) rowReader {
	return func(dst []byte, y, x0, x1 int) {
		row := pix[y*stride+x0*4 : y*stride+x1*4]
		for i := 0; len(row) >= 4; i += 3 {
			r, g, b, a := row[0], row[1], row[2], row[3]
			if a != 255 {
				c := flatten(r, g, b, a, alpha)
				r, g, b = c[0], c[1], c[2]
			}
			p := dst[i : i+3]
			p[0], p[1], p[2] = r, g, b
			row = row[4:]
		}
	}
}

// premultipliedRows reads RGBA whose colours are multiplied by their alpha.
func premultipliedRows(pix []byte, stride int, alpha Alpha) rowReader {
	return func(dst []byte, y, x0, x1 int) {
		row := pix[y*stride+x0*4 : y*stride+x1*4]
		for i := 0; len(row) >= 4; i += 3 {
			r, g, b, a := row[0], row[1], row[2], row[3]
			if a != 255 {
				r, g, b = unmultiply(r, a, alpha), unmultiply(g, a, alpha), unmultiply(b, a, alpha)
			}
			p := dst[i : i+3]
			p[0], p[1], p[2] = r, g, b
			row = row[4:]
		}
	}
}

// unmultiply flattens one premultiplied level. A level above its alpha is
// malformed and counts as full.
func unmultiply(level, a byte, alpha Alpha) byte {
	if alpha == CompositeWhite {
		return byte(min(255, int(level)+255-int(a)))
	}
	if a == 0 {
		return 0
	}
	return byte(min(255, int(level)*255/int(a)))
}

// ycbcrAlphaRows reads the one layout with a separate plane of alpha (WebP).
func ycbcrAlphaRows(m *image.NYCbCrA, t *ycbcrTable, alpha Alpha) rowReader {
	colors := ycbcrRows(&m.YCbCr, t)
	return func(dst []byte, y, x0, x1 int) {
		colors(dst, y, x0, x1)
		for i, a := range m.A[y*m.AStride+x0 : y*m.AStride+x1] {
			p := dst[i*3 : i*3+3]
			c := flatten(p[0], p[1], p[2], a, alpha)
			copy(p, c[:])
		}
	}
}
