package imaging_test

import (
	"bytes"
	"image/png"
	"testing"

	"siamese/imaging"
)

func TestPictureBecomesPNGWithoutLoss(t *testing.T) {
	p := newPreparer(t, imaging.Config{Width: 64, Height: 48})
	picture, err := p.Prepare(readInput(t, "noise-61x47.png"))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := picture.PNG()
	if err != nil {
		t.Fatalf("PNG() = %v", err)
	}
	decoded, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	if largest, _ := difference(t, picture, decoded); largest != 0 {
		t.Errorf("PNG() changed pixels by up to %d levels", largest)
	}
	const colorType, trueColor = 25, 2 // of IHDR: RGB with no alpha
	if encoded[colorType] != trueColor {
		t.Errorf("PNG() has colour type %d, want %d", encoded[colorType], trueColor)
	}
}

func TestPictureOfWrongLengthIsNoPNG(t *testing.T) {
	tests := []struct {
		name string
		give imaging.Picture
	}{
		{"short", imaging.Picture{Width: 2, Height: 2, Pix: make([]byte, 11)}},
		{"empty", imaging.Picture{}},
		{"negative", imaging.Picture{Width: -1, Height: -1, Pix: make([]byte, 3)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.give.PNG(); err == nil {
				t.Error("PNG() = nil error, want one with the lengths")
			}
		})
	}
}
