package tfmodel_test

import (
	"math"
	"slices"
	"testing"

	"siamese/tfmodel"
	"siamese/weights"
)

// tinyBatch is 6 images of 3 classes with all 15 pairs.
func tinyBatch() tfmodel.TrainBatch {
	batch := tfmodel.TrainBatch{
		Pixels: randomPixels(tiny(), 6, 11),
		Labels: []int32{0, 0, 1, 1, 2, 2},
	}
	for a := range int32(6) {
		for b := a + 1; b < 6; b++ {
			batch.A, batch.B = append(batch.A, a), append(batch.B, b)
			batch.Same = append(batch.Same, batch.Labels[a] == batch.Labels[b])
			batch.Weights = append(batch.Weights, 1.0/15)
		}
	}
	return batch
}

// levelsBatch is tinyBatch with two classes of one kind, and two images of which
// nobody knows whether they are the same.
func levelsBatch() tfmodel.TrainBatch {
	batch := tinyBatch()
	batch.Kinds = []int32{0, 0, 0, 0, 1, 1}
	batch.Unknown = [][2]int32{{1, 4}}
	for i, same := range batch.Same {
		target := float32(0)
		if same {
			target = 1
		} else if batch.Kinds[batch.A[i]] == batch.Kinds[batch.B[i]] {
			target = 0.2
		}
		batch.Targets = append(batch.Targets, target)
	}
	return batch
}

func newTrainer(t *testing.T, config tfmodel.TrainerConfig) *tfmodel.Trainer {
	t.Helper()
	return newTrainerOf(t, tiny(), config)
}

func newTrainerOf(t *testing.T, architecture tfmodel.Architecture, config tfmodel.TrainerConfig) *tfmodel.Trainer {
	t.Helper()
	trainer, err := tfmodel.NewTrainer(architecture, randomWeights(t, architecture, 1), config, tfmodel.Options{})
	must(t, err)
	t.Cleanup(func() {
		if err := trainer.Close(); err != nil {
			t.Error(err)
		}
	})
	return trainer
}

// lossesOf are the terms worked out in plain Go from the description.
func lossesOf(t *testing.T, architecture tfmodel.Architecture, set *weights.Set, batch tfmodel.TrainBatch, config tfmodel.TrainerConfig) (pair, contrastive, accuracy float64) {
	t.Helper()
	ref := reference{architecture, set}
	size := architecture.ImageBytes()
	var embeddings [][]float64
	for i := range batch.Labels {
		embeddings = append(embeddings, ref.encode(batch.Pixels[i*size:(i+1)*size]))
	}
	for i := range batch.A {
		p := ref.compare(embeddings[batch.A[i]], embeddings[batch.B[i]])
		weight, target := float64(batch.Weights[i]), 0.0
		if batch.Same[i] {
			target = 1
		}
		if batch.Targets != nil {
			target = float64(batch.Targets[i])
		}
		pair -= weight * (target*math.Log(p) + (1-target)*math.Log(1-p))
		if p > 0.5 == (target > 0.5) {
			accuracy += weight
		}
	}
	anchors := 0.0
	for i := range embeddings {
		if term, ok := contrastiveOf(embeddings, i, batch, config); ok {
			contrastive += term
			anchors++
		}
	}
	return pair, contrastive / anchors, accuracy
}

// contrastiveOf is one image's contrastive term; false where nothing is like it.
func contrastiveOf(embeddings [][]float64, i int, batch tfmodel.TrainBatch, config tfmodel.TrainerConfig) (float64, bool) {
	counts := func(j int) bool {
		unknown := slices.Contains(batch.Unknown, [2]int32{int32(i), int32(j)}) || slices.Contains(batch.Unknown, [2]int32{int32(j), int32(i)})
		return i != j && !unknown
	}
	total, weight, sum := 0.0, 0.0, 0.0
	for j := range embeddings {
		if counts(j) {
			total += math.Exp(cosine(embeddings[i], embeddings[j]) / config.Temperature)
		}
	}
	for j := range embeddings {
		each := 0.0
		switch {
		case !counts(j):
		case batch.Labels[i] == batch.Labels[j]:
			each = 1
		case batch.Kinds != nil && batch.Kinds[i] == batch.Kinds[j]:
			each = config.KindWeight
		}
		sum += each * (cosine(embeddings[i], embeddings[j])/config.Temperature - math.Log(total))
		weight += each
	}
	return -sum / weight, weight > 0
}

