package augment_test

import (
	"math/rand/v2"
	"testing"

	"siamese/imaging"
	"siamese/train/augment"
)

// BenchmarkApply is each augmenter on a picture of the network's input size.
func BenchmarkApply(b *testing.B) {
	thick := augment.DefaultAffine()
	thick.StrokePixels, thick.StrokeProbability = 1, 1
	bent := augment.DefaultAffine()
	bent.ElasticPixels, bent.ElasticProbability = 8, 1
	benchmarks := []struct {
		name, giveAugmenter string
		giveAffine          augment.AffineConfig
	}{
		{"affine", "affine", augment.AffineConfig{}},
		{"affine-stroke", "affine", thick},
		{"affine-elastic", "affine", bent},
		{"autoaugment", "autoaugment", augment.AffineConfig{}},
		{"jitter", "jitter", augment.AffineConfig{}},
		{"none", "none", augment.AffineConfig{}},
	}
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			a := newAugmenter(b, bb.giveAugmenter, augment.Config{Affine: bb.giveAffine})
			p := speckled(imaging.DefaultSide, imaging.DefaultSide)
			random := rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			for b.Loop() {
				a.Apply(random, p)
			}
		})
	}
}
