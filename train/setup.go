package train

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/sample"
	"siamese/train/schedule"
	"siamese/weights"
)

// Batch is what a step learns from; see tfmodel.TrainBatch.
type Batch struct {
	Pixels     []byte
	Embeddings []float32
	A, B       []int32
	Same       []bool
	Weights    []float32
	Targets    []float32
	Labels     []int32
	Kinds      []int32
	Unknown    [][2]int32
	Relations  []float32
	Shares     []int
}

// Losses is what a step reports; see tfmodel.StepResult.
type Losses struct {
	Loss, Pair, Contrastive, Class, Relation, Accuracy, Gradient float64
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
	// Epochs of StepsPerEpoch steps each. 0 epochs, with a time limit only: until
	// the time is over.
	Epochs        int `json:"epochs"`
	StepsPerEpoch int `json:"steps_per_epoch"`
	// TimeLimit is how long the run may take in all, what it took before it was
	// interrupted included. 0: as long as its epochs take.
	TimeLimit time.Duration `json:"time_limit"`
	// Schedule gives the learning rate; with a time limit its epochs are stretched
	// over the time that there is.
	Schedule schedule.Config `json:"schedule"`
	// Seed makes augmentation; the sampler has its own.
	Seed uint64 `json:"seed"`
	// KindTarget is what the head is to say of two things of one kind, 0 to below 1;
	// for samplers that tell kinds.
	KindTarget float64 `json:"kind_target,omitempty"`
	// Hard is every how many epochs the sampler is told which of at most HardThings
	// things look alike to the network, HardSteps in its place every how many steps; for
	// samplers that can use it (sample.Miner). 0 both: never.
	Hard       int `json:"hard,omitempty"`
	HardSteps  int `json:"hard_steps,omitempty"`
	HardThings int `json:"hard_things,omitempty"`
	// TeacherWeight is the teacher's share of a pair's target, 0 to 1; for runs with a
	// Teacher.
	TeacherWeight float64 `json:"teacher_weight,omitempty"`
	// Averaged says that the model keeps averages, which are then what is
	// validated and saved.
	Averaged bool `json:"averaged"`
	// SavePeriod is every how many epochs the weights are kept under a name of
	// their own. 0: never.
	SavePeriod int `json:"save_period"`
	// SaveEvery is after how long the state is saved within an epoch. 0: at the end of
	// epochs alone.
	SaveEvery time.Duration `json:"save_every,omitempty"`
	// Patience is after how many epochs without a better validation the run ends.
	// 0: never.
	Patience int `json:"patience"`
	// LogSteps is every how many steps a line is logged, at least 1.
	LogSteps int `json:"log_steps"`
	// Contrastive, Classified and Related say which terms the model's loss has beside the pairs'
	// cross-entropy, for the records.
	Contrastive bool `json:"contrastive,omitempty"`
	Classified  bool `json:"classified,omitempty"`
	Related     bool `json:"related,omitempty"`
}

// Validate reports the first field that is out of range.
func (c Config) Validate() error {
	if c.TimeLimit < 0 {
		return fmt.Errorf("train: time limit %v, want 0 or more", c.TimeLimit)
	}
	if c.Epochs < 0 || c.Epochs == 0 && c.TimeLimit == 0 || c.StepsPerEpoch < 1 || c.LogSteps < 1 {
		return fmt.Errorf("train: %d epochs of %d steps, a line every %d; want at least 1 each", c.Epochs, c.StepsPerEpoch, c.LogSteps)
	}
	if c.SavePeriod < 0 || c.Patience < 0 || c.SaveEvery < 0 {
		return fmt.Errorf("train: save period %d, patience %d and saving every %v, want 0 or more", c.SavePeriod, c.Patience, c.SaveEvery)
	}
	if c.Hard < 0 || c.HardSteps < 0 || c.Hard > 0 && c.HardSteps > 0 || c.Hard+c.HardSteps > 0 && c.HardThings < 2 {
		return fmt.Errorf("train: hard things every %d epochs and %d steps among %d, want 0, or 1 or more of one of them among at least 2", c.Hard, c.HardSteps, c.HardThings)
	}
	if !(c.KindTarget >= 0 && c.KindTarget < 1) {
		return fmt.Errorf("train: kind target %v, want 0 to below 1", c.KindTarget)
	}
	return c.Schedule.Validate()
}

// Setup is what a run works with.
type Setup struct {
	Config
	// Describe is the configuration as a checkpoint keeps it.
	Describe json.RawMessage
	Dir      string // the run folder
	// Resume goes on from the checkpoint in Dir, which must be there; without it there
	// must be none.
	Resume  bool
	Model   Model
	Sampler sample.Sampler
	Data    *dataset.Dataset // that the sampler draws from
	Augment augment.Augmenter
	// AugmentDomains take the place of Augment for images of a domain, by its name; of
	// the same output size.
	AugmentDomains map[string]augment.Augmenter
	// Teacher is what the network learns from beside the classes; nil: nothing. It takes
	// one tower.
	Teacher Teacher
	// Validation measures the network after each epoch; nil where nothing is held out.
	Validation *Validation
	// Begin is called once the run is found to be one that can begin or go on, before
	// anything else is written; may be nil.
	Begin func() error
	// Save writes weights under a name in the run folder, without extension.
	Save func(name string, set *weights.Set) error
	Log  *slog.Logger
	// Progress is called after each step; may be nil.
	Progress func(Report)
	// Towers is over how many devices the model splits a step: each takes a batch
	// of its own. 0: one.
	Towers int
	// Workers is how many images are decoded and augmented at a time. 0: one a
	// core. It changes nothing about what is learnt.
	Workers int
	// Began is when the time limit began to count, so that opening data and model
	// is part of it; zero: when Run is called.
	Began time.Time
	// MoreTime is given to a run that goes on, in place of what its time limit has
	// left. 0: what is left.
	MoreTime time.Duration
}

// Report is what Progress receives after each step.
type Report struct {
	Step, Total     int64   // steps done and steps of the whole run; with a time limit, what its pace comes to
	Loss            float64 // of this step
	ImagesPerSecond float64 // since the epoch, or the run, began
}
