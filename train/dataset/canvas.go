package dataset

import (
	"fmt"
	"math"
)

// combinedShare is how large the parts of Beside and Above are. Two of them
// overlap by a fifth of the picture, which is margin for most characters.
const combinedShare = 0.6

// canvas is how the pixels of a picture lie.
type canvas struct{ width, height, channels int }

// canvas is that of the dataset's pictures.
func (d *Dataset) canvas(channels int) canvas {
	config := d.preparer.Config()
	return canvas{width: config.Width, height: config.Height, channels: channels}
}

// pose gives the pixels mirrored and then turned as the image says; the same ones
// where it says neither.
func (c canvas) pose(pixels []byte, image Image) ([]byte, error) {
	turns := image.Turns & (quarters - 1)
	if turns != 0 && c.width != c.height {
		return nil, fmt.Errorf("%w: received %dx%d", ErrNotSquare, c.width, c.height)
	}
	if image.Mirrored {
		pixels = c.mirror(pixels)
	}
	if turns != 0 {
		pixels = c.turn(pixels, turns)
	}
	return pixels, nil
}

// mirror exchanges left and right.
func (c canvas) mirror(pixels []byte) []byte {
	out := make([]byte, len(pixels))
	stride := c.channels * c.width
	for row := 0; row < len(pixels); row += stride {
		for x := 0; x < stride; x += c.channels {
			copy(out[row+stride-c.channels-x:][:c.channels], pixels[row+x:])
		}
	}
	return out
}

// turn turns a square clockwise by quarters, 1 to 3.
func (c canvas) turn(pixels []byte, turns int) []byte {
	side, last := c.width, c.width-1
	out := make([]byte, len(pixels))
	for y := range side {
		for x := range side {
			toX, toY := last-y, x
			switch turns {
			case 2:
				toX, toY = last-x, last-y
			case 3:
				toX, toY = y, last-x
			}
			from, to := c.channels*(y*side+x), c.channels*(toY*side+toX)
			copy(out[to:to+c.channels], pixels[from:from+c.channels])
		}
	}
	return out
}

// arrange lays the pixels of two pictures onto white paper.
func (c canvas) arrange(a, b []byte, how Arrangement) []byte {
	out := make([]byte, len(a))
	if how == Over {
		for i := range out {
			out[i] = min(a[i], b[i])
		}
		return out
	}
	for i := range out {
		out[i] = math.MaxUint8
	}
	right, lower := c.width-c.part(c.width), c.height-c.part(c.height)
	if how == Beside {
		c.shrink(out, a, 0, lower/2)
		c.shrink(out, b, right, lower/2)
	} else {
		c.shrink(out, a, right/2, 0)
		c.shrink(out, b, right/2, lower)
	}
	return out
}

// part is how long the side of a part is.
func (c canvas) part(side int) int {
	return max(1, int(combinedShare*float64(side)))
}

// shrink lays a picture's pixels at a smaller size onto out. Each becomes the
// darkest of those that it covers: the mean would turn thin strokes gray.
func (c canvas) shrink(out, pixels []byte, left, top int) {
	width, height := c.part(c.width), c.part(c.height)
	for y := range height {
		fromY, endY := y*c.height/height, ((y+1)*c.height+height-1)/height
		for x := range width {
			fromX, endX := x*c.width/width, ((x+1)*c.width+width-1)/width
			to := out[c.channels*((top+y)*c.width+left+x):][:c.channels]
			for v := fromY; v < endY; v++ {
				row := pixels[c.channels*(v*c.width+fromX) : c.channels*(v*c.width+endX)]
				for len(row) > 0 {
					for i := range to {
						to[i] = min(to[i], row[i])
					}
					row = row[c.channels:]
				}
			}
		}
	}
}
