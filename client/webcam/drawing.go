package webcam

import (
	"image"
	"image/color"
)

// Drawing is what a Painter makes of a picture: a canvas, where the picture
// lies on it, and shapes over it in their order.
type Drawing struct {
	// Canvas is columns and rows, both even.
	Canvas image.Point
	// Picture is where the picture goes, scaled; the rest of the canvas is black.
	Picture image.Rectangle
	Shapes  []Shape
}

// ShapeKind says which of a Shape's fields count.
type ShapeKind int

// The kinds of shapes.
const (
	// Shade darkens Rect, so that light words on it can be read on any picture.
	Shade ShapeKind = iota
	// Fill fills Rect with Color.
	Fill
	// Frame draws Rect's border in Color, Width pixels thick.
	Frame
	// Path joins Points by a line in Color, Width pixels thick.
	Path
	// Words writes Text in Color, its baseline beginning at Rect.Min, Size pixels
	// high, with strokes of Width.
	Words
	// Thumbnail shows the picture of the reference Text within Rect.
	Thumbnail
)

// Shape is one thing to draw, in the canvas' pixels.
type Shape struct {
	Kind   ShapeKind
	Rect   image.Rectangle
	Points []image.Point
	Text   string // printable ASCII for Words
	Size   int    // the height of capitals, in pixels
	Width  int
	Color  color.RGBA
}

// The colours of the overlay: light ones, for shaded ground.
var (
	colorText  = color.RGBA{R: 240, G: 240, B: 240, A: 255}
	colorFaint = color.RGBA{R: 165, G: 165, B: 165, A: 255}
	colorSame  = color.RGBA{R: 80, G: 220, B: 110, A: 255}
	colorOther = color.RGBA{R: 255, G: 120, B: 95, A: 255}
	colorWarn  = color.RGBA{R: 255, G: 200, B: 70, A: 255}
	colorTrack = color.RGBA{R: 70, G: 70, B: 70, A: 255}
	colorBlack = color.RGBA{A: 255}
)

func (d *Drawing) shade(r image.Rectangle) {
	d.Shapes = append(d.Shapes, Shape{Kind: Shade, Rect: r})
}

func (d *Drawing) fill(r image.Rectangle, c color.RGBA) {
	d.Shapes = append(d.Shapes, Shape{Kind: Fill, Rect: r, Color: c})
}

func (d *Drawing) path(c color.RGBA, width int, points ...image.Point) {
	d.Shapes = append(d.Shapes, Shape{Kind: Path, Points: points, Color: c, Width: width})
}

// region draws a border that shows on light and dark ground: black around light.
func (d *Drawing) region(r image.Rectangle, c color.RGBA) {
	d.Shapes = append(d.Shapes,
		Shape{Kind: Frame, Rect: r, Color: colorBlack, Width: 5},
		Shape{Kind: Frame, Rect: r, Color: c, Width: 2})
}

// words writes a text that is cut to a width in pixels; 0: not cut.
func (d *Drawing) words(at image.Point, size, width int, c color.RGBA, text string) {
	d.Shapes = append(d.Shapes, Shape{
		Kind: Words, Rect: image.Rectangle{Min: at, Max: at}, Size: size, Width: 1 + size/15, Color: c,
		Text: cut(plain(text), size, width),
	})
}

// cut shortens a text to a width in pixels. A letter of the drawing font is, on
// average, 0.85 times as wide as capitals are high.
func cut(text string, size, width int) string {
	if width <= 0 {
		return text
	}
	letters := max(4, width*100/max(1, 85*size))
	if len(text) <= letters {
		return text
	}
	return text[:letters-3] + "..."
}

// plain makes a text printable with OpenCV's fonts, which know ASCII alone.
func plain(text string) string {
	letters := make([]byte, 0, len(text))
	for _, r := range text {
		if r < ' ' || r > '~' {
			r = '?'
		}
		letters = append(letters, byte(r))
	}
	return string(letters)
}
