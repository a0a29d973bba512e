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
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"siamese/tfmodel/weights"
	"siamese/train/augment"
	"siamese/train/checkpoint"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
	"siamese/train/sample"
	"siamese/train/schedule"
)

// CheckpointFile is the name of the checkpoint in a run folder.
const CheckpointFile = "checkpoint.safetensors"

// Batch is what a step learns from; see tfmodel.TrainBatch.
type Batch struct {
	Pixels     []byte
	Embeddings []float32
	A, B       []int32
	Same       []bool
	Weights    []float32
	Labels     []int32
	Shares     []int
}

// Losses is what a step reports; see tfmodel.StepResult.
type Losses struct {
	Loss, Pair, Contrastive, Class, Accuracy, Gradient float64
}

// Model is what training needs of a network. It is called by one goroutine.
type Model interface {
	evaluate.Model
	// Step does one update with the learning rate.
	Step(ctx context.Context, batch Batch, learningRate float64) (Losses, error)
	// State is everything that the next step depends on; Restore sets it.
	State() (*weights.Set, error)
	Restore(state *weights.Set) error
	// Weights are the network's weights; SetWeights replaces them alone.
	Weights() (*weights.Set, error)
	SetWeights(set *weights.Set) error
	// Averages are the moving averages of the weights.
	Averages() (*weights.Set, error)
}

// Config says how long and by what a network learns.
type Config struct {
	// Epochs of StepsPerEpoch steps each.
	Epochs        int `json:"epochs"`
	StepsPerEpoch int `json:"steps_per_epoch"`
	// Schedule gives the learning rate.
	Schedule schedule.Config `json:"schedule"`
	// Seed makes augmentation; the sampler has its own.
	Seed uint64 `json:"seed"`
	// Averaged tells that the model keeps averages, which are then what is
	// validated and saved.
	Averaged bool `json:"averaged"`
	// SavePeriod is every how many epochs the weights are kept under a name of
	// their own. 0: never.
	SavePeriod int `json:"save_period"`
	// Patience is after how many epochs without a better validation the run ends.
	// 0: never.
	Patience int `json:"patience"`
	// LogSteps is every how many steps a line is logged, at least 1.
	LogSteps int `json:"log_steps"`
}

// Validate tells which field is out of range, nil if none is.
func (c Config) Validate() error {
	if c.Epochs < 1 || c.StepsPerEpoch < 1 || c.LogSteps < 1 {
		return fmt.Errorf("train: %d epochs of %d steps, a line every %d; want at least 1 each", c.Epochs, c.StepsPerEpoch, c.LogSteps)
	}
	if c.SavePeriod < 0 || c.Patience < 0 {
		return fmt.Errorf("train: save period %d and patience %d, want 0 or more", c.SavePeriod, c.Patience)
	}
	return c.Schedule.Validate()
}

// Setup is what a run works with.
type Setup struct {
	Config
	// Describe is the configuration as a checkpoint keeps it.
	Describe json.RawMessage
	Dir      string // the run folder
	Model    Model
	Sampler  sample.Sampler
	Data     *dataset.Dataset // that the sampler draws from
	Augment  augment.Augmenter
	// Validation is what the network is judged by; nil where nothing is held out.
	Validation *Validation
	// Save writes weights under a name in the run folder, without extension.
	Save func(name string, set *weights.Set) error
	Log  *slog.Logger
	// Progress is told of each step; nil for nobody.
	Progress func(Report)
	// Towers is over how many devices the model splits a step: each takes a batch
	// of its own. 0: one.
	Towers int
	// Workers is how many images are decoded and augmented at a time. 0: one a
	// core. It changes nothing about what is learnt.
	Workers int
}

// Report is what a run tells after each step.
type Report struct {
	Step, Total     int64   // steps done and steps of the whole run
	Loss            float64 // of this step
	ImagesPerSecond float64 // since the epoch, or the run, began
}

