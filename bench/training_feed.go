package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"siamese/train"
)

// drawMany draws images on all cores: uint8 [n,H,W,3].
func (t Training) drawMany(random *rand.Rand, n int) ([]byte, error) {
	images := make([][]byte, n)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range images {
		source := rand.New(rand.NewPCG(random.Uint64(), uint64(i)))
		group.Go(func() error {
			var err error
			images[i], err = t.Draw(source)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var pixels []byte
	for _, image := range images {
		pixels = append(pixels, image...)
	}
	return pixels, nil
}

// feedRows measures what feeds the steps: alone, and within a training loop.
func (t Training) feedRows(ctx context.Context) (rows []Row, err error) {
	t.say("input pipeline")
	random := rand.New(rand.NewPCG(2, 0))
	drawing, err := repeat(rounds, func() error {
		_, err := t.drawMany(random, drawImages)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.say(fmt.Sprintf("a training loop of %d steps", loopSteps))
	learner, err := t.Open(precisionFloat32)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, learner.Close()) }()
	watch := &watched{Model: learner}
	if err := t.Loop(ctx, watch, smallImages, loopSteps); err != nil {
		return nil, err
	}
	rate, taken := drawImages/median(drawing), smallImages/watch.stepSeconds()
	return []Row{
		figure("input pipeline (decode, prepare, affine), rate", rate, "images/s"),
		atLeast("input pipeline to what training steps take, images/s", rate/taken, "×", drawBar),
		figure("training loop, share of time between steps (waiting for data, records)", 100*watch.betweenShare(), "%"),
	}, nil
}

// watched times the steps of a model and what lies between them. The first step
// warms up and does not count.
type watched struct {
	train.Model
	seconds, between time.Duration
	counted          int
	ended            time.Time // of the last step; zero before the first
}

// Step passes on and takes the time.
func (w *watched) Step(ctx context.Context, batch train.Batch, learningRate float64) (train.Losses, error) {
	begin := time.Now()
	losses, err := w.Model.Step(ctx, batch, learningRate)
	end := time.Now()
	if !w.ended.IsZero() {
		w.between += begin.Sub(w.ended)
		w.seconds += end.Sub(begin)
		w.counted++
	}
	w.ended = end
	return losses, err
}

// stepSeconds is the mean time of a step.
func (w *watched) stepSeconds() float64 {
	return w.seconds.Seconds() / float64(w.counted)
}

// betweenShare is what part of the time from the first step's end to the last
// step's end was spent outside of steps, 0 to 1.
func (w *watched) betweenShare() float64 {
	return w.between.Seconds() / (w.between + w.seconds).Seconds()
}
