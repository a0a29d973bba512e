package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"siamese/train/record"
)

// ErrNoTime: the time limit left no time for a single step.
var ErrNoTime = errors.New("no time left to train")

const (
	// endTime is kept for what follows the last save: closing the files, the
	// session and the process.
	endTime = time.Second
	// saveMargin is on what the last save took, or on the estimate by the first one:
	// where a busy disk makes saving slow, the end is slow, too.
	saveMargin = 1.5
	// finalValidationShare and finalValidation are what the last validation may take
	// of the limit, and in all: with a longer one the time is better spent on steps.
	finalValidationShare = 0.05
	finalValidation      = time.Minute
	// validationMargin is on the last one; it is cut off where it takes longer.
	validationMargin = 1.05
	// stepFade is how fast a slow step is forgotten.
	stepFade = 0.9
)

// clock holds a run to its time limit. Without a limit it only counts.
type clock struct {
	began  time.Time     // of this part of the run, its start included
	looped time.Time     // when its first step could begin
	end    time.Time     // when this part has to be over; zero: no limit
	limit  time.Duration // of the whole run
	used   time.Duration // by earlier parts
	before time.Duration // that earlier parts trained for, their starts not counted

	steps, images int           // of this part
	step          time.Duration // what the next step may take
	stateSave     time.Duration // what the last save of the state took; 0: there was none
	save          time.Duration // what the last save may take
	validation    time.Duration // what the last validation may take; 0: there will be none
	look          time.Duration // what the last look-up of hard negatives took; 0: there was none
}

// newClock takes the time that is left from the progress.
func newClock(began time.Time, done progress) clock {
	c := clock{began: began, looped: time.Now(), limit: done.Limit, used: done.Used, before: done.Trained}
	if c.limit > 0 {
		c.end = began.Add(c.limit - c.used)
	}
	c.saved(done.Save)
	if done.Validation > 0 {
		c.expectValidation(done.Validation)
	}
	return c
}

func (c *clock) limited() bool { return c.limit > 0 }

// stop is when training has to be over, so that what follows fits.
func (c *clock) stop() time.Time {
	return c.end.Add(-endTime - c.save - c.validation)
}

// over reports whether the next step would end too late.
func (c *clock) over() bool {
	return c.limited() && time.Now().Add(c.step).After(c.stop())
}

// timeToLook reports whether a look-up of hard negatives like the last one and a step
// after it end in time.
func (c *clock) timeToLook() bool {
	return !c.limited() || !time.Now().Add(c.look+c.step).After(c.stop())
}

// lastSave reports whether no step fits after the save that comes now. What is left
// after a validation is not kept for another one where that leaves no step.
func (c *clock) lastSave() bool {
	if !c.limited() {
		return false
	}
	next := time.Now().Add(c.save + c.step)
	if next.After(c.stop()) {
		c.validation = 0
	}
	return next.After(c.stop())
}

// validationEnd is when a validation has to be over. What is under way then is a
// run of some images, not longer than a step.
func (c *clock) validationEnd() time.Time {
	return c.end.Add(-endTime - c.save - c.step)
}

// share is what part of the run's training time is over, 0 to 1.
func (c *clock) share() float64 {
	done := c.before + time.Since(c.looped)
	whole := c.before + c.stop().Sub(c.looped)
	if done >= whole {
		return 1
	}
	return done.Seconds() / whole.Seconds()
}

// stepped counts a step. The first one, which warms the device up, says nothing of
// those that follow.
func (c *clock) stepped(took time.Duration, images int) {
	if c.steps > 1 {
		took = max(took, time.Duration(stepFade*float64(c.step)))
	}
	c.step = took
	c.steps++
	c.images += images
}

// stepsLeft is how many steps fit into the time at the pace so far, at least one:
// whether a step is the last one is known when it ends.
func (c *clock) stepsLeft() int64 {
	pace := time.Since(c.looped) / time.Duration(max(1, c.steps))
	return max(1, int64(time.Until(c.stop())/max(1, pace)))
}

// saved takes a save's time into account. A slow one, when the disk was busy, is
// half forgotten with each further one.
func (c *clock) saved(took time.Duration) {
	c.save = max(c.save/2, time.Duration(saveMargin*float64(took)))
}

// expectValidation keeps time for a last validation where it is short enough.
func (c *clock) expectValidation(took time.Duration) {
	c.validation = time.Duration(validationMargin*float64(took)) + c.step
	if c.validation > min(finalValidation, time.Duration(finalValidationShare*float64(c.limit))) {
		c.validation = 0
	}
}

// imagesPerSecond is over this part of the run, validation and saving included.
func (c *clock) imagesPerSecond() float64 {
	return float64(c.images) / time.Since(c.looped).Seconds()
}

