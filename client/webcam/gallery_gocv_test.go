//go:build gocv

package webcam_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"siamese/client"
	"siamese/client/webcam"
)

// shotsFolder is the variable that names a folder to keep what is drawn in.
const shotsFolder = "SIAMESE_WEBCAM_SHOTS"

// drawFound paints what a finder finds in some white pictures, and gives the last canvas.
func drawFound(t *testing.T, name string, size image.Point, f *finder) image.Image {
	t.Helper()
	painter, folder, last := webcam.NewPainter(), t.TempDir(), &lastPage{}
	defer painter.Close()
	for i := range 4 {
		uniform(t, filepath.Join(folder, fmt.Sprintf("img_%03d.png", i)), size, white)
	}
	err := webcam.Run(t.Context(), webcam.Config{
		Source: openSource(t, filepath.Join(folder, "img_%03d.png")), Scorer: f, Gallery: "pets", Painter: painter,
		Record: func(image.Point, float64) (webcam.Recorder, error) { return last, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if folder := os.Getenv(shotsFolder); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), last.page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return decoded(t, last.page)
}

// lastPage is a recorder that keeps the last picture.
type lastPage struct{ page []byte }

func (l *lastPage) Write(picture webcam.Picture) (err error) {
	l.page, err = picture.Encode(image.Rectangle{Max: picture.Size()}, webcam.Encoding{})
	return err
}

func (l *lastPage) Close() error { return nil }

// shadesOf counts the pixels of about a colour within a part of a picture.
func shadesOf(picture image.Image, part image.Rectangle, want color.RGBA) int {
	near := func(a uint32, b uint8) bool { return max(int(a>>8)-int(b), int(b)-int(a>>8)) < 32 }
	count := 0
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if r, g, b, _ := picture.At(x, y).RGBA(); near(r, want.R) && near(g, want.G) && near(b, want.B) {
				count++
			}
		}
	}
	return count
}

// The colours and the parts of the overlay on a canvas of 640x480.
var (
	green  = color.RGBA{R: 80, G: 220, B: 110, A: 255}
	orange = color.RGBA{R: 255, G: 120, B: 95, A: 255}
	yellow = color.RGBA{R: 255, G: 200, B: 70, A: 255}
	blue   = color.RGBA{B: 254, A: 255} // JPEG's

	thumbnailPart = image.Rect(10, 366, 86, 442)
	headPart      = image.Rect(96, 366, 340, 426)
	listPart      = image.Rect(350, 366, 640, 440)
	notePart      = image.Rect(6, 310, 634, 356) // within the region
)

func TestGalleryOverlay(t *testing.T) {
	noOpenMats(t)
	var thumbnail bytes.Buffer
	picture := image.NewRGBA(image.Rect(0, 0, 160, 120))
	for i := range picture.Pix {
		picture.Pix[i] = [4]uint8{0, 0, 255, 255}[i%4]
	}
	if err := jpeg.Encode(&thumbnail, picture, nil); err != nil {
		t.Fatal(err)
	}
	found := func(kept bool, things ...client.ThingMatch) *finder {
		gallery := pets
		gallery.KeepThumbnails = kept
		things[0].Entry.Thumbnail = thumbnail.Bytes()
		return newFinder(gallery, things...)
	}
	strange := found(true, match("cat", 0.96), match("rocket", 0.25))
	strange.found.Familiarity = &client.Familiarity{Foreign: true}
	strange.found.Warning = "The picture is like nothing that the model Pictures knows: the similarities mean little."
	type counts struct{ thumbnail, head, list, note color.RGBA } // the colour of each part
	none := color.RGBA{}
	tests := []struct {
		name string
		give *finder
		want counts
	}{
		{"found", found(true, match("cat of the neighbours", 0.93), match("rocket", 0.41), match("a coffee cup with a long name", 0.2)), counts{blue, green, orange, none}},
		{"found-five", found(true, match("cat", 0.93), match("kitten", 0.81), match("tiger", 0.64), match("lynx", 0.61), match("lion", 0.55), match("dog", 0.1)), counts{blue, green, green, none}},
		{"nothing-same", found(true, match("cat", 0.31)), counts{blue, orange, none, none}},
		{"foreign", strange, counts{blue, yellow, yellow, yellow}},
	}
	for _, tt := range tests {
		canvas := drawFound(t, tt.name, image.Pt(640, 480), tt.give)
		for _, part := range []struct {
			name string
			area image.Rectangle
			want color.RGBA
		}{{"thumbnail", thumbnailPart, tt.want.thumbnail}, {"head", headPart, tt.want.head}, {"list", listPart, tt.want.list}, {"note", notePart, tt.want.note}} {
			for _, c := range []color.RGBA{blue, green, orange, yellow} {
				if got := shadesOf(canvas, part.area, c); got > 0 != (c == part.want) {
					t.Errorf("%s: the %s has %d pixels of %v, want its colour to be %v alone", tt.name, part.name, got, c, part.want)
				}
			}
		}
	}
	bare := drawFound(t, "no-thumbnails", image.Pt(640, 480), found(false, match("cat", 0.93)))
	if got := shadesOf(bare, image.Rect(10, 366, 86, 426), green); got == 0 {
		t.Error("without thumbnails the score does not begin at the left")
	}
	drawFound(t, "large", image.Pt(1920, 1080), found(true, match("cat", 0.93), match("rocket", 0.41)))
}
