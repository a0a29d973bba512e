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
