package imaging_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/tiff"

	"siamese/imaging"
)

// Straight alpha is compared with Pillow by the corpus. Here is what Pillow
// does not write.

func TestPremultipliedAlpha(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 2, 2))
	for i := range 4 {
		m.SetRGBA(i%2, i/2, color.RGBA{R: 128, G: 64, B: 0, A: 128})
	}
	m.SetRGBA(1, 0, color.RGBA{})
	m.SetRGBA(0, 1, color.RGBA{R: 9, G: 200, B: 255, A: 255})
	var encoded bytes.Buffer
	if err := tiff.Encode(&encoded, m, nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		giveAlpha imaging.Alpha
		want      []byte // three pixels
	}{
		{imaging.CompositeWhite, []byte{255, 191, 127, 255, 255, 255, 9, 200, 255}},
		{imaging.DropAlpha, []byte{255, 127, 0, 0, 0, 0, 9, 200, 255}},
	}
	for _, tt := range tests {
		t.Run(tt.giveAlpha.String(), func(t *testing.T) {
			p := newPreparer(t, imaging.Config{Width: 2, Height: 2, Alpha: tt.giveAlpha})
			got := prepare(t, p, encoded.Bytes())
			if diff := cmp.Diff(tt.want, got.Pix[:9]); diff != "" {
				t.Errorf("pixels (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGIFFrameIsPlacedOnItsScreen(t *testing.T) {
	red := color.RGBA{R: 255, A: 255}
	frame := image.NewPaletted(image.Rect(1, 2, 3, 4), color.Palette{red, color.RGBA{}})
	frame.SetColorIndex(2, 3, 1) // transparent
	var encoded bytes.Buffer
	err := gif.EncodeAll(&encoded, &gif.GIF{
		Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 4, Height: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		giveAlpha imaging.Alpha
		want      []string // r red, w white, . black
	}{
		{imaging.CompositeWhite, []string{"wwww", "wwww", "wrrw", "wrww", "wwww"}},
		{imaging.DropAlpha, []string{"....", "....", ".rr.", ".r..", "...."}},
	}
	names := map[[3]byte]byte{{255, 0, 0}: 'r', {255, 255, 255}: 'w', {0, 0, 0}: '.'}
	for _, tt := range tests {
		t.Run(tt.giveAlpha.String(), func(t *testing.T) {
			p := newPreparer(t, imaging.Config{Width: 4, Height: 5, Alpha: tt.giveAlpha})
			picture := prepare(t, p, encoded.Bytes())
			var got []string
			for y := range 5 {
				row := make([]byte, 4)
				for x := range row {
					row[x] = names[[3]byte(picture.Pix[(y*4+x)*3:])]
				}
				got = append(got, string(row))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("picture (-want +got):\n%s", diff)
			}
		})
	}
}
