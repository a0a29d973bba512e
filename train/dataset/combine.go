package dataset

import (
	"fmt"
	"math"

	"siamese/imaging"
)

// Arrangement says how a combined image is made of two.
type Arrangement int

const (
	// Beside: the first at the left, the second at the right, both smaller.
	Beside Arrangement = iota + 1
	// Above: the first over the second, both smaller.
	Above
	// Over: both drawn onto each other, at full size. Their order says nothing.
	Over
)

// combinedShare is how large the parts of Beside and Above are. Two of them
// overlap by a fifth of the picture, which is margin for most characters.
const combinedShare = 0.6

// part is the second image of a combined one.
type part struct {
	how      Arrangement // 0: there is none
	file     *file
	turns    int
	mirrored bool
}

// Combine names the picture that two images of one dataset make when they are
// arranged: a drawing of a character of which both are parts. It is meant for
// dark drawings on light paper: the darker of two pixels stays. A combined image
// can't be combined again.
func Combine(first, second Image, how Arrangement) (Image, error) {
	if how < Beside || how > Over {
		return Image{}, fmt.Errorf("dataset: arrangement is %d, expected Beside, Above or Over", how)
	}
	if first.second.how != 0 || second.second.how != 0 {
		return Image{}, fmt.Errorf("dataset: %q or %q is combined already", first.Name, second.Name)
	}
	first.Name += "+" + second.Name
	first.second = part{how: how, file: second.file, turns: second.Turns, mirrored: second.Mirrored}
	return first, nil
}

// parts gives the two images that Combine was called with; their names are lost.
func (image Image) parts() (first, second Image) {
	second = Image{Name: image.Name, Turns: image.second.turns, Mirrored: image.second.mirrored, file: image.second.file}
	image.second = part{}
	return image, second
}

// combined makes the picture of a combined image.
func (d *Dataset) combined(image Image) (*imaging.Picture, error) {
	first, second := image.parts()
	a, err := d.Picture(first)
	if err != nil {
		return nil, err
	}
	b, err := d.Picture(second)
	if err != nil {
		return nil, err
	}
	canvas := canvas{width: a.Width, height: a.Height, channels: 3}
	return &imaging.Picture{Width: a.Width, Height: a.Height, Pix: canvas.arrange(a.Pix, b.Pix, image.second.how)}, nil
}

// combinedGray is combined of what Gray gives.
func (d *Dataset) combinedGray(image Image) ([]byte, bool) {
	first, second := image.parts()
	a, okA := d.Gray(first)
	b, okB := d.Gray(second)
	if !okA || !okB {
		return nil, false
	}
	size := d.preparer.Config()
	return canvas{width: size.Width, height: size.Height, channels: 1}.arrange(a, b, image.second.how), true
}

// canvas is how pixels lie.
type canvas struct{ width, height, channels int }

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
