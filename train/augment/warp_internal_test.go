package augment

import (
	"bytes"
	"fmt"
	"testing"
)

// plainWarp is bilinearWarp with each pixel's place looked at alone.
func plainWarp(out []byte, p *raster, m matrix, fill uint8) {
	width, height := int64(p.width)<<placeBits, int64(p.height)<<placeBits
	for y := range p.height {
		x, y := m.at(0, y)
		u, v := place(x), place(y)
		for range p.width {
			if u < 0 || u >= width || v < 0 || v >= height {
				setGray(out, fill)
			} else {
				p.bilinearRGB((*[3]byte)(out), u-halfPlace, v-halfPlace)
			}
			out = out[3:]
			u, v = u+place(m.a), v+place(m.d)
		}
	}
}

// TestBilinearWarpFillsWhatLiesOutside: by rows as by single pixels, however far the
// matrix goes.
func TestBilinearWarpFillsWhatLiesOutside(t *testing.T) {
	configs := map[string]AffineConfig{
		"default": DefaultAffine(),
		"wild":    {RotationDegrees: 180, Shear: 0.9, ScaleLow: 0.01, ScaleHigh: 100, ShiftPixels: 300, Probability: 0.9},
		"still":   {ScaleLow: 1, ScaleHigh: 1},
	}
	for name, config := range configs {
		for _, s := range []size{{105, 105}, {31, 17}, {2, 3}, {1, 1}} {
			t.Run(fmt.Sprintf("%s-%dx%d", name, s.width, s.height), func(t *testing.T) {
				random := seeded(12)
				p := rasterOf(noise(s))
				got, want := s.empty().Pix, s.empty().Pix
				for round := range 200 {
					m := config.draw(random).inverse(s)
					bilinearWarp(got, &p, m, 77)
					plainWarp(want, &p, m, 77)
					if !bytes.Equal(got, want) {
						t.Fatalf("round %d: %+v differs from the plain loop", round, m)
					}
				}
			})
		}
	}
}
