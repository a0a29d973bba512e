package tfmodel_test

import (
	"math"
	"testing"

	"siamese/tfmodel"
)

// roundedTolerance is how far numbers of the tiny network may be off in bfloat16,
// relative to their rms: each of its layers rounds to 7 bits of fraction, 2⁻⁸ =
// 0.4 %, and pooling picks the larger of four that were rounded.
const roundedTolerance = 0.05

// stepTolerance is how far the step as a whole may be off, relative to its
// length: below the first pooling of the tiny network rounding changes which of
// four numbers is passed on. TensorFlow's own rewriting for CPUs is off by 0.21,
// too, and a gradient that has nothing to do with the right one by 1.4.
const stepTolerance = 0.4

// relativeError is the greatest difference against the rms of want.
func relativeError(t *testing.T, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d numbers, want %d", len(got), len(want))
	}
	most, squares := 0.0, 0.0
	for i := range want {
		most = max(most, math.Abs(float64(got[i])-float64(want[i])))
		squares += float64(want[i]) * float64(want[i])
	}
	return most / math.Sqrt(squares/float64(len(want)))
}

// checkRounded wants numbers to be off as bfloat16 is: not at all would mean that
// the graph was not rewritten.
func checkRounded(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if off := relativeError(t, got, want); !(off > 1e-5 && off < roundedTolerance) {
		t.Errorf("%s in bfloat16 are %g off, want above 1e-5 and below %g", what, off, roundedTolerance)
	}
}

func TestRoundedModel(t *testing.T) {
	exact := loadTiny(t, tfmodel.Options{Device: tfmodel.DeviceCPU})
	rounded := loadTiny(t, tfmodel.Rounded(tfmodel.Options{Device: tfmodel.DeviceCPU}))
	pixels := randomPixels(tiny(), 5, 3)
	want, err := exact.Encode(t.Context(), pixels)
	must(t, err)
	got, err := rounded.Encode(t.Context(), pixels)
	must(t, err)
	checkRounded(t, "embeddings", got, want)
	// The head is not rounded: the same embeddings have the same similarity.
	length := tiny().EmbeddingLength()
	wantSimilarity, err := exact.Compare(t.Context(), want[:length], want[length:2*length])
	must(t, err)
	gotSimilarity, err := rounded.Compare(t.Context(), want[:length], want[length:2*length])
	must(t, err)
	if math.Abs(float64(gotSimilarity[0]-wantSimilarity[0])) > 1e-6 {
		t.Errorf("similarity of given embeddings = %v, want %v", gotSimilarity[0], wantSimilarity[0])
	}
	if rounded.Precision() != tfmodel.BFloat16 {
		t.Errorf("Precision() = %q, want bfloat16", rounded.Precision())
	}
}

// TestRoundedTrainer: losses, and the weights after a step, are off as bfloat16
// is; the weights themselves stay float32.
func TestRoundedTrainer(t *testing.T) {
	config := tfmodel.TrainerConfig{PairWeight: 1, ContrastiveWeight: 1, Optimizer: tfmodel.SGD}
	batch := tinyBatch()
	const rate = 0.1
	moved := func(options tfmodel.Options) (loss float64, before, after []float32) {
		set := randomWeights(t, tiny(), 1)
		trainer, err := tfmodel.NewTrainer(tiny(), set, config, options)
		must(t, err)
		defer trainer.Close()
		result, err := trainer.Step(t.Context(), batch, rate)
		must(t, err)
		stepped, err := trainer.Weights()
		must(t, err)
		for _, variable := range tiny().Variables() {
			old, _ := set.Get(variable.Name)
			tensor, _ := stepped.Get(variable.Name)
			before, after = append(before, old.Data...), append(after, tensor.Data...)
		}
		return result.Loss, before, after
	}
	wantLoss, before, want := moved(tfmodel.Options{Device: tfmodel.DeviceCPU})
	gotLoss, _, got := moved(tfmodel.Rounded(tfmodel.Options{Device: tfmodel.DeviceCPU}))
	if off := math.Abs(gotLoss/wantLoss - 1); !(off < roundedTolerance) {
		t.Errorf("loss in bfloat16 = %v, want %v within %g of it", gotLoss, wantLoss, roundedTolerance)
	}
	var gotStep, wantStep []float32
	for i := range want {
		gotStep, wantStep = append(gotStep, got[i]-before[i]), append(wantStep, want[i]-before[i])
	}
	length, difference := 0.0, 0.0
	for i := range wantStep {
		length += float64(wantStep[i]) * float64(wantStep[i])
		difference += float64(gotStep[i]-wantStep[i]) * float64(gotStep[i]-wantStep[i])
	}
	if off := math.Sqrt(difference / length); !(off > 1e-5 && off < stepTolerance) {
		t.Errorf("the step in bfloat16 is %g of its length off, want above 1e-5 and below %g", off, stepTolerance)
	}
}
