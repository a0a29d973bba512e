//go:build gocv

package webcam_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/client"
	"siamese/client/webcam"
)

// uniform writes an image of one colour and gives its path.
func uniform(t *testing.T, path string, size image.Point, c color.Color) string {
	t.Helper()
	picture := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			picture.Set(x, y, c)
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openSource opens a source that is closed with the test.
func openSource(t *testing.T, text string) webcam.Source {
	t.Helper()
	name, err := webcam.ParseSource(text)
	if err != nil {
		t.Fatal(err)
	}
	source, err := webcam.OpenSource(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	return source
}

// one reads a source's first picture, which is closed with the test.
func one(t *testing.T, text string) webcam.Picture {
	t.Helper()
	picture, err := openSource(t, text).Read()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { picture.Close() })
	return picture
}

// decoded is an encoded picture.
func decoded(t *testing.T, data []byte) image.Image {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

var (
	white = color.RGBA{255, 255, 255, 255}
	black = color.RGBA{0, 0, 0, 255}
	red   = color.RGBA{255, 0, 0, 255}
)

func TestRecordingsAreSourcesAgain(t *testing.T) {
	noOpenMats(t)
	picture := one(t, uniform(t, filepath.Join(t.TempDir(), "red.png"), image.Pt(320, 240), red))
	for _, ending := range []string{".mp4", ".mkv", ".avi"} {
		path := filepath.Join(t.TempDir(), "film"+ending)
		recorder, err := webcam.OpenRecorder(path, picture.Size(), 20)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			if err := recorder.Write(picture); err != nil {
				t.Fatal(err)
			}
		}
		if err := recorder.Close(); err != nil {
			t.Fatal(err)
		}
		source := openSource(t, path)
		if source.Rate() != 20 {
			t.Errorf("%s: rate %v, want 20", ending, source.Rate())
		}
		count := 0
		for {
			again, err := source.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if again.Size() != picture.Size() {
				t.Errorf("%s: picture of %v, want %v", ending, again.Size(), picture.Size())
			}
			again.Close()
			count++
		}
		if count != 30 {
			t.Errorf("%s: read %d pictures, want 30", ending, count)
		}
	}
}

func TestSequenceAndPipeline(t *testing.T) {
	noOpenMats(t)
	folder := t.TempDir()
	for i := range 3 {
		uniform(t, filepath.Join(folder, fmt.Sprintf("img_%03d.png", i)), image.Pt(64, 48), red)
	}
	tests := []struct {
		give     string
		want     int
		wantRate float64
	}{
		{filepath.Join(folder, "img_%03d.png"), 3, 25},
		{"videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48 ! videoconvert ! appsink", 5, 0},
	}
	for _, tt := range tests {
		source := openSource(t, tt.give)
		count := 0
		for picture, err := source.Read(); err == nil; picture, err = source.Read() {
			picture.Close()
			count++
		}
		if count != tt.want || source.Rate() != tt.wantRate {
			t.Errorf("%s: %d pictures at %v/s, want %d at %v/s", tt.give, count, source.Rate(), tt.want, tt.wantRate)
		}
	}
}

func TestSourcesThatCannotBeOpened(t *testing.T) {
	noOpenMats(t)
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte("no video"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ give, want string }{
		{"63", "camera 63: it can't be opened"},
		{text, "it is no video or image that OpenCV can read"},
		{"none_%03d.png", "there is no such sequence"},
		{"nosuchelement ! appsink", "GStreamer can't run it"},
	}
	for _, tt := range tests {
		name, err := webcam.ParseSource(tt.give)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := webcam.OpenSource(name, 0); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("OpenSource(%q) = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
	if _, err := webcam.OpenRecorder(filepath.Join(t.TempDir(), "nowhere", "film.mp4"), image.Pt(64, 48), 25); err == nil {
		t.Error("OpenRecorder in a folder that is not there = nil, want an error")
	}
}

func TestEncode(t *testing.T) {
	noOpenMats(t)
	picture := one(t, uniform(t, filepath.Join(t.TempDir(), "red.png"), image.Pt(640, 480), red))
	tests := []struct {
		region     image.Rectangle
		give       webcam.Encoding
		want       image.Point
		wantFormat string
	}{
		{image.Rect(0, 0, 640, 480), webcam.Encoding{ShorterSide: 210, JPEGQuality: 90}, image.Pt(320, 240), "jpeg"},
		{image.Rect(0, 0, 640, 419), webcam.Encoding{ShorterSide: 210, JPEGQuality: 90}, image.Pt(321, 210), "jpeg"},
		{image.Rect(10, 20, 310, 120), webcam.Encoding{ShorterSide: 210, JPEGQuality: 90}, image.Pt(300, 100), "jpeg"},
		{image.Rect(0, 0, 640, 480), webcam.Encoding{}, image.Pt(640, 480), "png"},
	}
	for _, tt := range tests {
		data, err := picture.Encode(tt.region, tt.give)
		if err != nil {
			t.Fatal(err)
		}
		got, format, err := image.Decode(bytes.NewReader(data))
		if err != nil || format != tt.wantFormat || got.Bounds().Size() != tt.want {
			t.Errorf("Encode(%v, %+v) = %s of %v, %v, want %s of %v", tt.region, tt.give, format, got.Bounds().Size(), err, tt.wantFormat, tt.want)
			continue
		}
		if r, g, b, _ := got.At(5, 5).RGBA(); r < 0xf000 || g > 0x1000 || b > 0x1000 {
			t.Errorf("Encode(%v, %+v) is %04x %04x %04x, want red", tt.region, tt.give, r, g, b)
		}
	}
	for _, region := range []image.Rectangle{{}, image.Rect(600, 0, 700, 50), image.Rect(-1, 0, 50, 50)} {
		if _, err := picture.Encode(region, webcam.Encoding{}); err == nil {
			t.Errorf("Encode(%v) of a picture of 640x480 = nil, want an error", region)
		}
	}
}

// run paints a picture's overlay by a whole run and gives the first canvas.
func run(t *testing.T, path string, thumbnail []byte) image.Image {
	t.Helper()
	painter := webcam.NewPainter()
	defer painter.Close()
	album := &album{}
	err := webcam.Run(t.Context(), webcam.Config{
		Source: openSource(t, path), Scorer: newFakeScorer(0), Painter: painter, References: []client.Reference{{Name: "a", Image: thumbnail}},
		Record: func(image.Point, float64) (webcam.Recorder, error) { return album, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, album.first)
}

// album is a recorder that keeps the first picture.
type album struct{ first []byte }

func (a *album) Write(picture webcam.Picture) (err error) {
	if a.first == nil {
		a.first, err = picture.Encode(image.Rectangle{Max: picture.Size()}, webcam.Encoding{})
	}
	return err
}

func (a *album) Close() error { return nil }

// minContrast is the least contrast of words to their ground, as WCAG asks for.
const minContrast = 4.5

func TestOverlayCanBeReadOnLightAndDark(t *testing.T) {
	noOpenMats(t)
	for _, ground := range []color.RGBA{white, black, red} {
		canvas := run(t, uniform(t, filepath.Join(t.TempDir(), "ground.png"), image.Pt(640, 480), ground), nil)
		// The help line: its ground and the brightest of its words.
		darkest, brightest := 1.0, 0.0
		for y := 462; y < 474; y++ {
			for x := 10; x < 600; x++ {
				light := luminance(canvas.At(x, y))
				darkest, brightest = min(darkest, light), max(brightest, light)
			}
		}
		if contrast := (brightest + 0.05) / (darkest + 0.05); contrast < minContrast {
			t.Errorf("words on %v have a contrast of %.1f, want at least %v", ground, contrast, minContrast)
		}
	}
}

// luminance is WCAG's relative luminance, with a gamma of 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	square := func(v uint32) float64 { return float64(v) / 65535 * float64(v) / 65535 }
	return 0.2126*square(r) + 0.7152*square(g) + 0.0722*square(b)
}

func TestThumbnails(t *testing.T) {
	noOpenMats(t)
	red := image.NewPaletted(image.Rect(0, 0, 30, 30), color.Palette{red, white})
	var asGIF, asJPEG, asPNG bytes.Buffer
	if err := errors.Join(gif.Encode(&asGIF, red, nil), jpeg.Encode(&asJPEG, red, nil), png.Encode(&asPNG, red)); err != nil {
		t.Fatal(err)
	}
	path := uniform(t, filepath.Join(t.TempDir(), "ground.png"), image.Pt(640, 480), white)
	tests := []struct {
		name string
		give []byte
		want bool
	}{
		{"gif", asGIF.Bytes(), true}, {"jpeg", asJPEG.Bytes(), true}, {"png", asPNG.Bytes(), true}, {"no image", []byte("text"), false},
	}
	for _, tt := range tests {
		painter := webcam.NewPainter()
		painter.SetThumbnail("a", tt.give)
		drawing := webcam.Drawing{Canvas: image.Pt(640, 480), Picture: image.Rect(0, 0, 640, 480), Shapes: []webcam.Shape{
			{Kind: webcam.Thumbnail, Text: "a", Rect: image.Rect(100, 100, 180, 180)},
		}}
		canvas, err := painter.Paint(one(t, path), drawing)
		if err != nil {
			t.Fatal(err)
		}
		data, err := canvas.Encode(image.Rectangle{Max: canvas.Size()}, webcam.Encoding{})
		if err != nil {
			t.Fatal(err)
		}
		r, g, _, _ := decoded(t, data).At(140, 140).RGBA()
		if got := r > 0xf000 && g < 0x1000; got != tt.want {
			t.Errorf("%s: the thumbnail's middle is red: %t, want %t", tt.name, got, tt.want)
		}
		canvas.Close()
		painter.Close()
	}
}

func TestForeignPicturesAreRefused(t *testing.T) {
	noOpenMats(t)
	painter := webcam.NewPainter()
	if _, err := painter.Paint(&still{}, webcam.Drawing{Canvas: image.Pt(2, 2)}); err == nil {
		t.Error("Paint of a foreign picture = nil, want an error")
	}
}