// progress is how far a run has come: part of its checkpoint.
type progress struct {
	Epoch int   `json:"epoch"` // whole epochs done
	Step  int64 `json:"step"`  // steps done
	// LossSum is over the steps of the epoch under way.
	LossSum float64 `json:"loss_sum"`
	Best    float64 `json:"best"` // the best validation so far, higher is better
	HasBest bool    `json:"has_best"`
	Since   int     `json:"since"` // epochs since then
}

// ErrDiverged says that the loss was no longer a number.
var ErrDiverged = errors.New("the loss diverged")

// Run trains until the epochs are over, validation no longer improves or ctx is
// done; in each case the state is saved, and nil is returned. Where a checkpoint
// lies in the run folder the run goes on from it.
func Run(ctx context.Context, setup Setup) error {
	if err := setup.Validate(); err != nil {
		return err
	}
	if setup.Workers < 0 {
		return fmt.Errorf("train: %d workers, want 0 or more", setup.Workers)
	}
	r := &run{Setup: setup}
	if err := r.resume(); err != nil {
		return err
	}
	recorder, err := record.Open(record.Config{Dir: r.Dir, Step: r.done.Step, Epochs: r.done.Epoch})
	if err != nil {
		return err
	}
	r.recorder = recorder
	err = r.epochs(ctx)
	return errors.Join(err, recorder.Close())
}

// run is a run under way.
type run struct {
	Setup
	done     progress
	sampler  []byte // the sampler's state after the last batch that was learnt from
	recorder *record.Recorder
	feeder   *feeder
}

// resume takes up the checkpoint of the run folder, if there is one.
func (r *run) resume() error {
	var err error
	if r.sampler, err = r.Sampler.State(); err != nil {
		return err
	}
	found, err := checkpoint.Load(filepath.Join(r.Dir, CheckpointFile))
	if errors.Is(err, errNotThere) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(found.Progress, &r.done); err != nil {
		return fmt.Errorf("checkpoint: progress: %w", err)
	}
	if err := r.Sampler.Restore(found.Sampler); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	r.sampler = found.Sampler
	r.Log.Info("resumed", "epoch", r.done.Epoch, "step", r.done.Step)
	return r.Model.Restore(found.State)
}

