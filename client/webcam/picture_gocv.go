//go:build gocv

package webcam

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"siamese/imaging"
)

// mat is a Picture in OpenCV's memory: rows × columns × 3 bytes, BGR.
type mat struct {
	pixels gocv.Mat
}

// Size implements Picture.
func (m *mat) Size() image.Point {
	return image.Pt(m.pixels.Cols(), m.pixels.Rows())
}

// Encode implements Picture.
func (m *mat) Encode(region image.Rectangle, encoding Encoding) ([]byte, error) {
	if !region.In(image.Rectangle{Max: m.Size()}) || region.Empty() {
		return nil, fmt.Errorf("encode: received region %v, expected one within %v", region, m.Size())
	}
	part := m.pixels.Region(region)
	defer closing(&part)
	if target := encoding.target(region.Size()); target != region.Size() {
		small := gocv.NewMat()
		defer closing(&small)
		if err := gocv.Resize(part, &small, target, 0, 0, gocv.InterpolationArea); err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		return encodeFile(small, encoding)
	}
	return encodeFile(part, encoding)
}

// Close implements Picture.
func (m *mat) Close() error {
	return m.pixels.Close()
}

func encodeFile(pixels gocv.Mat, encoding Encoding) ([]byte, error) {
	extension, settings := gocv.JPEGFileExt, []int{gocv.IMWriteJpegQuality, encoding.JPEGQuality}
	if encoding.JPEGQuality == 0 {
		// Level 1: pictures go over a fast wire, and a frame must not wait for zlib.
		extension, settings = gocv.PNGFileExt, []int{gocv.IMWritePngCompression, 1}
	}
	buffer, err := gocv.IMEncodeWithParams(extension, pixels, settings)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	defer buffer.Close()
	return append([]byte(nil), buffer.GetBytes()...), nil // its bytes die with it
}

// pixelsOf gives a picture's Mat; it stays the picture's.
func pixelsOf(picture Picture) (gocv.Mat, error) {
	m, ok := picture.(*mat)
	if !ok {
		return gocv.Mat{}, fmt.Errorf("received a picture of type %T, expected one of this package's", picture)
	}
	return m.pixels, nil
}

// closing frees a Mat; OpenCV gives no error that could matter.
func closing(m *gocv.Mat) {
	_ = m.Close()
}

// target is the size that a region is sent at.
func (e Encoding) target(size image.Point) image.Point {
	shorter := min(size.X, size.Y)
	if e.ShorterSide <= 0 || shorter <= e.ShorterSide {
		return size
	}
	if whole := shorter / e.ShorterSide; whole > 1 {
		// By whole numbers OpenCV is so much faster that the client needs 40 % less of a
		// core for 640x480 at 30 pictures a second.
		return size.Div(whole)
	}
	scale := float64(e.ShorterSide) / float64(shorter)
	return image.Pt(scaled(size.X, scale), scaled(size.Y, scale))
}

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

// NewPainter returns a Painter that draws with OpenCV: x/image takes twice as long
// for pictures of 640×480. The caller closes it.
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
	still, err := decodeStill(encoded)
	if err != nil {
		return
	}
	decoded, err := matOf(still)
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

// matOf gives a picture of imaging in OpenCV's memory; the caller closes it.
func matOf(still *imaging.Picture) (gocv.Mat, error) {
	rgb, err := gocv.NewMatFromBytes(still.Height, still.Width, gocv.MatTypeCV8UC3, still.Pix)
	if err != nil {
		return gocv.Mat{}, err
	}
	defer closing(&rgb)
	pixels := gocv.NewMat()
	if err := gocv.CvtColor(rgb, &pixels, gocv.ColorRGBToBGR); err != nil {
		closing(&pixels)
		return gocv.Mat{}, err
	}
	return pixels, nil
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
