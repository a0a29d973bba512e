package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/image/draw"
)

// The film is what a camera would give.
const (
	filmWidth    = 640
	filmHeight   = 480
	filmRate     = 30 // pictures a second
	filmPictures = 300

	drawingSide  = 300 // pixels of a drawing in the film
	drawingTurns = 3   // circles that the drawings move in

	noColour = 128 // of both chroma planes
)

// film has a drawing that circles before a moving background, so that no two of
// its pictures are alike.
type film struct {
	drawings [2]*image.Gray // drawingSide × drawingSide; the second from the middle on
}

// newFilm makes a film of two PNG files.
func newFilm(a, b []byte) (*film, error) {
	f := new(film)
	for i, file := range [][]byte{a, b} {
		drawing, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			return nil, fmt.Errorf("film's drawing %d: %w", i, err)
		}
		f.drawings[i] = image.NewGray(image.Rect(0, 0, drawingSide, drawingSide))
		draw.ApproxBiLinear.Scale(f.drawings[i], f.drawings[i].Bounds(), drawing, drawing.Bounds(), draw.Src, nil)
	}
	return f, nil
}

// write writes the film into a folder and gives its path. It is uncompressed
// (140 MB), since so are the pictures of most cameras: what the client does to
// decode it is what it would do there.
func (f *film) write(dir string) (path string, err error) {
	path = filepath.Join(dir, "film.y4m")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := f.writeTo(buffered); err != nil {
		return "", err
	}
	return path, buffered.Flush()
}

// writeTo writes the film in the format YUV4MPEG2.
func (f *film) writeTo(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n", filmWidth, filmHeight, filmRate); err != nil {
		return err
	}
	picture := image.NewYCbCr(image.Rect(0, 0, filmWidth, filmHeight), image.YCbCrSubsampleRatio420)
	for i := range filmPictures {
		f.paint(picture, i)
		for _, part := range [][]byte{[]byte("FRAME\n"), picture.Y, picture.Cb, picture.Cr} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// paint paints picture i, from 0 to below filmPictures.
func (f *film) paint(picture *image.YCbCr, i int) {
	paintBackground(picture, i)
	angle := 2 * math.Pi * drawingTurns * float64(i) / filmPictures
	radiusX, radiusY := (filmWidth-drawingSide)/2., (filmHeight-drawingSide)/2.
	corner := image.Pt(int(radiusX*(1+math.Cos(angle))), int(radiusY*(1+math.Sin(angle))))
	drawing := f.drawings[i*len(f.drawings)/filmPictures]
	for y := range drawingSide {
		at := picture.YOffset(corner.X, corner.Y+y)
		copy(picture.Y[at:], drawing.Pix[y*drawing.Stride:][:drawingSide])
		for x := range drawingSide {
			colour := picture.COffset(corner.X+x, corner.Y+y)
			picture.Cb[colour], picture.Cr[colour] = noColour, noColour
		}
	}
}

// paintBackground paints a pattern that moves from picture to picture.
func paintBackground(picture *image.YCbCr, i int) {
	for y := range filmHeight {
		for x := range filmWidth {
			picture.Y[picture.YOffset(x, y)] = byte((x + y + 2*i) / 4)
		}
	}
	for y := range filmHeight / 2 {
		for x := range filmWidth / 2 {
			at := y*picture.CStride + x
			picture.Cb[at], picture.Cr[at] = byte((x+i)/2), byte((y+2*i)/2)
		}
	}
}
