package augment_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/train/augment"
)

// dot is a black square of side 3 about the centre of white paper.
func dot(side int) *imaging.Picture {
	p := &imaging.Picture{Width: side, Height: side, Pix: make([]byte, side*side*3)}
	for i := range p.Pix {
		x, y := i/3%side-side/2, i/3/side-side/2
		if x*x > 1 || y*y > 1 {
			p.Pix[i] = 255
		}
	}
	return p
}

// ink returns the number of pixels darker than mid grey and their mean place.
func ink(p *imaging.Picture) (count int, x, y float64) {
	for i := 0; i < len(p.Pix); i += 3 {
		if p.Pix[i] < 128 {
			count++
			x += float64(i / 3 % p.Width)
			y += float64(i / 3 / p.Width)
		}
	}
	return count, x / float64(count), y / float64(count)
}

func TestAffineWithoutChanceIsThePicture(t *testing.T) {
	config := augment.DefaultAffine()
	config.Probability = 0
	p := speckled(105, 105)
	got := newAugmenter(t, "affine", augment.Config{Affine: config}).Apply(seeded(1), p)
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("affine with probability 0 (-want +got):\n%s", diff)
	}
}

func TestAffineShiftsUpToTheConfiguredPixels(t *testing.T) {
	const side, shift = 41, 8
	// A place is measured in whole dark pixels of a dot that lies between pixels.
	const placeError = 0.5
	a := newAugmenter(t, "affine", augment.Config{Width: side, Height: side, Affine: augment.AffineConfig{
		ScaleLow: 1, ScaleHigh: 1, ShiftPixels: shift, Probability: 1, Fill: 255,
	}})
	center := float64(side / 2)
	least, most := center, center
	for seed := range uint64(200) {
		_, x, y := ink(a.Apply(seeded(seed), dot(side)))
		least, most = min(least, x, y), max(most, x, y)
	}
	if least < center-shift-placeError || most > center+shift+placeError {
		t.Errorf("the dot came to %.1f..%.1f, want within %v of %v", least, most, shift, center)
	}
	if least > center-shift+1 || most < center+shift-1 {
		t.Errorf("the dot came to %.1f..%.1f of 200 draws, want nearly %v either way of %v", least, most, shift, center)
	}
}

func TestAffineFillsWithTheConfiguredLevel(t *testing.T) {
	for _, level := range []uint8{0, 77, 255} {
		a := newAugmenter(t, "affine", augment.Config{Width: 20, Height: 20, Affine: augment.AffineConfig{
			ScaleLow: 0.1, ScaleHigh: 0.1, Probability: 1, Fill: level,
		}})
		got := a.Apply(seeded(1), speckled(20, 20))
		if diff := cmp.Diff([]byte{level, level, level}, got.Pix[:3]); diff != "" {
			t.Errorf("corner of a picture scaled to a tenth on %d (-want +got):\n%s", level, diff)
		}
	}
}

func TestAffineStrokeWidths(t *testing.T) {
	a := newAugmenter(t, "affine", augment.Config{Width: 21, Height: 21, Affine: augment.AffineConfig{
		ScaleLow: 1, ScaleHigh: 1, StrokePixels: 2, StrokeProbability: 0.5, Fill: 255,
	}})
	// A square of side 3 grows to 5 or 7, shrinks to 1 or nothing, or stays.
	got := map[int]bool{}
	for seed := range uint64(200) {
		count, _, _ := ink(a.Apply(seeded(seed), dot(21)))
		got[count] = true
	}
	want := map[int]bool{0: true, 1: true, 9: true, 25: true, 49: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ink of 200 draws (-want +got):\n%s", diff)
	}
}

// dotted is a white picture of 9×9 with one black pixel.
func dotted(x, y int) *imaging.Picture {
	p := &imaging.Picture{Width: 9, Height: 9, Pix: make([]byte, 9*9*3)}
	for i := range p.Pix {
		p.Pix[i] = 255
	}
	copy(p.Pix[(y*9+x)*3:], []byte{0, 0, 0})
	return p
}

func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		name           string
		degrees        float64
		shiftX, shiftY float64
		wantX, wantY   int
	}{
		{"as it is", 0, 0, 0, 6, 2},
		{"right and down", 0, 2, 3, 8, 5},
		{"left and up", 0, -4, -2, 2, 0},
		{"a quarter clockwise", 90, 0, 0, 6, 6},
		{"a quarter back", -90, 0, 0, 2, 2},
		{"turned, then shifted", 90, 1, 0, 7, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			given := dotted(6, 2)
			got := augment.Place(given, tt.degrees, tt.shiftX, tt.shiftY)
			if at := (tt.wantY*9 + tt.wantX) * 3; got.Pix[at] > 1 { // sines round
				t.Errorf("pixel (%d,%d) has level %d, want the black dot there", tt.wantX, tt.wantY, got.Pix[at])
			}
			if given.Pix[(2*9+6)*3] != 0 {
				t.Error("the picture given was changed")
			}
		})
	}
}
