package dataset

import (
	"fmt"

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

// part is the second image of a combined one.
type part struct {
	how      Arrangement // 0: there is none
	file     *file
	turns    int
	mirrored bool
	redrawn  redrawing
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
	first.second = part{how: how, file: second.file, turns: second.Turns, mirrored: second.Mirrored, redrawn: second.redrawn}
	return first, nil
}

// parts gives the two images that Combine was called with; their names are lost.
func (image Image) parts() (first, second Image) {
	second = Image{Name: image.Name, Turns: image.second.turns, Mirrored: image.second.mirrored, file: image.second.file, redrawn: image.second.redrawn}
	image.second = part{}
	return image, second
}

// combined makes the picture of a combined image.
func (d *Dataset) combined(image Image) (*imaging.Picture, error) {
	first, second := image.parts()
	a, err := d.picture(first)
	if err != nil {
		return nil, err
	}
	b, err := d.picture(second)
	if err != nil {
		return nil, err
	}
	a.Pix = d.canvas(3).arrange(a.Pix, b.Pix, image.second.how)
	return a, nil
}

// combinedGray is combined of what Gray gives.
func (d *Dataset) combinedGray(image Image) ([]byte, bool) {
	first, second := image.parts()
	a, okA := d.Gray(first)
	b, okB := d.Gray(second)
	if !okA || !okB {
		return nil, false
	}
	return d.canvas(1).arrange(a, b, image.second.how), true
}
