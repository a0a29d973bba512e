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
	return arrangePictures(a, b, image.second.how), nil
}

// arrangePictures lays two pictures of one size onto white paper.
func arrangePictures(a, b *imaging.Picture, how Arrangement) *imaging.Picture {
	out := &imaging.Picture{Width: a.Width, Height: a.Height, Pix: make([]byte, len(a.Pix))}
	if how == Over {
		for i := range out.Pix {
			out.Pix[i] = min(a.Pix[i], b.Pix[i])
		}
		return out
	}
	for i := range out.Pix {
		out.Pix[i] = math.MaxUint8
	}
	width, height := int(combinedShare*float64(a.Width)), int(combinedShare*float64(a.Height))
	right, lower := a.Width-width, a.Height-height
	if how == Beside {
		shrink(out, a, width, height, 0, lower/2)
		shrink(out, b, width, height, right, lower/2)
	} else {
		shrink(out, a, width, height, right/2, 0)
		shrink(out, b, width, height, right/2, lower)
	}
	return out
}

// shrink lays p at a smaller size onto out. Each pixel becomes the darkest of
// those that it covers: the mean would turn thin strokes grey.
func shrink(out, p *imaging.Picture, width, height, left, top int) {
	for y := range height {
		fromY, endY := y*p.Height/height, ((y+1)*p.Height+height-1)/height
		for x := range width {
			fromX, endX := x*p.Width/width, ((x+1)*p.Width+width-1)/width
			to := (*[3]byte)(out.Pix[3*((top+y)*out.Width+left+x):])
			for v := fromY; v < endY; v++ {
				row := p.Pix[3*(v*p.Width+fromX) : 3*(v*p.Width+endX)]
				for i := 0; i < len(row); i += 3 {
					to[0], to[1], to[2] = min(to[0], row[i]), min(to[1], row[i+1]), min(to[2], row[i+2])
				}
			}
		}
	}
}
