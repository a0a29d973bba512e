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
	// Pairs is how many pairs of it are scored, an even number.
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
	Accuracy float64 // share of pairs on the right side of 0.5
	AUC      float64
	// OneShot and OneShotCosine are the shares of trials that were right by the
	// similarity and by the embeddings' cosine; 0 without runs.
	OneShot       float64
	OneShotCosine float64
	HasRuns       bool
}

// Score is what "better" means: more one-shot trials right where there are
// runs, else a lower loss.
func (r ValidationResult) Score() float64 {
	if r.HasRuns {
		return r.OneShot
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
	attributes := []any{"val_loss", rounded(r.Loss), "val_accuracy", rounded(r.Accuracy), "best", better}
	if r.HasRuns {
		attributes = append(attributes, "oneshot", rounded(r.OneShot), "oneshot_cosine", rounded(r.OneShotCosine))
	}
	return attributes
}

func (r ValidationResult) values() map[string]float64 {
	values := map[string]float64{"val_loss": r.Loss, "val_accuracy": r.Accuracy, "val_auc": r.AUC}
	if r.HasRuns {
		values["oneshot"], values["oneshot_cosine"] = r.OneShot, r.OneShotCosine
	}
	return values
}

// probabilityEpsilon is what Keras clips probabilities to.
const probabilityEpsilon = 1e-7

// Measure scores the pairs and runs with the model.
func (v *Validation) Measure(ctx context.Context, model evaluate.Model) (ValidationResult, error) {
	verified, err := evaluate.Verify(ctx, model, v.Data, evaluate.VerifyConfig{Pairs: v.Pairs, Seed: v.Seed})
	if err != nil {
		return ValidationResult{}, fmt.Errorf("validate: %w", err)
	}
	result := ValidationResult{Measured: true, Accuracy: verified.Accuracy, AUC: verified.AUC}
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
	result.HasRuns, result.OneShot, result.OneShotCosine = true, oneShot.Mean, oneShot.MeanCosine
	return result, nil
}
