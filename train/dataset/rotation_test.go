package dataset_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"slices"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
)

func TestRotationsMakeFourClassesOfEach(t *testing.T) {
	d, _ := open(t, glyphs(t, 2, "Greek/a", "Latin/a").archive(t))
	rotated, err := rotations(t, d)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Greek/a", "Greek/a@180", "Greek/a@270", "Greek/a@90",
		"Latin/a", "Latin/a@180", "Latin/a@270", "Latin/a@90",
	}
	if got := classNames(rotated); !slices.Equal(got, want) {
		t.Errorf("classes = %q, want %q", got, want)
	}
	turns := []int{0, 2, 3, 1}
	for i, class := range rotated.Classes() {
		if wantAlphabet := class.Name[:5]; class.Alphabet != wantAlphabet {
			t.Errorf("class %q has alphabet %q, want %q", class.Name, class.Alphabet, wantAlphabet)
		}
		for _, image := range class.Images {
			if image.Turns != turns[i%4] {
				t.Errorf("image %q of class %q has %d turns, want %d", image.Name, class.Name, image.Turns, turns[i%4])
			}
		}
	}
	if got := len(d.Classes()); got != 2 {
		t.Errorf("the upright dataset has %d classes afterwards, want 2", got)
	}
}

// corner is white but for one dark pixel.
func corner(t *testing.T, at image.Point) []byte {
	t.Helper()
	canvas := image.NewGray(image.Rect(0, 0, side, side))
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	canvas.SetGray(at.X, at.Y, color.Gray{Y: 9})
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

func TestPicturesAreTurnedClockwise(t *testing.T) {
	give := glyphs(t, 1, "b").with("a/1.png", corner(t, image.Pt(1, 2))).with("a/2.png", glyph(t, "a"))
	d, _ := open(t, give.folder(t))
	upright := d.Classes()[0].Images[0]
	const last = side - 1
	for turns, want := range map[int]image.Point{
		0: image.Pt(1, 2), 1: image.Pt(last-2, 1), 2: image.Pt(last-1, last-2), 3: image.Pt(2, last-1),
		4: image.Pt(1, 2), -1: image.Pt(2, last-1),
	} {
		turned := upright
		turned.Turns = turns
		picture, err := d.Picture(turned)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.IndexByte(picture.Pix, 9) / 3
		if got := image.Pt(at%side, at/side); got != want {
			t.Errorf("after %d turns the dot is at %v, want %v", turns, got, want)
		}
		if dark := bytes.Count(picture.Pix, []byte{9}); dark != 3 {
			t.Errorf("after %d turns there are %d dark samples, want the 3 of one pixel", turns, dark)
		}
	}
}

func TestRotationsAreMadeOnce(t *testing.T) {
	d, _ := open(t, glyphs(t, 2, "a", "b").folder(t))
	rotated, err := rotations(t, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotations(t, rotated); !errors.Is(err, dataset.ErrRotated) {
		t.Errorf("Rotations of rotations = %v, want ErrRotated", err)
	}
	if _, _, err := rotated.Split(dataset.Split{}); !errors.Is(err, dataset.ErrRotated) {
		t.Errorf("Split of rotations = %v, want ErrRotated", err)
	}
	named, _ := open(t, glyphs(t, 2, "a", "a@90").folder(t))
	if _, err := rotations(t, named); !errors.Is(err, dataset.ErrRotated) {
		t.Errorf("Rotations beside a class a@90 = %v, want ErrRotated", err)
	}
}

func TestOnlySquaresAreTurned(t *testing.T) {
	oblong, err := imaging.New(imaging.Config{Width: side, Height: side + 1})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: glyphs(t, 2, "a", "b").folder(t), Preparer: oblong})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotations(t, d); !errors.Is(err, dataset.ErrNotSquare) {
		t.Errorf("Rotations = %v, want ErrNotSquare", err)
	}
	turned := d.Classes()[0].Images[0]
	if _, err := d.Picture(turned); err != nil {
		t.Errorf("Picture upright = %v, want a picture", err)
	}
	turned.Turns = 1
	if _, err := d.Picture(turned); !errors.Is(err, dataset.ErrNotSquare) {
		t.Errorf("Picture turned = %v, want ErrNotSquare", err)
	}
}