func cosine(a, b []float64) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot, aa, bb = dot+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return dot / math.Sqrt((aa+1e-6)*(bb+1e-6))
}

// lossTolerance is for float32 sums of some hundred terms against float64.
const lossTolerance = 1e-4

func TestLossesAreThoseOfTheDescription(t *testing.T) {
	for name, batch := range map[string]tfmodel.TrainBatch{"classes": tinyBatch(), "levels": levelsBatch()} {
		for _, architecture := range append(pooled(), tiny()) {
			t.Run(name+" "+nameOf(architecture), func(t *testing.T) { lossesAgree(t, architecture, batch) })
		}
	}
}

func lossesAgree(t *testing.T, architecture tfmodel.Architecture, batch tfmodel.TrainBatch) {
	config := tfmodel.TrainerConfig{PairWeight: 0.7, ContrastiveWeight: 0.3, KindWeight: 0.25, Temperature: 0.2}
	got, err := newTrainerOf(t, architecture, config).Step(t.Context(), batch, 0)
	must(t, err)
	pair, contrastive, accuracy := lossesOf(t, architecture, randomWeights(t, architecture, 1), batch, config)
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"pair", got.Pair, pair},
		{"contrastive", got.Contrastive, contrastive},
		{"accuracy", got.Accuracy, accuracy},
		{"total", got.Loss, 0.7*pair + 0.3*contrastive},
	} {
		if math.Abs(tt.got-tt.want) > lossTolerance*(1+math.Abs(tt.want)) {
			t.Errorf("%s loss = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestGradientsAgainstFiniteDifferences reads gradients off steps of plain SGD
// with learning rate 1 and holds them against central differences of the loss.
func TestGradientsAgainstFiniteDifferences(t *testing.T) {
	for _, architecture := range append(pooled(), tiny()) {
		t.Run(nameOf(architecture), func(t *testing.T) { gradientsAgree(t, architecture) })
	}
}

func gradientsAgree(t *testing.T, architecture tfmodel.Architecture) {
	config := tfmodel.TrainerConfig{PairWeight: 1, ContrastiveWeight: 0.5, KindWeight: 0.25, Temperature: 0.5}
	batch := levelsBatch()
	before := randomWeights(t, architecture, 1)
	trainer := newTrainerOf(t, architecture, config)
	_, err := trainer.Step(t.Context(), batch, 1)
	must(t, err)
	after, err := trainer.Weights()
	must(t, err)
	loss := func(name string, index int, delta float32) float64 {
		var changed []weights.Tensor
		for tensor := range before.All() {
			if tensor.Name == name {
				tensor.Data = append([]float32(nil), tensor.Data...)
				tensor.Data[index] += delta
			}
			changed = append(changed, tensor)
		}
		set, err := weights.New(changed...)
		must(t, err)
		pair, contrastive, _ := lossesOf(t, architecture, set, batch, config)
		return pair + 0.5*contrastive
	}
	const delta = 1e-3
	for _, name := range before.Names() {
		old, _ := before.Get(name)
		now, _ := after.Get(name)
		for index := 0; index < len(old.Data); index += 1 + len(old.Data)/4 {
			got := float64(old.Data[index] - now.Data[index])
			want := (loss(name, index, delta) - loss(name, index, -delta)) / (2 * delta)
			// ReLUs and pooling bend the loss within delta; the weights are float32.
			if math.Abs(got-want) > 5e-3*(1+math.Abs(want)) {
				t.Errorf("gradient of %s[%d] = %v, finite difference %v", name, index, got, want)
			}
		}
	}
}

// TestOptimizersFollowTheirFormulas runs three steps on one batch and holds a
// weight that nothing else moves (the last bias) against the formula, with the
// gradient taken from a twin that steps by plain SGD.
func TestOptimizersFollowTheirFormulas(t *testing.T) {
	const rate, momentum, decay = 0.1, 0.9, 0.01
	tests := []struct {
		give   string
		config tfmodel.TrainerConfig
		next   func(w, g float64, step int, v, m *float64) float64
	}{
		{"sgd", tfmodel.TrainerConfig{Optimizer: tfmodel.SGD, Momentum: momentum}, func(w, g float64, _ int, v, _ *float64) float64 {
			*v = momentum**v - rate*g
			return w + *v
		}},
		{"sgd nesterov with decay", tfmodel.TrainerConfig{Optimizer: tfmodel.SGD, Momentum: momentum, Nesterov: true, WeightDecay: decay}, func(w, g float64, _ int, v, _ *float64) float64 {
			g += decay * w
			*v = momentum**v - rate*g
			return w + momentum**v - rate*g
		}},
		{"adam", tfmodel.TrainerConfig{Optimizer: tfmodel.Adam, Momentum: momentum}, func(w, g float64, step int, v, m *float64) float64 {
			return w - adamStep(rate, momentum, g, step, v, m)
		}},
		{"adamw", tfmodel.TrainerConfig{Optimizer: tfmodel.AdamW, Momentum: momentum, WeightDecay: decay}, func(w, g float64, step int, v, m *float64) float64 {
			return w - rate*decay*w - adamStep(rate, momentum, g, step, v, m)
		}},
	}
	batch := tinyBatch()
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			tt.config.PairWeight = 1
			trainer := newTrainer(t, tt.config)
			var v, m float64
			for step := 1; step <= 3; step++ {
				before, err := trainer.Weights()
				must(t, err)
				gradient := lastBias(t, before) - lastBiasAfterPlainStep(t, before, batch)
				want := tt.next(lastBias(t, before), gradient, step, &v, &m)
				_, err = trainer.Step(t.Context(), batch, rate)
				must(t, err)
				after, err := trainer.Weights()
				must(t, err)
				if got := lastBias(t, after); math.Abs(got-want) > lossTolerance {
					t.Errorf("step %d: weight = %v, want %v", step, got, want)
				}
			}
		})
	}
}

