package bench

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"
)

// drawingFile is a PNG file of one gray level.
func drawingFile(t *testing.T, level uint8) []byte {
	t.Helper()
	drawing := image.NewGray(image.Rect(0, 0, 7, 7))
	for i := range drawing.Pix {
		drawing.Pix[i] = level
	}
	var file bytes.Buffer
	if err := png.Encode(&file, drawing); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func testFilm(t *testing.T) *film {
	t.Helper()
	f, err := newFilm(drawingFile(t, 10), drawingFile(t, 240))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFilmIsWritten(t *testing.T) {
	path, err := testFilm(t).write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, pictures, _ := strings.Cut(string(data), "\n")
	if head != "YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg" {
		t.Errorf("the film begins with %q", head)
	}
	const size = len("FRAME\n") + filmWidth*filmHeight*3/2
	if len(pictures) != filmPictures*size {
		t.Fatalf("the film has %d bytes of pictures, want %d", len(pictures), filmPictures*size)
	}
	seen := make(map[string]int)
	for i := range filmPictures {
		picture, ok := strings.CutPrefix(pictures[i*size:(i+1)*size], "FRAME\n")
		if !ok {
			t.Fatalf("picture %d does not begin with FRAME", i)
		}
		if earlier, ok := seen[picture]; ok {
			t.Errorf("picture %d is the same as picture %d: the server would encode it once", i, earlier)
		}
		seen[picture] = i
	}
}

// TestFilmShowsItsDrawings: the first, then the second, always whole and gray.
func TestFilmShowsItsDrawings(t *testing.T) {
	f := testFilm(t)
	picture := image.NewYCbCr(image.Rect(0, 0, filmWidth, filmHeight), image.YCbCrSubsampleRatio420)
	for _, tt := range []struct {
		give int // picture
		want uint8
	}{{0, 10}, {filmPictures/2 - 1, 10}, {filmPictures / 2, 240}, {filmPictures - 1, 240}} {
		f.paint(picture, tt.give)
		found := 0
		for y := range filmHeight {
			for x := range filmWidth {
				if picture.YCbCrAt(x, y) == (color.YCbCr{Y: tt.want, Cb: noColour, Cr: noColour}) {
					found++
				}
			}
		}
		if found < drawingSide*drawingSide {
			t.Errorf("picture %d has %d pixels of its drawing, want %d", tt.give, found, drawingSide*drawingSide)
		}
	}
}

func TestFilmOfNoPicture(t *testing.T) {
	if _, err := newFilm(drawingFile(t, 0), []byte("text")); err == nil || !strings.Contains(err.Error(), "drawing 1") {
		t.Errorf("newFilm of a text = %v, want an error with the drawing's number", err)
	}
}
