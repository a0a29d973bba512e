// Package train teaches a network: it draws batches, augments them ahead of the
// device, drives every step, validates after each epoch and keeps what a run
// leaves behind. Run is the whole of it, top to bottom.
//
// The network comes in through the interface Model, so that the package needs no
// TensorFlow.
package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"siamese/train/checkpoint"
	"siamese/train/record"
	"siamese/weights"
)

// CheckpointFile is the name of the checkpoint in a run folder.
const CheckpointFile = "checkpoint.safetensors"

// progress is how far a run has come: part of its checkpoint.
type progress struct {
	Epoch int   `json:"epoch"` // whole epochs done
	Step  int64 `json:"step"`  // steps done
	// LossSum is over the steps of the epoch under way.
	LossSum float64 `json:"loss_sum"`
	Best    float64 `json:"best"` // the best validation so far, higher is better
	HasBest bool    `json:"has_best"`
	Since   int     `json:"since"` // epochs since then

	Limit   time.Duration `json:"limit_ns"`   // how long the run may take in all; 0: no limit
	Over    bool          `json:"over"`       // that time is over
	Used    time.Duration `json:"used_ns"`    // of it, starts included
	Trained time.Duration `json:"trained_ns"` // without starts: what the schedule counts
	// Validation and Save are how long the last ones took; 0: there was none.
	Validation time.Duration `json:"validation_ns"`
	Save       time.Duration `json:"save_ns"`
}

// What a run ends with.
var (
	// ErrDiverged: the loss is no longer a number.
	ErrDiverged = errors.New("the loss diverged")
	// ErrNoCheckpoint: a run is to go on that has left no state.
	ErrNoCheckpoint = errors.New("there is no checkpoint to go on from")
	// ErrHoldsRun: a run is to begin where one has left its state.
	ErrHoldsRun = errors.New("the folder holds a run already")
	// ErrDone: the run that is to go on has done its epochs.
	ErrDone = errors.New("the run has done all of its epochs")
)

// InterruptedError: ctx was done before the run was. Its state is saved.
type InterruptedError struct {
	Epoch int   // whole epochs done
	Step  int64 // steps done
	cause error
}

// Error says how far the run has come.
func (e *InterruptedError) Error() string {
	return fmt.Sprintf("train: %v at step %d, after %d whole epochs", e.cause, e.Step, e.Epoch)
}

// Unwrap returns the context's error.
func (e *InterruptedError) Unwrap() error { return e.cause }

// Run trains until the epochs or the time are over or validation no longer improves;
// state and weights are then saved. When ctx is done it saves the state and returns an
// *InterruptedError. With Resume it goes on from the checkpoint in the run folder.
//
// A run with a time limit saves state and weights and returns before the limit,
// to within a step: one that is under way is not interrupted. It returns ErrNoTime
// where not a single step fits.
func Run(ctx context.Context, setup Setup) error {
	if err := setup.Validate(); err != nil {
		return err
	}
	if setup.Workers < 0 {
		return fmt.Errorf("train: %d workers, want 0 or more", setup.Workers)
	}
	if err := setup.checkTeacher(); err != nil {
		return err
	}
	r := &run{Setup: setup}
	if r.Began.IsZero() {
		r.Began = time.Now()
	}
	r.stateSaved = r.Began
	if err := r.resume(); err != nil {
		return err
	}
	if err := r.grantTime(); err != nil {
		return err
	}
	if r.Begin != nil {
		if err := r.Begin(); err != nil {
			return err
		}
	}
	recorder, err := record.Open(record.Config{Dir: r.Dir, Step: r.done.Step, Epochs: r.done.Epoch})
	if err != nil {
		return err
	}
	r.recorder = recorder
	if err = r.epochs(ctx); err == nil {
		r.summary()
	}
	return errors.Join(err, recorder.Close())
}

// run is a run under way.
type run struct {
	Setup
	done     progress
	sampler  []byte // the sampler's state after the last batch that was learnt from
	recorder *record.Recorder
	feeder   *feeder
	clock    clock

	stateSaved time.Time // when the state was last saved, or the run begun
}

