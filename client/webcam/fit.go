package webcam

import "image"

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