func adamStep(rate, beta1, g float64, step int, v, m *float64) float64 {
	const beta2 = 0.999
	*m = beta1**m + (1-beta1)*g
	*v = beta2**v + (1-beta2)*g*g
	corrected := rate * math.Sqrt(1-math.Pow(beta2, float64(step))) / (1 - math.Pow(beta1, float64(step)))
	return corrected * *m / (math.Sqrt(*v) + 1e-7)
}

func lastBias(t *testing.T, set *weights.Set) float64 {
	t.Helper()
	tensor, ok := set.Get("dense_2/bias")
	if !ok {
		t.Fatal("no dense_2/bias")
	}
	return float64(tensor.Data[0])
}

func lastBiasAfterPlainStep(t *testing.T, set *weights.Set, batch tfmodel.TrainBatch) float64 {
	t.Helper()
	twin, err := tfmodel.NewTrainer(tiny(), set, tfmodel.TrainerConfig{PairWeight: 1}, tfmodel.Options{})
	must(t, err)
	defer twin.Close()
	_, err = twin.Step(t.Context(), batch, 1)
	must(t, err)
	after, err := twin.Weights()
	must(t, err)
	return lastBias(t, after)
}

// allTerms is a configuration that uses everything.
func allTerms() tfmodel.TrainerConfig {
	return tfmodel.TrainerConfig{
		Optimizer: tfmodel.AdamW, Momentum: 0.9, WeightDecay: 1e-4, ClipNorm: 1, HeadRate: 2,
		PairWeight: 1, ContrastiveWeight: 1, ClassWeight: 1, Classes: 3, AverageDecay: 0.9,
	}
}

func TestOneBatchOverfits(t *testing.T) {
	for seed := range uint64(3) {
		config := allTerms()
		config.Seed = seed
		trainer := newTrainer(t, config)
		var last tfmodel.StepResult
		for range 300 {
			var err error
			last, err = trainer.Step(t.Context(), tinyBatch(), 0.01)
			must(t, err)
		}
		if last.Pair > 0.1 || last.Accuracy != 1 || last.Class > 0.5 {
			t.Errorf("seed %d: after 300 steps on one batch %+v, want its pairs learnt", seed, last)
		}
	}
}

// TestRestoredTrainerGoesOnAsIfNothingHappened: a step after State and Restore
// is bit for bit the step of the trainer that was never interrupted.
func TestRestoredTrainerGoesOnAsIfNothingHappened(t *testing.T) {
	straight := newTrainer(t, allTerms())
	for range 5 {
		_, err := straight.Step(t.Context(), tinyBatch(), 0.01)
		must(t, err)
	}
	state, err := straight.State()
	must(t, err)
	resumed := newTrainer(t, allTerms())
	must(t, resumed.Restore(state))
	if resumed.Steps() != 5 {
		t.Errorf("Steps() = %d after Restore, want 5", resumed.Steps())
	}
	for range 5 {
		want, err := straight.Step(t.Context(), tinyBatch(), 0.01)
		must(t, err)
		got, err := resumed.Step(t.Context(), tinyBatch(), 0.01)
		must(t, err)
		// The same numbers but for the order in which threads add.
		if math.Abs(got.Loss-want.Loss) > 1e-5 {
			t.Errorf("loss %v after Restore, %v without", got.Loss, want.Loss)
		}
	}
}

