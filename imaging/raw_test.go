package imaging_test

import (
	"bytes"
	"image"
	"testing"

	"siamese/imaging"
)

func TestPrepareRawEqualsPrepare(t *testing.T) {
	const width, height = 160, 120
	m := photo(width, height)
	gray := image.NewGray(m.Rect)
	rgb := make([]byte, 0, width*height*3)
	for i := 0; i < len(m.Pix); i += 4 {
		rgb = append(rgb, m.Pix[i:i+3]...)
		gray.Pix[i/4] = m.Pix[i]
	}
	tests := []struct {
		name      string
		giveRaw   imaging.Raw
		giveImage image.Image
	}{
		{"rgb", imaging.Raw{Width: width, Height: height, Channels: imaging.RGB, Pixels: rgb}, m},
		{"gray", imaging.Raw{Width: width, Height: height, Channels: imaging.Gray, Pixels: gray.Pix}, gray},
	}
	p := newPreparer(t, imaging.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := p.PrepareRaw(tt.giveRaw)
			if err != nil {
				t.Fatal(err)
			}
			want, err := p.Prepare(encodePNG(t, tt.giveImage))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Pix, want.Pix) {
				t.Error("raw pixels and the same pixels as PNG give different pictures")
			}
		})
	}
}

func TestPrepareRawRefuses(t *testing.T) {
	const huge = 1 << 62
	tests := []struct {
		name    string
		giveRaw imaging.Raw
		want    imaging.Reason
	}{
		{"no pixels", imaging.Raw{Width: 4, Height: 4, Channels: imaging.RGB}, imaging.ReasonEmpty},
		{"one byte short", imaging.Raw{Width: 4, Height: 4, Channels: imaging.RGB, Pixels: make([]byte, 47)}, imaging.ReasonRawLength},
		{"one row more", imaging.Raw{Width: 4, Height: 4, Channels: imaging.Gray, Pixels: make([]byte, 20)}, imaging.ReasonRawLength},
		{"two channels", imaging.Raw{Width: 4, Height: 4, Channels: 2, Pixels: make([]byte, 32)}, imaging.ReasonRawLength},
		{"no channels", imaging.Raw{Width: 4, Height: 4, Pixels: make([]byte, 48)}, imaging.ReasonRawLength},
		{"one pixel", imaging.Raw{Width: 1, Height: 1, Channels: imaging.RGB, Pixels: make([]byte, 3)}, imaging.ReasonShape},
		{"no width", imaging.Raw{Height: 4, Channels: imaging.RGB, Pixels: make([]byte, 3)}, imaging.ReasonShape},
		{"negative", imaging.Raw{Width: -4, Height: -4, Channels: imaging.Gray, Pixels: make([]byte, 16)}, imaging.ReasonShape},
		{"long", imaging.Raw{Width: 42, Height: 2, Channels: imaging.Gray, Pixels: make([]byte, 84)}, imaging.ReasonShape},
		{"product overflows", imaging.Raw{Width: huge, Height: 4, Channels: imaging.Gray, Pixels: make([]byte, 16)}, imaging.ReasonTooManyPixels},
	}
	p := newPreparer(t, imaging.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			picture, err := p.PrepareRaw(tt.giveRaw)
			wantReason(t, picture, err, tt.want)
		})
	}
}
