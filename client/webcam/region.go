package webcam

import (
	"fmt"
	"image"
	"strconv"
	"strings"
)

const (
	// minRegionSide is the least side of a region, in pixels: less than that shows
	// nothing that could be told apart.
	minRegionSide = 8
	// maxRegionRatio is how many times the shorter side the longer may be: servers
	// refuse more (Limits.max_side_ratio).
	maxRegionRatio = 20
)

// Region is the part of a picture that is scored. The zero value is the whole
// picture.
type Region struct {
	// Rectangle is the part, in pixels of the picture from its top left corner.
	// Empty: the whole picture, or its centre.
	Rectangle image.Rectangle
	// Centre is the largest square in the middle, at three quarters of the
	// picture's shorter side.
	Centre bool
}

// ParseRegion reads "x,y,w,h" in pixels, "centre" or "full". Errors wrap
// ErrRegion.
func ParseRegion(text string) (Region, error) {
	switch text {
	case "full", "":
		return Region{}, nil
	case "centre", "center":
		return Region{Centre: true}, nil
	}
	fields := strings.Split(text, ",")
	if len(fields) != 4 {
		return Region{}, fmt.Errorf("%w %q: want x,y,w,h in pixels, centre or full", ErrRegion, text)
	}
	var numbers [4]int
	for i, field := range fields {
		number, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || number < 0 {
			return Region{}, fmt.Errorf("%w %q: %q is no whole number from 0, want x,y,w,h in pixels", ErrRegion, text, field)
		}
		numbers[i] = number
	}
	corner := image.Pt(numbers[0], numbers[1])
	region := Region{Rectangle: image.Rectangle{Min: corner, Max: corner.Add(image.Pt(numbers[2], numbers[3]))}}
	return region, checkSides(region.Rectangle)
}

// In is the region's rectangle in a picture of a size. Errors wrap ErrRegion: it
// reaches outside the picture.
func (r Region) In(size image.Point) (image.Rectangle, error) {
	whole := image.Rectangle{Max: size}
	switch {
	case r.Centre:
		side := min(size.X, size.Y) * 3 / 4
		corner := image.Pt((size.X-side)/2, (size.Y-side)/2)
		return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))}, nil
	case r.Rectangle.Empty():
		return whole, nil
	case !r.Rectangle.In(whole):
		return image.Rectangle{}, fmt.Errorf("%w %s: it reaches outside the picture of %dx%d pixels", ErrRegion, r, size.X, size.Y)
	}
	return r.Rectangle, nil
}

// String is the region as ParseRegion reads it.
func (r Region) String() string {
	switch {
	case r.Centre:
		return "centre"
	case r.Rectangle.Empty():
		return "full"
	}
	return fmt.Sprintf("%d,%d,%d,%d", r.Rectangle.Min.X, r.Rectangle.Min.Y, r.Rectangle.Dx(), r.Rectangle.Dy())
}

// dragged is the region that the mouse has drawn in a picture, cut to the
// picture. ok is false where it is too small or too thin to be meant.
func dragged(drawn image.Rectangle, size image.Point) (region Region, ok bool) {
	cut := drawn.Canon().Intersect(image.Rectangle{Max: size})
	if checkSides(cut) != nil {
		return Region{}, false
	}
	return Region{Rectangle: cut}, true
}

func checkSides(r image.Rectangle) error {
	short, long := min(r.Dx(), r.Dy()), max(r.Dx(), r.Dy())
	switch {
	case short < minRegionSide:
		return fmt.Errorf("%w of %dx%d pixels: want at least %dx%d", ErrRegion, r.Dx(), r.Dy(), minRegionSide, minRegionSide)
	case long > short*maxRegionRatio:
		return fmt.Errorf("%w of %dx%d pixels: want sides of at most 1:%d", ErrRegion, r.Dx(), r.Dy(), maxRegionRatio)
	}
	return nil
}

// The canvas is what is shown and recorded. Below the least size the overlay
// would not fit; above the largest a window would not fit a screen, and drawing
// would cost more than scoring.
var (
	minCanvas = image.Pt(640, 480)
	maxCanvas = image.Pt(1280, 960)
)

// fit is where a picture lies on its canvas.
type fit struct {
	canvas  image.Point     // even, as video files want it
	picture image.Rectangle // on the canvas, in the picture's own proportions
	size    image.Point     // of the picture itself
}

// newFit makes the canvas for a picture's size: the picture enlarged or shrunk
// to the canvas' limits, with bars where its proportions are far off.
func newFit(size image.Point) fit {
	scale := 1.0
	if size.X > maxCanvas.X || size.Y > maxCanvas.Y {
		scale = min(float64(maxCanvas.X)/float64(size.X), float64(maxCanvas.Y)/float64(size.Y))
	} else if size.X < minCanvas.X && size.Y < minCanvas.Y {
		scale = min(float64(minCanvas.X)/float64(size.X), float64(minCanvas.Y)/float64(size.Y))
	}
	canvas := image.Pt(max(scaled(size.X, scale), minCanvas.X), max(scaled(size.Y, scale), minCanvas.Y))
	canvas.X += canvas.X & 1
	canvas.Y += canvas.Y & 1
	return lay(size, canvas, scale)
}

// fitInto lays a picture of a size on a canvas that is there already, as large
// as it goes.
func fitInto(size, canvas image.Point) fit {
	return lay(size, canvas, min(float64(canvas.X)/float64(size.X), float64(canvas.Y)/float64(size.Y)))
}

func lay(size, canvas image.Point, scale float64) fit {
	shown := image.Pt(min(scaled(size.X, scale), canvas.X), min(scaled(size.Y, scale), canvas.Y))
	corner := canvas.Sub(shown).Div(2)
	return fit{canvas: canvas, picture: image.Rectangle{Min: corner, Max: corner.Add(shown)}, size: size}
}

// toCanvas turns a rectangle of the picture into one of the canvas.
func (f fit) toCanvas(r image.Rectangle) image.Rectangle {
	return image.Rect(
		f.picture.Min.X+r.Min.X*f.picture.Dx()/f.size.X,
		f.picture.Min.Y+r.Min.Y*f.picture.Dy()/f.size.Y,
		f.picture.Min.X+r.Max.X*f.picture.Dx()/f.size.X,
		f.picture.Min.Y+r.Max.Y*f.picture.Dy()/f.size.Y)
}

// toPicture turns a rectangle of the canvas into one of the picture; it can
// reach outside of it.
func (f fit) toPicture(r image.Rectangle) image.Rectangle {
	r = r.Sub(f.picture.Min)
	return image.Rect(
		r.Min.X*f.size.X/f.picture.Dx(), r.Min.Y*f.size.Y/f.picture.Dy(),
		r.Max.X*f.size.X/f.picture.Dx(), r.Max.Y*f.size.Y/f.picture.Dy())
}

func scaled(side int, scale float64) int {
	return max(1, int(float64(side)*scale+0.5))
}
