// Package views makes small shifts, turns and scales of a picture, for a network to be
// asked about each: the mean of what it says errs less than what it says of the picture
// alone.
//
// The list is fixed, so that equal pictures give equal views wherever they are made, and
// the first n views are the same however many are made.
package views

import (
	"fmt"
	"math"

	"siamese/imaging"
)

// Most is how many views of a picture there are, the picture itself among them.
const Most = 16

// move is how a view differs from the picture, about its centre.
type move struct {
	right, down float64 // shares of width and height by which the content is shifted
	turn        float64 // degrees clockwise
	scale       float64 // how many times as large the content is
}

// moves are the views after the picture itself, those first that cost a network trained
// with moves of its own the least: shifts, then turns and scales, then all together. Each
// is small enough for a drawing to stay what it is.
var moves = [Most - 1]move{
	{right: 0.03, scale: 1},
	{right: -0.03, scale: 1},
	{down: 0.03, scale: 1},
	{down: -0.03, scale: 1},
	{right: 0.06, scale: 1},
	{right: -0.06, scale: 1},
	{down: 0.06, scale: 1},
	{down: -0.06, scale: 1},
	{turn: 4, scale: 1},
	{turn: -4, scale: 1},
	{scale: 1.07},
	{scale: 0.93},
	{turn: 3, scale: 1.05, down: 0.015},
	{turn: -3, scale: 1.05, down: -0.015},
	{turn: 3, scale: 0.95, right: 0.015},
}

// Of returns the first n views of a picture, 1 to [Most], all of its size. The first is
// the picture itself, not a copy. What a view shows from beyond the picture's edge has
// the colour of the edge nearest to it. It changes nothing and is safe for concurrent
// use.
func Of(picture *imaging.Picture, n int) ([]*imaging.Picture, error) {
	if n < 1 || n > Most {
		return nil, fmt.Errorf("views: received a wish for %d views, expected 1 to %d", n, Most)
	}
	if p := picture; p.Width < 1 || p.Height < 1 || len(p.Pix) != 3*p.Width*p.Height {
		return nil, fmt.Errorf("views: received a picture of %dx%d with %d bytes, expected 3 bytes a pixel and positive sides", p.Width, p.Height, len(p.Pix))
	}
	views := make([]*imaging.Picture, n)
	views[0] = picture
	for i := range n - 1 {
		views[i+1] = moves[i].of(picture)
	}
	return views, nil
}

// Mean is the similarity of two images that have several views: the mean of that of the
// images as they are, of those of a's further views with b, and of those of b's with a.
// Sums are made side by side, so that swapping a and b changes no bit; without further
// views it is the first as it is.
func Mean(asTheyAre float32, ofA, ofB []float32) float32 {
	sum := float64(asTheyAre) + (total(ofA) + total(ofB))
	return float32(sum / float64(1+len(ofA)+len(ofB)))
}

func total(values []float32) (sum float64) {
	for _, v := range values {
		sum += float64(v)
	}
	return sum
}

// Places are in 65,536ths of a pixel and weights in 256ths, so that every machine rounds
// alike.
const (
	placeBits  = 16
	onePixel   = 1 << placeBits
	weightBits = 8
	oneWeight  = 1 << weightBits
)

// of makes a view: each of its pixels is read, between four pixels of the picture, at
// the place that the move brings there.
func (m move) of(picture *imaging.Picture) *imaging.Picture {
	w, h := picture.Width, picture.Height
	view := &imaging.Picture{Width: w, Height: h, Pix: make([]byte, len(picture.Pix))}
	sin, cos := math.Sincos(m.turn * math.Pi / 180)
	along, across := fixed(cos/m.scale), fixed(sin/m.scale) // how the place moves with a step to the right
	// The middle of the first pixel, from the centre of the content.
	x0 := -fixed(float64(w-1)/2 + m.right*float64(w))
	y0 := -fixed(float64(h-1)/2 + m.down*float64(h))
	centreX, centreY := fixed(float64(w-1)/2), fixed(float64(h-1)/2)
	out := view.Pix
	for row := range h {
		y := y0 + row*onePixel
		for column := range w {
			x := x0 + column*onePixel
			fromX := centreX + (x*along+y*across)>>placeBits
			fromY := centreY + (y*along-x*across)>>placeBits
			sample(out[:3:3], picture, fromX, fromY)
			out = out[3:]
		}
	}
	return view
}

// fixed is a number in 65,536ths, rounded.
func fixed(v float64) int { return int(math.Round(v * onePixel)) }

// sample reads a pixel between four pixels of the picture.
func sample(to []byte, p *imaging.Picture, x, y int) {
	left, rightWeight := split(x, p.Width)
	top, lowerWeight := split(y, p.Height)
	right, lower := min(left+1, p.Width-1), min(top+1, p.Height-1)
	a, b := p.Pix[3*(top*p.Width+left):], p.Pix[3*(top*p.Width+right):]
	c, d := p.Pix[3*(lower*p.Width+left):], p.Pix[3*(lower*p.Width+right):]
	for i := range to {
		above := int(a[i])*(oneWeight-rightWeight) + int(b[i])*rightWeight
		below := int(c[i])*(oneWeight-rightWeight) + int(d[i])*rightWeight
		sum := above*(oneWeight-lowerWeight) + below*lowerWeight
		to[i] = byte((sum + 1<<(2*weightBits-1)) >> (2 * weightBits))
	}
}

// split returns the pixel at or before a place, held within the picture, and the weight
// of the one after it.
func split(place, size int) (pixel, weight int) {
	place = min(max(place, 0), (size-1)*onePixel)
	return place >> placeBits, place & (onePixel - 1) >> (placeBits - weightBits)
}
