//go:build gocv

package webcam_test

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/client/webcam"
	"siamese/imaging"
)

// rgb gives a source's picture as it would be sent without loss: [H,W,3] uint8.
func rgb(t *testing.T, picture webcam.Picture) (image.Point, []byte) {
	t.Helper()
	data, err := picture.Encode(image.Rectangle{Max: picture.Size()}, webcam.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	return pixelsOf(decoded(t, data))
}

func pixelsOf(picture image.Image) (image.Point, []byte) {
	var pixels []byte
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			r, g, b, _ := picture.At(x, y).RGBA()
			pixels = append(pixels, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return picture.Bounds().Size(), pixels
}

// jpegLevels is how many levels two JPEG decoders may be apart on average: their
// inverse transforms and chroma filters round in other ways.
const jpegLevels = 2.0

func TestPictureFilesAreShownAsPillowShowsThem(t *testing.T) {
	noOpenMats(t)
	for give, tolerance := range map[string]float64{"turned.jpg": jpegLevels, "clear.png": 1} {
		size, got := rgb(t, one(t, filepath.Join("testdata", give)))
		want, err := os.ReadFile(filepath.Join("testdata", strings.TrimSuffix(give, filepath.Ext(give))+".want.png"))
		if err != nil {
			t.Fatal(err)
		}
		wantSize, pixels := pixelsOf(decoded(t, want))
		if size != wantSize {
			t.Errorf("%s: picture of %v, want %v", give, size, wantSize)
			continue
		}
		sum := 0.0
		for i := range got {
			sum += max(float64(got[i])-float64(pixels[i]), float64(pixels[i])-float64(got[i]))
		}
		if mean := sum / float64(len(got)); mean > tolerance {
			t.Errorf("%s: %.2f levels from Pillow's on average, want at most %v", give, mean, tolerance)
		}
	}
}

func TestPictureFilesAreDecodedByImaging(t *testing.T) {
	noOpenMats(t)
	preparer, err := imaging.New(imaging.Config{})
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := filepath.Glob("../../testdata/imaging/input/*")
	if err != nil || len(inputs) < 50 {
		t.Fatalf("found %d pictures in testdata/imaging: %v", len(inputs), err)
	}
	for _, path := range inputs {
		if filepath.Base(path) == "animated.gif" {
			continue // a film: TestAnimationsAreFilms
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := preparer.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if size, got := rgb(t, one(t, path)); size != image.Pt(want.Width, want.Height) || !slices.Equal(got, want.Pix) {
			t.Errorf("%s as a source is not what imaging decodes", path)
		}
	}
}

func TestAnimationsAreFilms(t *testing.T) {
	noOpenMats(t)
	if got := countAll(t, openSource(t, "../../testdata/imaging/input/animated.gif")); got < 2 {
		t.Errorf("the animation gives %d pictures, want all of them", got)
	}
}

func countAll(t *testing.T, source webcam.Source) int {
	t.Helper()
	for count := 0; ; count++ {
		picture, err := source.Read()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatal(err)
		}
		picture.Close()
	}
}

func TestSequencesGoByNumber(t *testing.T) {
	noOpenMats(t)
	folder := t.TempDir()
	turned, err := os.ReadFile("testdata/turned.jpg")
	if err != nil {
		t.Fatal(err)
	}
	// 7 has one digit, 1000 more than asked for; 9 is missing; the others don't fit.
	for _, name := range []string{"p_007%.jpg", "p_008%.jpg", "p_010%.jpg", "p_1000%.jpg", "p_11%.jpg", "p_x%.jpg", "p_012%.jpg.part"} {
		if err := os.WriteFile(filepath.Join(folder, name), turned, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source := openSource(t, filepath.Join(folder, "p_%03d%%.jpg"))
	first, err := source.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if want := image.Pt(240, 320); first.Size() != want {
		t.Errorf("the first picture is of %v, want %v: upright", first.Size(), want)
	}
	if got := countAll(t, source); got != 3 {
		t.Errorf("%d pictures follow the first, want 3", got)
	}
}

func TestDamagedPictureIsNamed(t *testing.T) {
	noOpenMats(t)
	folder := t.TempDir()
	turned, err := os.ReadFile("testdata/turned.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range [][]byte{turned, turned[:300]} {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("p%d.jpg", i)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source := openSource(t, filepath.Join(folder, "p%d.jpg"))
	first, err := source.Read()
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := source.Read(); err == nil || !strings.Contains(err.Error(), "p1.jpg: IMAGE_UNDECODABLE") {
		t.Errorf("Read of a damaged picture = %v, want an error that names p1.jpg", err)
	}
}
