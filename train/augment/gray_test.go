package augment_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"siamese/imaging"
	"siamese/train/augment"
)

// drawing is a gray picture: dark blots on paper of 255, speckles in a corner.
func drawing(width, height int) augment.Gray {
	p := augment.Gray{Width: width, Height: height, Pix: bytes.Repeat([]byte{255}, width*height)}
	random := rand.New(rand.NewPCG(9, 9))
	for range 12 {
		x, y := random.IntN(width), random.IntN(height)
		for dy := range 3 {
			for dx := range 9 {
				p.Pix[min(y+dy, height-1)*width+min(x+dx, width-1)] = 0
			}
		}
	}
	for y := range height / 3 {
		for x := range width / 3 {
			p.Pix[y*width+x] = byte(random.UintN(256))
		}
	}
	return p
}

// rgb has the picture's level in three channels.
func rgb(p augment.Gray) *imaging.Picture {
	wide := &imaging.Picture{Width: p.Width, Height: p.Height}
	for _, level := range p.Pix {
		wide.Pix = append(wide.Pix, level, level, level)
	}
	return wide
}

// recipes are the distortions that the tests and benchmarks of affine run.
func recipes() map[string]augment.AffineConfig {
	recipe := augment.DefaultAffine()
	recipe.ShiftPixels, recipe.Probability = 8, 0.8
	stroke := recipe
	stroke.StrokePixels, stroke.StrokeProbability = 1, 0.8
	wild := augment.AffineConfig{
		RotationDegrees: 180, Shear: 0.9, ScaleLow: 0.01, ScaleHigh: 100, ShiftPixels: 300, Probability: 0.9,
		StrokePixels: 4, StrokeProbability: 0.5, Fill: 128,
	}
	still := augment.AffineConfig{ScaleLow: 1, ScaleHigh: 1, Fill: 3}
	elastic := stroke
	elastic.ElasticPixels, elastic.ElasticSpacing, elastic.ElasticProbability = 8, 13, 0.7
	return map[string]augment.AffineConfig{
		"elastic": elastic,
		"default": augment.DefaultAffine(), "recipe": recipe, "stroke": stroke, "wild": wild, "still": still,
	}
}

// TestGrayIsWhatThreeChannelsGive: bit for bit, and by as many random numbers.
func TestGrayIsWhatThreeChannelsGive(t *testing.T) {
	sides := [][2]int{{105, 105}, {32, 32}, {31, 17}, {2, 3}, {1, 1}}
	for name, config := range recipes() {
		for _, side := range sides {
			t.Run(fmt.Sprintf("%s-%dx%d", name, side[0], side[1]), func(t *testing.T) {
				a := newAugmenter(t, "affine", augment.Config{Width: side[0], Height: side[1], Affine: config}).(augment.GrayAugmenter)
				for _, given := range [][2]int{side, {40, 33}} {
					p := drawing(given[0], given[1])
					before, wide := bytes.Clone(p.Pix), rgb(p)
					one, three := seeded(5), seeded(5)
					out := make([]byte, side[0]*side[1]*3)
					for round := range 200 {
						for i := range out {
							out[i] = 77 // what the memory held before
						}
						a.ApplyGray(one, p, out)
						if want := a.Apply(three, wide).Pix; !bytes.Equal(out, want) {
							t.Fatalf("round %d differs from Apply", round)
						}
					}
					if one.Uint64() != three.Uint64() {
						t.Error("ApplyGray drew other random numbers than Apply")
					}
					if !bytes.Equal(p.Pix, before) {
						t.Error("ApplyGray changed its input")
					}
				}
			})
		}
	}
}

func TestSizeIsThatOfThePictures(t *testing.T) {
	for _, name := range augment.Names() {
		a := newAugmenter(t, name, augment.Config{Width: 20, Height: 30})
		if width, height := a.Size(); width != 20 || height != 30 {
			t.Errorf("%s: Size() = %d, %d; want 20, 30", name, width, height)
		}
	}
}

// BenchmarkApplyGray is affine on a gray drawing of the network's input size.
func BenchmarkApplyGray(b *testing.B) {
	for _, name := range []string{"default", "recipe", "stroke"} {
		b.Run(name, func(b *testing.B) {
			a := newAugmenter(b, "affine", augment.Config{Affine: recipes()[name]}).(augment.GrayAugmenter)
			p := drawing(imaging.DefaultSide, imaging.DefaultSide)
			random := rand.New(rand.NewPCG(1, 2))
			out := make([]byte, 3*p.Width*p.Height)
			b.ReportAllocs()
			for b.Loop() {
				a.ApplyGray(random, p, out)
			}
		})
	}
}
