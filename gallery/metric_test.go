package gallery_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"siamese/gallery"
)

func TestMetricRefuses(t *testing.T) {
	for _, weights := range [][]float32{nil, {}, {0, 0}, {1, -0.1}, {1, float32(math.NaN())}, {float32(math.Inf(1))}} {
		if _, err := gallery.NewMetric(digest, weights); err == nil {
			t.Errorf("NewMetric(%v) returned no error", weights)
		}
	}
}

func TestMetricKeepsNothingOfItsArgument(t *testing.T) {
	weights := []float32{1, 2}
	metric, err := gallery.NewMetric(digest, weights)
	if err != nil {
		t.Fatal(err)
	}
	weights[0] = 9
	if got := metric.Weights()[0]; got != 1 || metric.ModelDigest() != digest {
		t.Errorf("the first weight is %v, of model %q", got, metric.ModelDigest())
	}
}

// Whichever way vectors hold their numbers, the distance is the sum over all of them.
func TestDistanceIsTheWeightedSum(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 5))
	for range 300 {
		n := 1 + random.IntN(30)
		weights, a, b := make([]float32, n), make([]float32, n), make([]float32, n)
		shareA, shareB := random.Float64(), random.Float64()
		var want, norm float64
		for i := range n {
			weights[i] = random.Float32()
			if random.Float64() < shareA {
				a[i] = float32(random.NormFloat64())
			}
			if random.Float64() < shareB {
				b[i] = float32(random.NormFloat64())
			}
			want += float64(weights[i]) * math.Abs(float64(a[i])-float64(b[i]))
			norm += float64(weights[i]) * math.Abs(float64(a[i]))
		}
		weights[0] += 1e-9 // none may be all 0
		metric, err := gallery.NewMetric(digest, weights)
		if err != nil {
			t.Fatal(err)
		}
		const rounding = 1e-5
		va, vb := gallery.NewVector(a), gallery.NewVector(b)
		if got := metric.Distance(va, vb); math.Abs(float64(got)-want) > rounding || got != metric.Distance(vb, va) {
			t.Errorf("Distance(%v, %v) = %v, and %v the other way, want %v", a, b, got, metric.Distance(vb, va), want)
		}
		if got := metric.Norm(va); math.Abs(float64(got)-norm) > rounding {
			t.Errorf("Norm(%v) = %v, want %v", a, got, norm)
		}
		if got := metric.Distance(va, va); got != 0 {
			t.Errorf("Distance(%v, itself) = %v, want 0", a, got)
		}
	}
}
