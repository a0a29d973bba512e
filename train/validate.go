package train

import (
	"context"
	"fmt"
	"math"

	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// Validation says how a network is measured after each epoch, the same for all
// epochs of a run.
type Validation struct {
	// Data is the held-out part.
	Data *dataset.Dataset
	// Pairs is how many pairs of it are scored, an even number; each at most once, so
	// that fewer are where fewer exist.
	Pairs int
	Seed  uint64
	// Runs are one-shot runs of held-out classes; none where classes are not held
	// out.
	Runs []evaluate.Run
}

// ValidationResult is how well a network does on held-out data.
type ValidationResult struct {
	// Measured is false where there is no result.
	Measured bool
	// Loss is the mean binary cross-entropy of the pairs, NaN where there is none;
	// probabilities are clipped to 1e-7 from 0 and 1, as Keras does.
	Loss     float64
	Accuracy Share // of pairs on the right side of 0.5
	AUC      float64
	// OneShot and OneShotCosine are the shares of trials that were right by the
	// similarity and by the embeddings' cosine; 0 without runs.
	OneShot       Share
	OneShotCosine Share
	HasRuns       bool
	// FewestWays and MostWays are how many classes a trial has to choose from.
	FewestWays, MostWays int
}

// Share is a part of Of pairs or trials, 0..1, with its standard error: that over the
// classes, or over the one-shot runs, but never below that of as many independent ones by
// Agresti and Coull, √(p(1-p)/(n+4)) of p = (right+2)/(n+4). Four right of four are so
// 1 ± 0.15, not 1 ± 0.
type Share struct {
	Value, StdErr float64
	Of            int
}

// newShare takes the standard error over classes or runs.
func newShare(value, stdErr float64, of int) Share {
	n := float64(of)
	p := (value*n + 2) / (n + 4)
	return Share{Value: value, StdErr: max(stdErr, math.Sqrt(p*(1-p)/(n+4))), Of: of}
}

// String is "0.8125 ± 0.0391 of 100".
func (s Share) String() string { return fmt.Sprintf("%.4f ± %.4f of %d", s.Value, s.StdErr, s.Of) }

// ways is "5-way" or "5- to 20-way".
func (r ValidationResult) ways() string {
	if r.FewestWays == r.MostWays {
		return fmt.Sprintf("%d-way", r.MostWays)
	}
	return fmt.Sprintf("%d- to %d-way", r.FewestWays, r.MostWays)
}

// Score is what "better" means: more one-shot trials right where there are
// runs, else a lower loss.
func (r ValidationResult) Score() float64 {
	if r.HasRuns {
		return r.OneShot.Value
	}
	return -r.Loss
}

// noLoss is the loss of a result that was not measured.
var noLoss = math.NaN()

// attributes are the result's words of a log line; none where it was not measured.
func (r ValidationResult) attributes(better bool) []any {
	if !r.Measured {
		return nil
	}
	attributes := []any{"val_loss", rounded(r.Loss), "val_accuracy", r.Accuracy.String() + " pairs", "best", better}
	if r.HasRuns {
		attributes = append(attributes,
			"oneshot", r.OneShot.String()+" trials, "+r.ways(), "oneshot_cosine", r.OneShotCosine.String()+" trials")
	}
	return attributes
}

func (r ValidationResult) values() map[string]float64 {
	values := map[string]float64{
		"val_loss": r.Loss, "val_accuracy": r.Accuracy.Value, "val_accuracy_stderr": r.Accuracy.StdErr,
		"val_pairs": float64(r.Accuracy.Of), "val_auc": r.AUC,
	}
	if r.HasRuns {
		values["oneshot"], values["oneshot_stderr"] = r.OneShot.Value, r.OneShot.StdErr
		values["oneshot_cosine"], values["oneshot_cosine_stderr"] = r.OneShotCosine.Value, r.OneShotCosine.StdErr
		values["oneshot_ways"], values["oneshot_trials"] = float64(r.MostWays), float64(r.OneShot.Of)
	}
	return values
}

// probabilityEpsilon is what Keras clips probabilities to.
const probabilityEpsilon = 1e-7

// Measure scores the pairs and runs with the model.
func (v *Validation) Measure(ctx context.Context, model evaluate.Model) (ValidationResult, error) {
	verified, err := evaluate.Verify(ctx, model, v.Data, evaluate.VerifyConfig{Pairs: v.Pairs, Seed: v.Seed, Distinct: true})
	if err != nil {
		return ValidationResult{}, fmt.Errorf("validate: %w", err)
	}
	result := ValidationResult{Measured: true, Accuracy: newShare(verified.Accuracy, verified.StdErr, verified.Pairs), AUC: verified.AUC}
	for _, score := range verified.Scores {
		p := math.Min(math.Max(score.Similarity, probabilityEpsilon), 1-probabilityEpsilon)
		if !score.Same {
			p = 1 - p
		}
		result.Loss -= math.Log(p) / float64(len(verified.Scores))
	}
	if len(v.Runs) == 0 {
		return result, nil
	}
	oneShot, err := evaluate.OneShot(ctx, model, v.Runs)
	if err != nil {
		return ValidationResult{}, fmt.Errorf("validate: %w", err)
	}
	result.HasRuns = true
	result.OneShot = newShare(oneShot.Mean, oneShot.StdErr, oneShot.Trials)
	result.OneShotCosine = newShare(oneShot.MeanCosine, oneShot.StdErrCosine, oneShot.Trials)
	result.FewestWays = oneShot.Runs[0].Ways
	for _, run := range oneShot.Runs {
		result.FewestWays, result.MostWays = min(result.FewestWays, run.Ways), max(result.MostWays, run.Ways)
	}
	return result, nil
}
