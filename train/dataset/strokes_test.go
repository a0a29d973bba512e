package dataset_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/strokes"
)

// omniglot opens the 57 drawings of testdata at an input size.
func omniglot(t testing.TB, side int) *dataset.Dataset {
	t.Helper()
	p, err := imaging.New(imaging.Config{Width: side, Height: side})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: "../../testdata/omniglot", Preparer: p, Unreadable: dataset.Skip})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// stroked is the dataset with strokes and twins.
func stroked(t testing.TB, d *dataset.Dataset, cfg dataset.StrokesConfig) (*dataset.Dataset, dataset.StrokesReport) {
	t.Helper()
	with, report, err := d.WithStrokes(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return with, report
}

func TestStrokesAreRecordedOrTraced(t *testing.T) {
	library, err := strokes.Open(t.Context(), "../../testdata/strokes")
	if err != nil {
		t.Fatal(err)
	}
	_, report := stroked(t, omniglot(t, 105), dataset.StrokesConfig{Recorded: library})
	want := dataset.StrokesReport{Recorded: 11, Traced: 46, ByOperation: map[strokes.Operation]int{}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("WithStrokes reports (-want +got):\n%s", diff)
	}
}

func TestRedrawnLooksLikeTheDrawing(t *testing.T) {
	for _, side := range []int{64, 105} {
		d, _ := stroked(t, omniglot(t, side), dataset.StrokesConfig{})
		for _, class := range d.Classes() {
			image := class.Images[0]
			again, ok := d.Redrawn(image, 5)
			if !ok || !strings.HasPrefix(again.Name, image.Name) {
				t.Fatalf("Redrawn(%s) = %s, %v", image.Name, again.Name, ok)
			}
			before, after := gray(t, d, image), gray(t, d, again)
			if slices.Equal(before, after) {
				t.Errorf("%s at %d is drawn again as it is", image.Name, side)
			}
			if a, b := ink(before), ink(after); b < 0.4*a || b > 2.5*a {
				t.Errorf("%s at %d has %.0f of ink and drawn again %.0f", image.Name, side, a, b)
			}
			if !slices.Equal(after, gray(t, d, again)) {
				t.Errorf("%s is not the same twice", again.Name)
			}
		}
	}
}

// gray is what Gray gives, held against Picture.
func gray(t *testing.T, d *dataset.Dataset, image dataset.Image) []byte {
	t.Helper()
	pixels, ok := d.Gray(image)
	picture, err := d.Picture(image)
	if !ok || err != nil {
		t.Fatalf("Gray(%s) = %v, Picture: %v", image.Name, ok, err)
	}
	for i, level := range pixels {
		if picture.Pix[3*i] != level || picture.Pix[3*i+2] != level {
			t.Fatalf("Gray(%s) is another picture than Picture's", image.Name)
		}
	}
	return pixels
}

// ink is how much of it there is, in pixels.
func ink(pixels []byte) float64 {
	sum := 0.
	for _, level := range pixels {
		sum += 1 - float64(level)/math.MaxUint8
	}
	return sum
}

func TestRedrawnIsPosedAsTheImage(t *testing.T) {
	d, err := omniglot(t, 105).Variants(t.Context(), dataset.VariantsConfig{Rotations: true, Mirrors: true})
	if err != nil {
		t.Fatal(err)
	}
	d, _ = stroked(t, d, dataset.StrokesConfig{})
	upright := d.Classes()[0].Images[0]
	turned := upright
	turned.Turns, turned.Mirrored = 1, true
	a, _ := d.Redrawn(upright, 1)
	b, ok := d.Redrawn(turned, 1)
	if !ok {
		t.Fatal("a turned image can't be drawn again")
	}
	pixels, posed := gray(t, d, a), gray(t, d, b)
	for i, level := range pixels {
		x, y := 104-i%105, i/105 // mirrored, then turned clockwise
		if posed[x*105+104-y] != level {
			t.Fatal("a drawing is mirrored and turned otherwise once it is drawn again")
		}
	}
}

func TestCombinedImagesMayBeRedrawn(t *testing.T) {
	d, _ := stroked(t, omniglot(t, 105), dataset.StrokesConfig{})
	first, second := d.Classes()[0].Images[0], d.Classes()[1].Images[0]
	again, _ := d.Redrawn(second, 3)
	plain, err := dataset.Combine(first, second, dataset.Beside)
	if err != nil {
		t.Fatal(err)
	}
	redrawn, err := dataset.Combine(first, again, dataset.Beside)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(gray(t, d, plain), gray(t, d, redrawn)) {
		t.Error("a combined image forgets that its second part is drawn again")
	}
	if got, ok := d.Redrawn(plain, 1); ok {
		t.Errorf("a combined image was drawn again: %v", got.Name)
	}
}

func TestTwinsDifferFromTheirAlphabet(t *testing.T) {
	d, report := stroked(t, omniglot(t, 105), dataset.StrokesConfig{Twins: 6, Seed: 7})
	if report.Twins < 10 || report.Refused == 0 {
		t.Errorf("%d twins of 20 classes, %d refused, want some of both", report.Twins, report.Refused)
	}
	sum := 0
	for _, count := range report.ByOperation {
		sum += count
	}
	if sum != report.Twins || len(report.ByOperation) < 5 {
		t.Errorf("%d twins by operation %v, want %d by several", sum, report.ByOperation, report.Twins)
	}
	for _, class := range d.Classes() {
		for number := range d.Twins(class) {
			image, err := d.Twin(class, number, class.Images[0], 1)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Equal(gray(t, d, image), gray(t, d, class.Images[0])) || !strings.Contains(image.Name, d.TwinOperation(class, number).String()) {
				t.Errorf("%s is the drawing itself", image.Name)
			}
		}
	}
}

func TestTwinsAreBySeed(t *testing.T) {
	first, _ := stroked(t, omniglot(t, 64), dataset.StrokesConfig{Twins: 1, Seed: 7})
	same, _ := stroked(t, omniglot(t, 64), dataset.StrokesConfig{Twins: 1, Seed: 7})
	other, _ := stroked(t, omniglot(t, 64), dataset.StrokesConfig{Twins: 1, Seed: 8})
	differ := false
	for i, class := range first.Classes() {
		a, b, c := first.Twins(class), same.Twins(same.Classes()[i]), other.Twins(other.Classes()[i])
		if a != b {
			t.Fatalf("%s has %d twins and then %d by one seed", class.Name, a, b)
		}
		for number := range a {
			pictures := [3][]byte{}
			for k, d := range []*dataset.Dataset{first, same, other} {
				class := d.Classes()[i]
				if number >= c && k == 2 {
					differ = true
					continue
				}
				image, err := d.Twin(class, number, class.Images[0], 9)
				if err != nil {
					t.Fatal(err)
				}
				pictures[k] = gray(t, d, image)
			}
			if !slices.Equal(pictures[0], pictures[1]) {
				t.Errorf("twin %d of %s is another one by the same seed", number, class.Name)
			}
			differ = differ || !slices.Equal(pictures[0], pictures[2])
		}
	}
	if !differ {
		t.Error("another seed gives the same twins")
	}
}

func TestStrokesAreRefused(t *testing.T) {
	blank := files{"a/1.png": dots(t), "a/2.png": dots(t), "b/1.png": dots(t)}
	d, _ := open(t, blank.folder(t))
	if _, _, err := d.WithStrokes(t.Context(), dataset.StrokesConfig{}); !errors.Is(err, dataset.ErrNoStrokes) {
		t.Errorf("WithStrokes of blank pictures = %v, want ErrNoStrokes", err)
	}
	if _, _, err := d.WithStrokes(t.Context(), dataset.StrokesConfig{Twins: -1}); err == nil {
		t.Error("WithStrokes takes -1 twins")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.WithStrokes(ctx, dataset.StrokesConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("WithStrokes = %v, want context.Canceled", err)
	}
	class := d.Classes()[0]
	if _, ok := d.Redrawn(class.Images[0], 1); ok || d.Twins(class) != 0 {
		t.Error("a dataset without strokes draws again")
	}
	if _, err := d.Twin(class, 0, class.Images[0], 1); err == nil {
		t.Error("a dataset without strokes has a twin")
	}
}
