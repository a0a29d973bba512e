package bench

import (
	"context"
	"errors"
	"fmt"
	"math"

	"siamese/train"
)

// trainingRounds are the seconds of steps that were timed in turn, so that the
// machine's moods hit all of them: index i is of one round.
type trainingRounds struct {
	step    []float64 // float32, smallImages as pairs of their own
	half    []float64 // bfloat16, the same batch
	tiny    []float64 // float32, tinyImages
	forward []float64 // the encoder alone on smallImages
	keras   []float64 // train_on_batch on the same batch; empty without Keras
}

// measureRounds times steps on a batch of smallImages in turn.
func (t Training) measureRounds(ctx context.Context, pixels []byte) (measured trainingRounds, err error) {
	learner, err := t.Open(precisionFloat32)
	if err != nil {
		return trainingRounds{}, err
	}
	defer func() { err = errors.Join(err, learner.Close()) }()
	half, err := t.Open(precisionBFloat16)
	if err != nil {
		return trainingRounds{}, err
	}
	defer func() { err = errors.Join(err, half.Close()) }()
	batch := ownPairs(pixels, smallImages)
	var peer *kerasProcess
	if len(t.Keras) > 0 {
		t.say("starting Keras")
		if peer, err = kerasTrainer(ctx, t.Keras, batch); err != nil {
			return trainingRounds{}, err
		}
		defer func() { err = errors.Join(err, peer.stop()) }()
	}
	t.say(fmt.Sprintf("training steps of %d images, %d rounds", smallImages, rounds))
	for round := range rounds + 1 {
		once, err := measureRound(ctx, learner, half, peer, batch)
		if err != nil {
			return trainingRounds{}, err
		}
		if round > 0 { // the first warms up
			measured.add(once)
		}
	}
	return measured, nil
}

// measureRound times each kind of step once. The peer may be nil.
func measureRound(ctx context.Context, learner, half Learner, peer *kerasProcess, batch train.Batch) (once trainingRounds, _ error) {
	var losses train.Losses
	tiny := ownPairs(batch.Pixels[:len(batch.Pixels)/smallImages*tinyImages], tinyImages)
	kinds := []struct {
		into *[]float64
		do   func() (seconds float64, err error)
	}{
		{&once.forward, func() (float64, error) {
			return timed(func() error { _, err := learner.Encode(ctx, batch.Pixels); return err })
		}},
		{&once.half, func() (float64, error) {
			return timed(func() error { _, err := half.Step(ctx, batch, learningRate); return err })
		}},
		// Before the tiny step: its first loss is of the weights that Keras has too.
		{&once.step, func() (float64, error) {
			return timed(func() (err error) { losses, err = learner.Step(ctx, batch, learningRate); return err })
		}},
		{&once.keras, func() (float64, error) { return peer.step(losses.Loss) }}, // right after ours: in one mood
		{&once.tiny, func() (float64, error) {
			return timed(func() error { _, err := learner.Step(ctx, tiny, learningRate); return err })
		}},
	}
	for _, kind := range kinds {
		if kind.into == &once.keras && peer == nil {
			continue
		}
		seconds, err := kind.do()
		if err != nil {
			return trainingRounds{}, err
		}
		*kind.into = []float64{seconds}
	}
	return once, nil
}

func (r *trainingRounds) add(once trainingRounds) {
	r.step = append(r.step, once.step...)
	r.half = append(r.half, once.half...)
	r.tiny = append(r.tiny, once.tiny...)
	r.forward = append(r.forward, once.forward...)
	r.keras = append(r.keras, once.keras...)
}

// rows are what needs no Keras.
func (r trainingRounds) rows() []Row {
	name := fmt.Sprintf("training step, %d images", smallImages)
	fixed := make([]float64, len(r.step))
	for i := range fixed {
		each := (r.step[i] - r.tiny[i]) / (smallImages - tinyImages)
		fixed[i] = math.Max(0, r.tiny[i]-tinyImages*each) / r.step[i]
	}
	return []Row{
		figure(name+" as pairs", middleOf(r.step), "s"),
		figure(name+" as pairs, rate", smallImages/middleOf(r.step), "images/s"),
		figure(name+", share of the forward pass", 100*middleRatio(r.forward, r.step), "%"),
		figure(name+", share that no image adds to (update)", 100*Median(fixed), "%"),
		figure(name+", bfloat16, rate", smallImages/middleOf(r.half), "images/s"),
		figure(name+", bfloat16 to float32", middleRatio(r.step, r.half), "×"),
	}
}

// kerasRows compare with Keras; large is the seconds that a step of all pairs took.
func (r trainingRounds) kerasRows(large float64) []Row {
	if len(r.keras) == 0 {
		return nil
	}
	pairs := float64(largeImages * (largeImages - 1) / 2)
	theirPairs := smallImages / 2 / middleOf(r.keras)
	return []Row{
		figure("Keras' train_on_batch, same images, rate", smallImages/middleOf(r.keras), "images/s"),
		atLeast("training step to Keras' train_on_batch, images/s", middleRatio(r.keras, r.step), "×", kerasBar),
		figure("Keras' pair loop, pairs", theirPairs, "pairs/s"),
		atLeast("all pairs to Keras' pair loop, pairs/s", pairs/large/theirPairs, "×", pairsBar),
	}
}

// middleOf is the median; the values stay in their order.
func middleOf(values []float64) float64 {
	return Median(append([]float64(nil), values...))
}

// middleRatio is the median of the ratios within each round.
func middleRatio(over, under []float64) float64 {
	ratios := make([]float64, len(over))
	for i := range ratios {
		ratios[i] = over[i] / under[i]
	}
	return Median(ratios)
}
