package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
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
	full, err := t.fullFeedRows(ctx)
	if err != nil {
		return nil, err
	}
	rate, taken := drawImages/Median(drawing), smallImages/watch.stepSeconds()
	return append([]Row{
		Figure("input pipeline (decode, prepare, affine), rate", rate, "images/s"),
		AtLeast("input pipeline to what training steps take, images/s", rate/taken, "×", drawBar),
		Figure("training loop, share of time between steps (waiting for data, records)", 100*watch.betweenShare(), "%"),
	}, full...), nil
}

// fullFeedRows measures the feed of a run whose network takes no time: pictures that
// are in memory are varied and laid into batches.
func (t Training) fullFeedRows(ctx context.Context) ([]Row, error) {
	t.say(fmt.Sprintf("feed of %d images a batch", feedImages))
	var marks []feedMark
	batches := 0
	err := t.Feed(ctx, feedImages, feedWarmUp+rounds*feedRound, func(batch train.Batch) {
		batches++
		if done := batches - feedWarmUp; done >= 0 && done%feedRound == 0 {
			marks = append(marks, feedMark{at: time.Now(), cpu: cpuTime()})
		}
	})
	if err != nil {
		return nil, err
	}
	return feedRates(marks), nil
}

// feedMark is the state at the end of a round of batches.
type feedMark struct {
	at  time.Time
	cpu time.Duration // that this process has used so far
}

// feedRates are the medians over the rounds. A core's rate counts the time that the
// process had on the cores and not what other work took of them.
func feedRates(marks []feedMark) []Row {
	var rates, cores []float64
	for i := range marks[1:] {
		const images = feedImages * feedRound
		rates = append(rates, images/marks[i+1].at.Sub(marks[i].at).Seconds())
		cores = append(cores, images/(marks[i+1].cpu-marks[i].cpu).Seconds())
	}
	name := fmt.Sprintf("training feed (pictures in memory, affine, batches of %d)", feedImages)
	return []Row{
		Figure(fmt.Sprintf("%s, rate on %d cores", name, runtime.GOMAXPROCS(0)), Median(rates), "images/s"),
		AtLeast(name+", a second of one core", Median(cores), "images", feedBar),
	}
}

// cpuTime is what this process has used of all cores.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	// It fails only for a process that does not exist, which this one does.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
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