// epochs is the training itself.
func (r *run) epochs(ctx context.Context) error {
	r.feeder = newFeeder(ctx, r.Setup, r.done.Step)
	defer r.feeder.close()
	for r.done.Epoch < r.Epochs {
		if err := r.epoch(ctx); err != nil {
			if ctx.Err() != nil {
				return r.interrupted()
			}
			return err
		}
		loss := r.done.LossSum / float64(r.StepsPerEpoch)
		result, err := r.validate(ctx)
		if ctx.Err() != nil {
			return r.interrupted()
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
	}
	return nil
}

// epoch does the steps that are left of an epoch.
func (r *run) epoch(ctx context.Context) error {
	begin, count := time.Now(), 0
	end := int64(r.done.Epoch+1) * int64(r.StepsPerEpoch)
	for r.done.Step < end {
		next, err := r.feeder.next(ctx)
		if err != nil {
			return err
		}
		if r.done.Step == 0 {
			if err := r.showSample(next); err != nil {
				return err
			}
		}
		rate := r.Schedule.At(r.done.Step)
		losses, err := r.Model.Step(ctx, next.batch, rate)
		if err != nil {
			return err
		}
		if math.IsNaN(losses.Loss) || math.IsInf(losses.Loss, 0) {
			return fmt.Errorf("%w: loss %v at step %d with learning rate %g, on %v; the last good state is %s",
				ErrDiverged, losses.Loss, r.done.Step+1, rate, next.names, filepath.Join(r.Dir, CheckpointFile))
		}
		r.done.Step++
		r.done.LossSum += losses.Loss
		r.sampler = next.sampler
		count += len(next.batch.Labels)
		speed := float64(count) / time.Since(begin).Seconds()
		if r.Progress != nil {
			r.Progress(Report{
				Step: r.done.Step, Total: int64(r.Epochs) * int64(r.StepsPerEpoch),
				Loss: losses.Loss, ImagesPerSecond: speed,
			})
		}
		if r.done.Step%int64(r.LogSteps) == 0 || r.done.Step == end {
			if err := r.recordStep(losses, rate, speed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) recordStep(losses Losses, rate, imagesPerSecond float64) error {
	r.Log.Info("step", "step", r.done.Step, "epoch", r.done.Epoch+1, "loss", rounded(losses.Loss),
		"pair", rounded(losses.Pair), "accuracy", rounded(losses.Accuracy), "rate", rate, "images_per_s", rounded(imagesPerSecond))
	return r.recorder.Write(record.Entry{Step: r.done.Step, Epoch: r.done.Epoch + 1, Values: map[string]float64{
		"loss": losses.Loss, "pair_loss": losses.Pair, "contrastive_loss": losses.Contrastive,
		"class_loss": losses.Class, "accuracy": losses.Accuracy, "gradient": losses.Gradient,
		"learning_rate": rate, "images_per_s": imagesPerSecond,
	}})
}

// rounded keeps log lines short.
func rounded(value float64) float64 {
	return math.Round(value*1e4) / 1e4
}

// validate judges the network as it would be served.
func (r *run) validate(ctx context.Context) (ValidationResult, error) {
	if r.Validation == nil {
		return ValidationResult{Loss: math.NaN()}, nil
	}
	if !r.Averaged {
		return r.Validation.Measure(ctx, r.Model)
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
	result, err := r.Validation.Measure(ctx, r.Model)
	return result, errors.Join(err, r.Model.SetWeights(current))
}

// endEpoch records an epoch and keeps its weights and state.
func (r *run) endEpoch(loss float64, result ValidationResult) error {
	r.done.Epoch++
	r.done.LossSum = 0
	better := result.Measured && (!r.done.HasBest || result.Score() > r.done.Best)
	r.done.Since++
	if better {
		r.done.Best, r.done.HasBest, r.done.Since = result.Score(), true, 0
	}
	attributes := []any{"epoch", r.done.Epoch, "loss", rounded(loss)}
	if result.Measured {
		attributes = append(attributes, "val_loss", rounded(result.Loss), "val_accuracy", rounded(result.Accuracy), "best", better)
	}
	if result.HasRuns {
		attributes = append(attributes, "oneshot", rounded(result.OneShot), "oneshot_cosine", rounded(result.OneShotCosine))
	}
	r.Log.Info("epoch", attributes...)
	if result.Measured {
		if err := r.recorder.Write(record.Entry{Step: r.done.Step, Epoch: r.done.Epoch, Values: result.values()}); err != nil {
			return err
		}
	}
	if err := r.recorder.Epoch(loss, result.Loss); err != nil {
		return err
	}
	if err := r.saveWeights(loss, result, better); err != nil {
		return err
	}
	return r.saveState()
}

// saveWeights keeps the weights under upstream's names.
func (r *run) saveWeights(loss float64, result ValidationResult, better bool) error {
	get := r.Model.Weights
	if r.Averaged {
		get = r.Model.Averages
	}
	set, err := get()
	if err != nil {
		return err
	}
	names := []string{"last_epoch_weights"}
	if better || !result.Measured {
		names = append(names, "best_epoch_weights")
	}
	if r.SavePeriod > 0 && r.done.Epoch%r.SavePeriod == 0 || r.done.Epoch == r.Epochs {
		names = append(names, fmt.Sprintf("ep%03d-loss%.3f-val_loss%.3f", r.done.Epoch, loss, result.Loss))
	}
	for _, name := range names {
		if err := r.Save(name, set); err != nil {
			return err
		}
	}
	return nil
}

// interrupted saves what was learnt since the last checkpoint.
func (r *run) interrupted() error {
	r.Log.Info("interrupted", "epoch", r.done.Epoch, "step", r.done.Step)
	return r.saveState()
}

func (r *run) saveState() error {
	state, err := r.Model.State()
	if err != nil {
		return err
	}
	done, err := json.Marshal(r.done)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return checkpoint.Save(filepath.Join(r.Dir, CheckpointFile), checkpoint.Checkpoint{
		Config:   r.Describe,
		Progress: done,
		Sampler:  r.sampler,
		State:    state,
	})
}
