package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

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
	tiny := ownPairs(pixels[:len(pixels)/smallImages*tinyImages], tinyImages)
	var losses train.Losses
	works := []Work{
		Clocked(func(int) error { _, err := learner.Encode(ctx, pixels); return err }),
		Clocked(func(int) error { _, err := half.Step(ctx, batch, learningRate); return err }),
		// Before the tiny step: its first loss is of the weights that Keras has too.
		Clocked(func(int) (err error) { losses, err = learner.Step(ctx, batch, learningRate); return err }),
		Clocked(func(int) error { _, err := learner.Step(ctx, tiny, learningRate); return err }),
	}
	if peer != nil { // right after our step: in one mood
		works = slices.Insert(works, 3, func(int) (float64, error) { return peer.step(losses.Loss) })
	}
	seconds, err := InTurn(rounds, works...)
	if err != nil {
		return trainingRounds{}, err
	}
	measured = trainingRounds{forward: seconds[0], half: seconds[1], step: seconds[2], tiny: seconds[len(seconds)-1]}
	if peer != nil {
		measured.keras = seconds[3]
	}
	return measured, nil
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
		Figure(name+" as pairs", Median(r.step), "s"),
		Figure(name+" as pairs, rate", smallImages/Median(r.step), "images/s"),
		Figure(name+", share of the forward pass", 100*MedianRatio(r.forward, r.step), "%"),
		Figure(name+", share that no image adds to (update)", 100*Median(fixed), "%"),
		Figure(name+", bfloat16, rate", smallImages/Median(r.half), "images/s"),
		Figure(name+", bfloat16 to float32", MedianRatio(r.step, r.half), "×"),
	}
}

// kerasRows compare with Keras; large is the seconds that a step of all pairs took.
func (r trainingRounds) kerasRows(large float64) []Row {
	if len(r.keras) == 0 {
		return nil
	}
	pairs := float64(largeImages * (largeImages - 1) / 2)
	theirPairs := smallImages / 2 / Median(r.keras)
	return []Row{
		Figure("Keras' train_on_batch, same images, rate", smallImages/Median(r.keras), "images/s"),
		AtLeast("training step to Keras' train_on_batch, images/s", MedianRatio(r.keras, r.step), "×", kerasBar),
		Figure("Keras' pair loop, pairs", theirPairs, "pairs/s"),
		AtLeast("all pairs to Keras' pair loop, pairs/s", pairs/large/theirPairs, "×", pairsBar),
	}
}