// grantTime sets how long the run may take in all: what its checkpoint says, or
// the time it had used and MoreTime.
func (r *run) grantTime() error {
	switch {
	case r.MoreTime > 0:
		r.done.Limit, r.done.Over = r.done.Used.Round(time.Millisecond)+r.MoreTime, false
	case r.done.Limit == 0:
		r.done.Limit = r.TimeLimit
	}
	if r.done.Over {
		return fmt.Errorf("%w: the run has used %v of its %v", ErrNoTime, r.done.Used.Round(time.Millisecond), r.done.Limit)
	}
	return nil
}

// startClock begins to count the time. A run with a limit that has not saved yet
// saves its state once, to measure how long that takes.
func (r *run) startClock() error {
	r.clock = newClock(r.Began, r.done)
	if !r.clock.limited() {
		return nil
	}
	if time.Until(r.clock.stop()) <= 0 {
		return r.noTime()
	}
	if r.done.Save > 0 {
		return nil
	}
	if err := r.estimateSave(); err != nil {
		return err
	}
	r.clock.looped = time.Now()
	return nil
}

// estimateSave saves the state and expects the two files of weights that are
// written at the end to be written as fast.
func (r *run) estimateSave() error {
	set, err := r.served()
	if err != nil {
		return err
	}
	if err := r.saveState(); err != nil {
		return err
	}
	state, err := os.Stat(filepath.Join(r.Dir, CheckpointFile))
	if err != nil {
		return err
	}
	weightBytes := 0
	for tensor := range set.All() {
		weightBytes += 4 * len(tensor.Data)
	}
	files := 1 + 2*float64(weightBytes)/float64(state.Size())
	r.clock.saved(time.Duration(files * float64(r.clock.stateSave)))
	return nil
}

// noTime is the error that says where the time went.
func (r *run) noTime() error {
	return fmt.Errorf("%w: of %v there were %v left, of which the start took %v and saving needs %v", ErrNoTime,
		r.done.Limit, (r.done.Limit - r.clock.used).Round(time.Millisecond), r.clock.looped.Sub(r.clock.began).Round(time.Millisecond),
		(r.clock.save + endTime).Round(time.Millisecond))
}

// rate is the learning rate of the next step. With a limit the run is as far as
// its time is, or as its epochs are where those end first.
func (r *run) rate() float64 {
	if !r.clock.limited() {
		return r.Schedule.At(r.done.Step)
	}
	share := r.clock.share()
	if r.Epochs > 0 {
		share = max(share, float64(r.done.Step)/float64(r.Epochs*r.StepsPerEpoch))
	}
	return r.Schedule.AtShare(r.done.Step, min(1, share))
}

// total is how many steps the run comes to.
func (r *run) total() int64 {
	whole := int64(r.Epochs) * int64(r.StepsPerEpoch)
	if !r.clock.limited() {
		return whole
	}
	total := r.done.Step + r.clock.stepsLeft()
	if r.Epochs > 0 {
		total = min(total, whole)
	}
	return total
}

// timeToValidate reports whether a validation like the last one ends before the
// time is needed for saving.
func (r *run) timeToValidate() bool {
	return !r.clock.limited() || !time.Now().Add(r.done.Validation).After(r.clock.validationEnd())
}

// measure validates the model as it is. With a limit it ends before the time is
// needed for saving; the result is then not measured.
func (r *run) measure(ctx context.Context) (ValidationResult, error) {
	if !r.clock.limited() {
		return r.Validation.Measure(ctx, r.Model)
	}
	bounded, cancel := context.WithDeadline(ctx, r.clock.validationEnd())
	defer cancel()
	begin := time.Now()
	result, err := r.Validation.Measure(bounded, r.Model)
	r.done.Validation = time.Since(begin)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		r.Log.Info("no time to end the validation", "epoch", r.done.Epoch+1)
		return ValidationResult{Loss: noLoss}, nil
	}
	r.clock.expectValidation(r.done.Validation)
	return result, err
}

// timeOver ends a run in the middle of an epoch: the weights are validated where that
// is quick, and kept.
func (r *run) timeOver(ctx context.Context) error {
	if r.clock.steps == 0 {
		return r.noTime()
	}
	result := ValidationResult{Loss: noLoss}
	if r.clock.validation > 0 {
		var err error
		if result, err = r.validate(ctx); err != nil {
			return err
		}
	}
	better := r.improved(result)
	if result.Measured {
		r.Log.Info("validated", append([]any{"step", r.done.Step}, result.attributes(better)...)...)
		if err := r.recorder.Write(record.Entry{Step: r.done.Step, Epoch: r.done.Epoch + 1, Values: result.values()}); err != nil {
			return err
		}
	}
	r.done.Over = true
	return r.keep(r.weightNames(better))
}

// summary is the last line of a run.
func (r *run) summary() {
	took := r.clock.used + time.Since(r.clock.began)
	words := []any{"steps", r.clock.steps, "images", r.clock.images, "images_per_s", rounded(r.clock.imagesPerSecond()),
		"step", r.done.Step, "epochs", r.done.Epoch, "used", took.Round(time.Millisecond).String()}
	if r.clock.limited() {
		words = append(words, "time_limit", r.done.Limit.String())
	}
	r.Log.Info("trained", words...)
}
