package tfmodel_test

import (
	"math"
	"strings"
	"testing"

	"siamese/tfmodel"
)

// TestDistanceHead: the logit is 5 - 8·Σ|a-b|/distance, whatever the channels.
func TestDistanceHead(t *testing.T) {
	const distance = 40
	set, err := tfmodel.DistanceHead(tiny(), randomWeights(t, tiny(), 1), distance)
	must(t, err)
	trainer, err := tfmodel.NewTrainer(tiny(), set, tfmodel.TrainerConfig{PairWeight: 1}, tfmodel.Options{})
	must(t, err)
	defer trainer.Close()
	length := tiny().EmbeddingLength()
	for _, step := range []float64{0, 0.5, 2} {
		a, b := make([]float32, length), make([]float32, length)
		sum := 0.0
		for i := range b {
			b[i] = float32(step * float64(i%5) / 5)
			sum += math.Abs(float64(b[i]))
		}
		got, err := trainer.Compare(t.Context(), a, b)
		must(t, err)
		want := 1 / (1 + math.Exp(-(5 - 8*sum/distance)))
		if math.Abs(float64(got[0])-want) > similarityTolerance {
			t.Errorf("similarity at distance %.1f = %v, want %v", sum, got[0], want)
		}
	}
	if _, err := tfmodel.DistanceHead(tiny(), set, 0); err == nil || !strings.Contains(err.Error(), "usual distance 0") {
		t.Errorf("DistanceHead at distance 0 = %v, want an error that says so", err)
	}
}

// similarityTolerance is for float32 sums of a few dozen terms.
const similarityTolerance = 1e-5

// TestSparseHead: what is 0 in the head's first layer stays 0, the rest learns.
func TestSparseHead(t *testing.T) {
	set, err := tfmodel.DistanceHead(tiny(), randomWeights(t, tiny(), 1), 5)
	must(t, err)
	for _, sparse := range []bool{true, false} {
		trainer, err := tfmodel.NewTrainer(tiny(), set, tfmodel.TrainerConfig{Optimizer: tfmodel.Adam, Momentum: 0.9, PairWeight: 1, SparseHead: sparse}, tfmodel.Options{})
		must(t, err)
		for range 3 {
			_, err := trainer.Step(t.Context(), tinyBatch(), 0.01)
			must(t, err)
		}
		learnt, err := trainer.Weights()
		must(t, err)
		before, _ := set.Get("dense_1/kernel")
		after, _ := learnt.Get("dense_1/kernel")
		filled, moved := 0, 0
		for i, value := range before.Data {
			switch {
			case value == 0 && after.Data[i] != 0:
				filled++
			case value != 0 && after.Data[i] != value:
				moved++
			}
		}
		if moved == 0 || (filled == 0) != sparse {
			t.Errorf("sparse %t: %d entries learnt and %d of those that were 0, want some, and none of the latter only where sparse", sparse, moved, filled)
		}
		must(t, trainer.Close())
	}
}