// resume takes up the checkpoint of the run folder, if there is one.
func (r *run) resume() error {
	var err error
	if r.sampler, err = r.Sampler.State(); err != nil {
		return err
	}
	found, err := checkpoint.Load(filepath.Join(r.Dir, CheckpointFile))
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case !r.Resume && missing:
		return nil
	case !r.Resume:
		return fmt.Errorf("train: %w: %s", ErrHoldsRun, filepath.Join(r.Dir, CheckpointFile))
	case missing:
		return fmt.Errorf("train: %w: expected %s, which is gone, or was never written: a run saves its state at the end of its first epoch, or when it is interrupted",
			ErrNoCheckpoint, filepath.Join(r.Dir, CheckpointFile))
	case err != nil:
		return err
	}
	if err := json.Unmarshal(found.Progress, &r.done); err != nil {
		return fmt.Errorf("checkpoint: progress: %w", err)
	}
	if err := r.Sampler.Restore(found.Sampler); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	r.sampler = found.Sampler
	if found.Unverified {
		r.Log.Warn("the checkpoint is of an earlier version and has no checksum: damage to it would go unnoticed")
	}
	if err := r.fits(); err != nil {
		return err
	}
	r.Log.Info("resumed", "epochs_done", r.done.Epoch, "step", r.done.Step)
	return r.Model.Restore(found.State)
}

// fits reports whether the epochs that are asked for go on from those that are done.
func (r *run) fits() error {
	if r.Epochs > 0 && r.done.Epoch >= r.Epochs {
		return fmt.Errorf("train: %w: received %d, of which %d are done", ErrDone, r.Epochs, r.done.Epoch)
	}
	steps := int64(r.StepsPerEpoch)
	if r.done.Step < int64(r.done.Epoch)*steps || r.done.Step > int64(r.done.Epoch+1)*steps {
		return fmt.Errorf("train: epochs have %d steps, expected as many as those before: %d epochs and %d steps are done", steps, r.done.Epoch, r.done.Step)
	}
	return nil
}

// epochs is the training itself.
func (r *run) epochs(ctx context.Context) error {
	r.feeder = newFeeder(ctx, r.Setup, r.done.Step)
	defer func() { r.feeder.close() }() // the one that is there by then
	if err := r.startClock(); err != nil {
		return err
	}
	for r.Epochs == 0 || r.done.Epoch < r.Epochs {
		over, err := r.epoch(ctx)
		if err == nil && over {
			err = r.timeOver(ctx)
		}
		if err != nil && ctx.Err() != nil {
			return r.interrupted(ctx)
		}
		if err != nil || over {
			return err
		}
		loss := r.done.LossSum / float64(r.StepsPerEpoch)
		result, err := r.validate(ctx)
		if ctx.Err() != nil {
			return r.interrupted(ctx)
		}
		if err != nil {
			return err
		}
		if err := r.endEpoch(loss, result); err != nil {
			return err
		}
		if r.Patience > 0 && r.done.Since >= r.Patience {
			r.Log.Info("stopped early", "epochs_without_better", r.done.Since, "best", r.done.Best)
			return nil
		}
		if r.done.Over {
			return nil
		}
	}
	return nil
}

