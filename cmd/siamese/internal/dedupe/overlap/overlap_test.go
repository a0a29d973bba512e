package overlap_test

import (
	"image"
	"math/rand/v2"
	"testing"

	"siamese/cmd/siamese/internal/dedupe/overlap"
	"siamese/imaging"
)

// scene is a picture of blobs of light, the same for the same seed, seen through a window
// of a unit square.
func scene(t testing.TB, seed uint64, width, height int, left, top, right, bottom float64, change func(level float64) float64) *overlap.Image {
	t.Helper()
	type blob struct{ x, y, reach, level float64 }
	random := rand.New(rand.NewPCG(seed, 1))
	blobs := make([]blob, 60)
	for i := range blobs {
		blobs[i] = blob{random.Float64(), random.Float64(), 0.02 + 0.1*random.Float64(), 255 * random.Float64()}
	}
	picture := &imaging.Picture{Width: width, Height: height, Pix: make([]byte, 0, 3*width*height)}
	for y := range height {
		for x := range width {
			level := 100.0
			px := left + (right-left)*(float64(x)+0.5)/float64(width)
			py := top + (bottom-top)*(float64(y)+0.5)/float64(height)
			for _, b := range blobs {
				if dx, dy := px-b.x, py-b.y; dx*dx+dy*dy < b.reach*b.reach {
					level = b.level
				}
			}
			value := byte(min(max(change(level), 0), 255))
			picture.Pix = append(picture.Pix, value, value, value)
		}
	}
	look, err := overlap.NewLook(picture)
	if err != nil {
		t.Fatal(err)
	}
	return overlap.New(look)
}

func same(level float64) float64 { return level }

// TestAgreement: what was cropped, scaled, paled or inverted agrees as it should, and
// other pictures don't.
func TestAgreement(t *testing.T) {
	whole := scene(t, 1, 48, 40, 0, 0, 1, 1, same)
	tests := map[string]struct {
		part        *overlap.Image
		least, most float32
	}{
		"itself":        {whole, 0.999, 1},
		"smaller":       {scene(t, 1, 30, 25, 0, 0, 1, 1, same), 0.8, 1},
		"pale":          {scene(t, 1, 48, 40, 0, 0, 1, 1, func(l float64) float64 { return 90 + l/3 }), 0.98, 1},
		"cropped":       {scene(t, 1, 48, 40, 0.2, 0.3, 0.8, 0.9, same), 0.8, 1},
		"a corner":      {scene(t, 1, 48, 40, 0.5, 0.5, 1, 1, same), 0.8, 1},
		"another shape": {scene(t, 1, 24, 48, 0.1, 0, 0.5, 0.96, same), 0.75, 1},
		"inverted":      {scene(t, 1, 48, 40, 0, 0, 1, 1, func(l float64) float64 { return 255 - l }), 0, 0.6},
		"another":       {scene(t, 2, 48, 40, 0, 0, 1, 1, same), 0, 0.6},
		"flat":          {scene(t, 1, 48, 40, 0, 0, 1, 1, func(float64) float64 { return 7 }), 0, 0},
		"one pixel":     {scene(t, 1, 1, 1, 0, 0, 1, 1, same), 0, 0},
		"a line":        {scene(t, 1, 48, 1, 0, 0, 1, 1, same), 0, 0},
		"a few pixels":  {scene(t, 1, 14, 14, 0, 0, 1, 1, same), 0, 0},
		"none":          {overlap.New(overlap.Look{}), 0, 0},
	}
	for name, tt := range tests {
		got := overlap.Agreement(whole, tt.part)
		if got < tt.least || got > tt.most {
			t.Errorf("%s: agreement %v, want %v to %v", name, got, tt.least, tt.most)
		}
		if back := overlap.Agreement(tt.part, whole); back != got {
			t.Errorf("%s: agreement %v, and %v from the other side", name, got, back)
		}
	}
}

// TestNewLook: the luminance of each pixel, and no picture that is too large or has
// other bytes than its size says.
func TestNewLook(t *testing.T) {
	look, err := overlap.NewLook(&imaging.Picture{Width: 2, Height: 1, Pix: []byte{255, 0, 0, 10, 10, 10}})
	if err != nil || look.Width != 2 || look.Height != 1 || look.Levels[0] != 76 || look.Levels[1] != 10 {
		t.Errorf("look %v, %v, want levels 76 and 10", look, err)
	}
	for _, size := range []image.Point{{49, 1}, {1, 49}, {0, 1}, {2, 2}} {
		if look, err := overlap.NewLook(&imaging.Picture{Width: size.X, Height: size.Y, Pix: make([]byte, 3)}); err == nil {
			t.Errorf("look of %v is %v, want an error", size, look)
		}
	}
}

// BenchmarkAgreement is of two pictures that agree, the dearest pair.
func BenchmarkAgreement(b *testing.B) {
	one, other := scene(b, 1, 48, 40, 0, 0, 1, 1, same), scene(b, 1, 48, 40, 0.2, 0.3, 0.8, 0.9, same)
	for b.Loop() {
		overlap.Agreement(one, other)
	}
}
