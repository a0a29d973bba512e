package imaging

import (
	"bytes"
	"image"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chromaImage is 8x4 pixels with a Cb plane of 0, 16, 32 … and a reversed Cr.
func chromaImage(ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, 8, 4), ratio)
	for i := range m.Cb {
		m.Cb[i] = byte(16 * i)
		m.Cr[len(m.Cr)-1-i] = byte(16 * i)
	}
	return m
}

func TestUpsamplerRow(t *testing.T) {
	tests := []struct {
		name  string
		give  image.YCbCrSubsampleRatio
		giveY int
		want  []byte // Cb, computed by hand
	}{
		{"4:4:4 copies", image.YCbCrSubsampleRatio444, 1, []byte{128, 144, 160, 176, 192, 208, 224, 240}},
		{"4:2:2 blends columns", image.YCbCrSubsampleRatio422, 0, []byte{0, 4, 12, 20, 28, 36, 44, 48}},
		{"4:2:0 has no row above the first", image.YCbCrSubsampleRatio420, 0, []byte{0, 4, 12, 20, 28, 36, 44, 48}},
		{"4:2:0 blends rows", image.YCbCrSubsampleRatio420, 1, []byte{16, 20, 28, 36, 44, 52, 60, 64}},
		{"4:2:0 has no row below the last", image.YCbCrSubsampleRatio420, 3, []byte{64, 68, 76, 84, 92, 100, 108, 112}},
		{"4:4:0 blends rows", image.YCbCrSubsampleRatio440, 2, []byte{96, 112, 128, 144, 160, 176, 192, 208}},
		{"4:1:1 repeats", image.YCbCrSubsampleRatio411, 1, []byte{32, 32, 32, 32, 48, 48, 48, 48}},
		{"4:1:0 repeats", image.YCbCrSubsampleRatio410, 3, []byte{32, 32, 32, 32, 48, 48, 48, 48}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := newUpsampler(chromaImage(tt.give)).row(tt.giveY, 0, 8)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("row(%d) (-want +got):\n%s", tt.giveY, diff)
			}
		})
	}
}

func TestUpsamplerPartOfARowEqualsTheWhole(t *testing.T) {
	ratios := []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	}
	for _, ratio := range ratios {
		u := newUpsampler(chromaImage(ratio))
		for y := range 4 {
			cb, cr := u.row(y, 0, 8)
			wholeCb, wholeCr := bytes.Clone(cb), bytes.Clone(cr)
			for x0 := range 8 {
				for x1 := x0 + 1; x1 <= 8; x1++ {
					cb, cr := u.row(y, x0, x1)
					if !bytes.Equal(cb, wholeCb[x0:x1]) || !bytes.Equal(cr, wholeCr[x0:x1]) {
						t.Errorf("%v: row(%d, %d, %d) = %v, %v, want %v, %v", ratio, y, x0, x1, cb, cr, wholeCb[x0:x1], wholeCr[x0:x1])
					}
				}
			}
		}
	}
}