func TestFrozenBlocksStay(t *testing.T) {
	config := allTerms()
	config.FrozenBlocks = 1
	trainer := newTrainer(t, config)
	before, err := trainer.Weights()
	must(t, err)
	_, err = trainer.Step(t.Context(), tinyBatch(), 0.1)
	must(t, err)
	after, err := trainer.Weights()
	must(t, err)
	for tensor := range before.All() {
		now, _ := after.Get(tensor.Name)
		moved := false
		for i := range tensor.Data {
			moved = moved || tensor.Data[i] != now.Data[i]
		}
		if frozen := tensor.Name == "block1_conv1/kernel" || tensor.Name == "block1_conv1/bias"; moved == frozen {
			t.Errorf("%s moved: %t, want %t", tensor.Name, moved, !frozen)
		}
	}
}

func TestAveragesFollowTheWeights(t *testing.T) {
	trainer := newTrainer(t, allTerms())
	average := lastBias(t, randomWeights(t, tiny(), 1))
	for range 3 {
		_, err := trainer.Step(t.Context(), tinyBatch(), 0.05)
		must(t, err)
		now, err := trainer.Weights()
		must(t, err)
		average += (1 - 0.9) * (lastBias(t, now) - average)
	}
	averages, err := trainer.Averages()
	must(t, err)
	if got := lastBias(t, averages); math.Abs(got-average) > 1e-6 {
		t.Errorf("average = %v, want %v", got, average)
	}
}

func TestClippingBoundsTheStep(t *testing.T) {
	trainer := newTrainer(t, tfmodel.TrainerConfig{PairWeight: 50, ClipNorm: 0.5})
	before, err := trainer.Weights()
	must(t, err)
	result, err := trainer.Step(t.Context(), tinyBatch(), 1)
	must(t, err)
	after, err := trainer.Weights()
	must(t, err)
	length := 0.0
	for tensor := range before.All() {
		now, _ := after.Get(tensor.Name)
		for i := range tensor.Data {
			length += math.Pow(float64(tensor.Data[i]-now.Data[i]), 2)
		}
	}
	if result.Gradient <= 0.5 || math.Abs(math.Sqrt(length)-0.5) > 1e-3 {
		t.Errorf("gradient of length %v moved the weights by %v, want more than 0.5 and 0.5", result.Gradient, math.Sqrt(length))
	}
}

func TestStepRefuses(t *testing.T) {
	trainer := newTrainer(t, allTerms())
	tests := []struct {
		give string
		edit func(*tfmodel.TrainBatch)
	}{
		{"no pixels", func(b *tfmodel.TrainBatch) { b.Pixels = nil }},
		{"part of an image", func(b *tfmodel.TrainBatch) { b.Pixels = b.Pixels[1:] }},
		{"pair of an image that is not there", func(b *tfmodel.TrainBatch) { b.A[0] = 6 }},
		{"negative pair", func(b *tfmodel.TrainBatch) { b.B[0] = -1 }},
		{"missing weights", func(b *tfmodel.TrainBatch) { b.Weights = nil }},
		{"missing labels", func(b *tfmodel.TrainBatch) { b.Labels = b.Labels[1:] }},
		{"missing targets", func(b *tfmodel.TrainBatch) { b.Targets = []float32{1} }},
		{"missing kinds", func(b *tfmodel.TrainBatch) { b.Kinds = []int32{1} }},
		{"unknown pair of an image that is not there", func(b *tfmodel.TrainBatch) { b.Unknown = [][2]int32{{0, 6}} }},
		{"unknown class", func(b *tfmodel.TrainBatch) { b.Labels[5] = 3 }},
	}
	for _, tt := range tests {
		batch := tinyBatch()
		tt.edit(&batch)
		if _, err := trainer.Step(t.Context(), batch, 0.1); err == nil {
			t.Errorf("%s: Step = nil error, want one", tt.give)
		}
	}
	if trainer.Steps() != 0 {
		t.Errorf("Steps() = %d after refusals, want 0", trainer.Steps())
	}
}
