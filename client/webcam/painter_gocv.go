//go:build gocv

package webcam

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // OpenCV 4 reads no GIF

	"gocv.io/x/gocv"
)

const (
	// capitalHeight is the height of the drawing font's capitals at scale 1, in
	// pixels.
	capitalHeight = 21
	// keptThumbnail is the longer side that thumbnails are kept at, in pixels:
	// twice what a canvas of the usual size shows.
	keptThumbnail = 160
	// shadeLeft is how much of the picture's light a shade leaves; with white words
	// on it even a white picture has a contrast of 8 to 1.
	shadeLeft = 0.22
)

// NewPainter gives a Painter that draws with OpenCV. The caller closes it.
func NewPainter() Painter {
	return &painter{thumbnails: make(map[string]*gocv.Mat)}
}

type painter struct {
	thumbnails map[string]*gocv.Mat
}

// SetThumbnail implements Painter.
func (p *painter) SetThumbnail(name string, encoded []byte) {
	if old := p.thumbnails[name]; old != nil {
		closing(old)
		delete(p.thumbnails, name)
	}
	decoded, err := decode(encoded)
	if err != nil {
		return
	}
	defer closing(&decoded)
	small := gocv.NewMat()
	size := shrunk(image.Pt(decoded.Cols(), decoded.Rows()), keptThumbnail)
	if gocv.Resize(decoded, &small, size, 0, 0, gocv.InterpolationArea) != nil {
		closing(&small)
		return
	}
	p.thumbnails[name] = &small
}

func decode(encoded []byte) (gocv.Mat, error) {
	decoded, err := gocv.IMDecode(encoded, gocv.IMReadColor)
	if err == nil && !decoded.Empty() {
		return decoded, nil
	}
	if err == nil {
		closing(&decoded)
	}
	other, _, err := image.Decode(bytes.NewReader(encoded))
	if err != nil {
		return gocv.Mat{}, err
	}
	return gocv.ImageToMatRGB(other)
}

// Close implements Painter.
func (p *painter) Close() error {
	for name, thumbnail := range p.thumbnails {
		closing(thumbnail)
		delete(p.thumbnails, name)
	}
	return nil
}

// Paint implements Painter.
func (p *painter) Paint(picture Picture, drawing Drawing) (Picture, error) {
	pixels, err := pixelsOf(picture)
	if err != nil {
		return nil, fmt.Errorf("paint: %w", err)
	}
	black := gocv.NewScalar(0, 0, 0, 0)
	canvas := gocv.NewMatWithSizeFromScalar(black, drawing.Canvas.Y, drawing.Canvas.X, gocv.MatTypeCV8UC3)
	errs := []error{place(pixels, &canvas, drawing.Picture)}
	for _, shape := range drawing.Shapes {
		errs = append(errs, p.shape(&canvas, shape))
	}
	if err := errors.Join(errs...); err != nil {
		closing(&canvas)
		return nil, fmt.Errorf("paint: %w", err)
	}
	return &mat{pixels: canvas}, nil
}

// place scales a picture into a rectangle of the canvas.
func place(pixels gocv.Mat, canvas *gocv.Mat, r image.Rectangle) error {
	part := canvas.Region(r)
	defer closing(&part)
	size := r.Size()
	if pixels.Cols() == size.X && pixels.Rows() == size.Y {
		return pixels.CopyTo(&part)
	}
	how := gocv.InterpolationLinear
	if size.X < pixels.Cols() {
		how = gocv.InterpolationArea
	}
	return gocv.Resize(pixels, &part, size, 0, 0, how)
}

func (p *painter) shape(canvas *gocv.Mat, s Shape) error {
	switch s.Kind {
	case Shade:
		return shade(canvas, s.Rect)
	case Fill:
		return gocv.Rectangle(canvas, inner(s.Rect), s.Color, -1)
	case Frame:
		return gocv.Rectangle(canvas, inner(s.Rect), s.Color, s.Width)
	case Path:
		return path(canvas, s)
	case Words:
		scale := float64(s.Size) / capitalHeight
		return gocv.PutTextWithParams(canvas, s.Text, s.Rect.Min, gocv.FontHersheySimplex, scale, s.Color, s.Width, gocv.LineAA, false)
	case Thumbnail:
		return p.thumbnail(canvas, s)
	}
	return fmt.Errorf("received shape kind %d, expected %d to %d", s.Kind, Shade, Thumbnail)
}

// inner is a rectangle as OpenCV draws it: the last row and column are in it.
func inner(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.X, r.Min.Y, max(r.Min.X, r.Max.X-1), max(r.Min.Y, r.Max.Y-1))
}

func shade(canvas *gocv.Mat, r image.Rectangle) error {
	part := canvas.Region(r)
	defer closing(&part)
	return part.ConvertToWithParams(&part, gocv.MatTypeCV8U, shadeLeft, 0)
}

func path(canvas *gocv.Mat, s Shape) error {
	points := gocv.NewPointsVectorFromPoints([][]image.Point{s.Points})
	defer points.Close()
	return gocv.Polylines(canvas, points, false, s.Color, s.Width)
}

func (p *painter) thumbnail(canvas *gocv.Mat, s Shape) error {
	kept := p.thumbnails[s.Text]
	if kept == nil {
		return gocv.Rectangle(canvas, inner(s.Rect), colorFaint, 1)
	}
	size := shrunk(image.Pt(kept.Cols(), kept.Rows()), s.Rect.Dx())
	corner := s.Rect.Min.Add(s.Rect.Size().Sub(size).Div(2))
	r := image.Rectangle{Min: corner, Max: corner.Add(size)}
	if err := place(*kept, canvas, r); err != nil {
		return err
	}
	return gocv.Rectangle(canvas, inner(r), colorFaint, 1)
}

// shrunk is a size with the longer side of the given length, at least one pixel
// each way.
func shrunk(size image.Point, longer int) image.Point {
	scale := float64(longer) / float64(max(size.X, size.Y))
	return image.Pt(min(longer, scaled(size.X, scale)), min(longer, scaled(size.Y, scale)))
}
