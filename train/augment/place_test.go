package augment_test

import (
	"testing"

	"siamese/imaging"
	"siamese/train/augment"
)

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