// epoch does the steps that are left of an epoch, and reports whether the time was
// over before its end.
func (r *run) epoch(ctx context.Context) (over bool, err error) {
	begin, count := time.Now(), 0
	end := int64(r.done.Epoch+1) * int64(r.StepsPerEpoch)
	for r.done.Step < end {
		if r.clock.over() {
			return true, nil
		}
		if err := r.findHard(ctx); err != nil {
			return false, err
		}
		taken, err := r.step(ctx)
		if err != nil {
			return false, err
		}
		count += taken.images
		if err := r.saveBetween(end); err != nil {
			return false, err
		}
		speed := float64(count) / time.Since(begin).Seconds()
		if r.Progress != nil {
			r.Progress(Report{
				Step: r.done.Step, Total: r.total(),
				Loss: taken.losses.Loss, ImagesPerSecond: speed,
			})
		}
		if r.done.Step%int64(r.LogSteps) == 0 || r.done.Step == end {
			if err := r.recordStep(taken, speed); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// taken is a step that was taken.
type taken struct {
	losses Losses
	rate   float64 // the learning rate
	images int
	taught time.Duration // that the teacher took
}

// step learns from the next batch.
func (r *run) step(ctx context.Context) (taken, error) {
	begin := time.Now()
	next, err := r.feeder.next(ctx)
	if err != nil {
		return taken{}, err
	}
	if r.done.Step == 0 {
		if err := r.showSample(next); err != nil {
			return taken{}, err
		}
	}
	taught, err := r.teach(ctx, &next.batch)
	if err != nil {
		return taken{}, err
	}
	rate := r.rate()
	losses, err := r.Model.Step(ctx, next.batch, rate)
	if err != nil {
		return taken{}, err
	}
	if math.IsNaN(losses.Loss) || math.IsInf(losses.Loss, 0) {
		return taken{}, fmt.Errorf("%w: loss %v at step %d with learning rate %g, on %v; the last good state is %s",
			ErrDiverged, losses.Loss, r.done.Step+1, rate, next.names, filepath.Join(r.Dir, CheckpointFile))
	}
	r.done.Step++
	r.done.LossSum += losses.Loss
	r.sampler = next.sampler
	images := len(next.batch.Labels)
	r.clock.stepped(time.Since(begin), images)
	return taken{losses: losses, rate: rate, images: images, taught: taught}, nil
}

func (r *run) recordStep(step taken, imagesPerSecond float64) error {
	losses := step.losses
	words := []any{"step", r.done.Step, "epoch", r.done.Epoch + 1, "loss", rounded(losses.Loss),
		"pair", rounded(losses.Pair), "accuracy", rounded(losses.Accuracy), "rate", significant(step.rate), "images_per_s", math.Round(10*imagesPerSecond) / 10}
	values := map[string]float64{
		"loss": losses.Loss, "accuracy": losses.Accuracy, "gradient": losses.Gradient,
		"learning_rate": step.rate, "images_per_s": imagesPerSecond,
	}
	// Terms that the loss has not are not measured.
	if r.Contrastive {
		values["contrastive_loss"] = losses.Contrastive
	}
	if r.Classified {
		values["class_loss"] = losses.Class
	}
	if r.Related {
		values["relation_loss"] = losses.Relation
	}
	if r.Contrastive || r.Classified || r.Related {
		values["pair_loss"] = losses.Pair // else it is the loss
	}
	if step.taught > 0 {
		speed := float64(step.images) / step.taught.Seconds()
		values["teacher_images_per_s"] = speed
		words = append(words, "teacher_images_per_s", math.Round(10*speed)/10)
	}
	r.Log.Info("step", words...)
	return r.recorder.Write(record.Entry{Step: r.done.Step, Epoch: r.done.Epoch + 1, Values: values})
}

// rounded keeps log lines short.
func rounded(value float64) float64 {
	return math.Round(value*1e4) / 1e4
}

// significant keeps three digits of a small number.
func significant(value float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', 3, 64), 64)
	if err != nil { // of what FormatFloat writes it never is
		return value
	}
	return short
}

// validate measures the network as it would be served.
func (r *run) validate(ctx context.Context) (ValidationResult, error) {
	if r.Validation == nil {
		return ValidationResult{Loss: noLoss}, nil
	}
	if !r.timeToValidate() {
		r.Log.Info("no time to validate", "epoch", r.done.Epoch+1)
		return ValidationResult{Loss: noLoss}, nil
	}
	if !r.Averaged {
		return r.measure(ctx)
	}
	current, err := r.Model.Weights()
	if err != nil {
		return ValidationResult{}, err
	}
	averages, err := r.Model.Averages()
	if err != nil {
		return ValidationResult{}, err
	}
	if err := r.Model.SetWeights(averages); err != nil {
		return ValidationResult{}, err
	}
	result, err := r.measure(ctx)
	return result, errors.Join(err, r.Model.SetWeights(current))
}

// endEpoch records an epoch and keeps its weights and state.
func (r *run) endEpoch(loss float64, result ValidationResult) error {
	r.done.Epoch++
	r.done.LossSum = 0
	r.done.Since++
	better := r.improved(result)
	r.Log.Info("epoch", append([]any{"epoch", r.done.Epoch, "loss", rounded(loss)}, result.attributes(better)...)...)
	if result.Measured {
		if err := r.recorder.Write(record.Entry{Step: r.done.Step, Epoch: r.done.Epoch, Values: result.values()}); err != nil {
			return err
		}
	}
	if err := r.recorder.Epoch(loss, result.Loss); err != nil {
		return err
	}
	names := r.weightNames(better)
	if r.SavePeriod > 0 && r.done.Epoch%r.SavePeriod == 0 || r.done.Epoch == r.Epochs {
		name := fmt.Sprintf("ep%03d-loss%.3f", r.done.Epoch, loss)
		if result.Measured {
			name += fmt.Sprintf("-val_loss%.3f", result.Loss)
		}
		names = append(names, name)
	}
	r.done.Over = r.clock.lastSave()
	return r.keep(names)
}

// improved reports whether the network is the best so far, and notes its score then.
func (r *run) improved(result ValidationResult) (better bool) {
	better = result.Measured && (!r.done.HasBest || result.Score() > r.done.Best)
	if better {
		r.done.Best, r.done.HasBest, r.done.Since = result.Score(), true, 0
	}
	return better
}

// weightNames are upstream's names that the present weights go under. Without any
// validation so far the last ones count as the best.
func (r *run) weightNames(better bool) []string {
	if better || !r.done.HasBest {
		return []string{"last_epoch_weights", "best_epoch_weights"}
	}
	return []string{"last_epoch_weights"}
}

// keep saves the weights under each of the names, and the state.
func (r *run) keep(names []string) error {
	begin := time.Now()
	set, err := r.served()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.Save(name, set); err != nil {
			return err
		}
	}
	// How long this save takes is not known yet: the last one stands for it.
	if r.clock.stateSave > 0 {
		r.done.Save = time.Since(begin) + r.clock.stateSave
	}
	if err := r.saveState(); err != nil {
		return err
	}
	r.clock.saved(time.Since(begin))
	return nil
}

// served are the weights as they are validated and saved.
func (r *run) served() (*weights.Set, error) {
	if r.Averaged {
		return r.Model.Averages()
	}
	return r.Model.Weights()
}

// interrupted saves what was learnt since the last checkpoint.
func (r *run) interrupted(ctx context.Context) error {
	r.Log.Info("interrupted", "epochs_done", r.done.Epoch, "step", r.done.Step)
	if err := r.saveState(); err != nil {
		return err
	}
	return &InterruptedError{Epoch: r.done.Epoch, Step: r.done.Step, cause: ctx.Err()}
}

// saveBetween saves the state within an epoch that ends at a step, if the last time is
// long enough ago: a process that is killed loses no more.
func (r *run) saveBetween(end int64) error {
	if r.SaveEvery == 0 || r.done.Step == end || time.Since(r.stateSaved) < r.SaveEvery {
		return nil
	}
	return r.saveState()
}

func (r *run) saveState() error {
	begin := time.Now()
	r.stateSaved = begin
	state, err := r.Model.State()
	if err != nil {
		return err
	}
	r.done.Used = r.clock.used + time.Since(r.clock.began)
	r.done.Trained = r.clock.before + time.Since(r.clock.looped)
	done, err := json.Marshal(r.done)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	err = checkpoint.Save(filepath.Join(r.Dir, CheckpointFile), checkpoint.Checkpoint{
		Config:   r.Describe,
		Progress: done,
		Sampler:  r.sampler,
		State:    state,
	})
	r.clock.stateSave = time.Since(begin)
	return err
}
