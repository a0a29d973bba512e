package tfmodel_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"siamese/tfmodel"
)

// TestDistanceHead: the logit is 5 - 8·Σ|a-b|/distance, whatever the channels.
func TestDistanceHead(t *testing.T) {
	const distance = 40
	set, err := tfmodel.DistanceHead(tiny(), randomWeights(t, tiny(), 1), tfmodel.DistanceConfig{Distance: distance})
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
	if _, err := tfmodel.DistanceHead(tiny(), set, tfmodel.DistanceConfig{}); err == nil || !strings.Contains(err.Error(), "usual distance 0") {
		t.Errorf("DistanceHead at distance 0 = %v, want an error that says so", err)
	}
}

// similarityTolerance is for float32 sums of a few dozen terms.
const similarityTolerance = 1e-5

// TestSparseHead: what is 0 in the head's first layer stays 0, the rest learns.
func TestSparseHead(t *testing.T) {
	set, err := tfmodel.DistanceHead(tiny(), randomWeights(t, tiny(), 1), tfmodel.DistanceConfig{Distance: 5})
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

// TestResidualHeadBeginsAsTheDistance: with units kept from it, and by scales, the logit is
// 5 - 8·Σ scale·|a-b|/distance. Learning moves these units and leaves the distance's zeros.
func TestResidualHeadBeginsAsTheDistance(t *testing.T) {
	const distance, residual = 40, 2
	length, hidden := tiny().EmbeddingLength(), tiny().Hidden
	scales := make([]float32, length)
	for i := range scales {
		scales[i] = 0.5 + float32(i%4)/3
	}
	set, err := tfmodel.DistanceHead(tiny(), randomWeights(t, tiny(), 1), tfmodel.DistanceConfig{Distance: distance, Scales: scales, Residual: residual, Seed: 3})
	must(t, err)
	trainer, err := tfmodel.NewTrainer(tiny(), set, tfmodel.TrainerConfig{Optimizer: tfmodel.AdamW, Momentum: 0.9, WeightDecay: 0.01, PairWeight: 1, SparseHead: true, HeadDropout: 0.3}, tfmodel.Options{})
	must(t, err)
	defer trainer.Close()
	a, b := make([]float32, length), make([]float32, length)
	sum := 0.0
	for i := range b {
		b[i] = float32(i%5) / 2
		sum += float64(scales[i] * b[i])
	}
	got, err := trainer.Compare(t.Context(), a, b)
	must(t, err)
	if want := 1 / (1 + math.Exp(-(5 - 8*sum/distance))); math.Abs(float64(got[0])-want) > similarityTolerance {
		t.Errorf("similarity at distance %.1f = %v, want %v", sum, got[0], want)
	}
	for range 4 {
		_, err := trainer.Step(t.Context(), tinyBatch(), 0.01)
		must(t, err)
	}
	learnt, err := trainer.Weights()
	must(t, err)
	before, _ := set.Get("dense_1/kernel")
	after, _ := learnt.Get("dense_1/kernel")
	last, _ := learnt.Get("dense_2/kernel")
	for i, value := range before.Data {
		isResidual := i%hidden >= hidden-residual
		if isResidual && (value == 0 || after.Data[i] == value) || !isResidual && value == 0 && after.Data[i] != 0 {
			t.Errorf("entry %d of unit %d was %v and is %v", i/hidden, i%hidden, value, after.Data[i])
		}
	}
	// A unit that is off for all pairs learns nothing.
	if corrects := last.Data[hidden-residual:]; !slices.ContainsFunc(corrects, func(value float32) bool { return value != 0 }) {
		t.Error("no unit has learnt to correct the distance")
	}
}

func TestDistanceHeadRefuses(t *testing.T) {
	for want, config := range map[string]tfmodel.DistanceConfig{
		"usual distance NaN":             {Distance: math.NaN()},
		"5 residual units, want 0 to 4":  {Distance: 1, Residual: 5},
		"-1 residual units":              {Distance: 1, Residual: -1},
		"3 scales, want one for each of": {Distance: 1, Scales: []float32{1, 1, 1}},
	} {
		if _, err := tfmodel.DistanceHead(tiny(), randomWeights(t, tiny(), 1), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("DistanceHead(%+v) = %v, want %q in it", config, err, want)
		}
	}
}

// TestHeadDropout: it changes the loss, by seed and step alone; without hidden units that
// are left out, on average, it is the loss of the whole head.
func TestHeadDropout(t *testing.T) {
	losses := func(rate float64, seed uint64, restoreAfter int) (all []float64) {
		config := tfmodel.TrainerConfig{PairWeight: 1, HeadDropout: rate, Seed: seed}
		trainer := newTrainer(t, config)
		for step := range 6 {
			if step == restoreAfter {
				state, err := trainer.State()
				must(t, err)
				trainer = newTrainer(t, config)
				must(t, trainer.Restore(state))
			}
			result, err := trainer.Step(t.Context(), tinyBatch(), 0)
			must(t, err)
			all = append(all, result.Loss)
		}
		return all
	}
	whole, dropped, resumed, other := losses(0, 1, -1), losses(0.4, 1, -1), losses(0.4, 1, 3), losses(0.4, 2, -1)
	for step := range whole {
		if math.Abs(dropped[step]-resumed[step]) > 1e-6 {
			t.Errorf("step %d: loss %v, %v in a run that was resumed", step, dropped[step], resumed[step])
		}
		if dropped[step] == other[step] || dropped[step] == whole[step] || step > 0 && dropped[step] == dropped[step-1] {
			t.Errorf("step %d: loss %v, by another seed %v, without dropout %v, before %v; want four", step, dropped[step], other[step], whole[step], dropped[max(0, step-1)])
		}
	}
	if _, err := tfmodel.NewTrainer(tiny(), randomWeights(t, tiny(), 1), tfmodel.TrainerConfig{PairWeight: 1, HeadDropout: 1}, tfmodel.Options{}); err == nil || !strings.Contains(err.Error(), "head dropout 1") {
		t.Errorf("NewTrainer with a dropout of 1 = %v, want an error that says so", err)
	}
}
