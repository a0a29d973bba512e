package training

import (
	"context"
	"errors"
	"fmt"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// CalibrateCommand is `siamese calibrate`.
type CalibrateCommand struct {
	Out  string `arg:"" help:"The weight file to write, safetensors; a card is written beside it."`
	From string `help:"Names the weight file to calibrate." required:"" placeholder:"FILE"`
	Data string `help:"Names data that the model was not trained on. Empty: --scale is given." placeholder:"PATH"`

	Scale float64 `help:"Sets the factor on the logit, such as one found for a model trained in the same way on fewer classes. 0: found on --data."`
	Shift float64 `help:"Sets what is added to the logit after --scale."`

	Pairs int    `help:"Sets how many pairs to calibrate on with negatives of any class, and as many of one alphabet." default:"10000"`
	Plot  string `help:"Writes the reliability plot, before and after, to this PNG file. Empty: none." placeholder:"FILE"`

	partFlags
	heldFlags
	network.TrustFlags
	Device    string `help:"Chooses where to run: auto, cpu or gpu:N." default:"auto"`
	Precision string `help:"Chooses what the encoder is computed in: float32, tf32 (GPU) or bfloat16." enum:"float32,tf32,bfloat16" default:"float32"`
}

// Run folds a scale and a shift of the logit into the last layer, so that
// similarities can be read as probabilities.
func (c *CalibrateCommand) Run(ctx context.Context, s cli.Streams) error {
	if given := c.Scale != 0; given == (c.Data != "") || c.Scale < 0 {
		return cli.Usage(errors.New("calibrate: either --data, or --scale above 0 with --shift, is needed"))
	}
	source, err := c.ReadSource(ctx, c.From)
	if err != nil {
		return err
	}
	scale, shift := c.Scale, c.Shift
	if c.Data != "" {
		if scale, shift, err = c.measure(ctx, s); err != nil {
			return err
		}
	}
	calibrated, err := tfmodel.RescaleLogit(source.Weights, scale, shift)
	if err != nil {
		return err
	}
	return modelfile.WriteNew(c.Out, source.Card, calibrated, modelfile.Safetensors)
}

// measure finds scale and shift on the data, and reports what they do.
func (c *CalibrateCommand) measure(ctx context.Context, s cli.Streams) (scale, shift float64, err error) {
	scores, err := c.scores(ctx)
	if err != nil {
		return 0, 0, err
	}
	var logits []float64
	var same []bool
	for _, score := range scores {
		logits, same = append(logits, evaluate.Logit(score.Similarity)), append(same, score.Same)
	}
	if scale, shift, err = evaluate.Calibrate(logits, same); err != nil {
		return 0, 0, err
	}
	return scale, shift, c.report(s, scores, scale, shift)
}

// scores compares pairs of both kinds of negatives.
func (c *CalibrateCommand) scores(ctx context.Context) ([]evaluate.Score, error) {
	var scores []evaluate.Score
	flags := network.ModelFlags{Model: c.From, RunFlags: network.RunFlags{Device: c.Device, Precision: c.Precision, TrustFlags: c.TrustFlags}}
	err := flags.With(ctx, func(model *network.Model) error {
		forbidden, err := readForbidden(c.Forbidden)
		if err != nil {
			return err
		}
		return c.with(ctx, c.Data, model.Card().Architecture.Height, func(data *dataset.Dataset) error {
			for _, negatives := range negativesOf(data) {
				result, err := evaluate.Verify(ctx, model, data, evaluate.VerifyConfig{
					Pairs: c.Pairs, Seed: c.Seed, Negatives: negatives, Of: c.Of, Forbidden: forbidden,
				})
				if err != nil {
					return err
				}
				scores = append(scores, result.Scores...)
			}
			return nil
		})
	})
	return scores, err
}

// negativesOf are the kinds of different pairs that the data have.
func negativesOf(data *dataset.Dataset) []evaluate.Negatives {
	if len(data.Alphabets()) == 0 {
		return []evaluate.Negatives{evaluate.Any}
	}
	return []evaluate.Negatives{evaluate.Any, evaluate.SameAlphabet}
}

func (c *CalibrateCommand) report(s cli.Streams, scores []evaluate.Score, scale, shift float64) error {
	before, err := evaluate.Measure(scores, evaluate.DefaultThreshold)
	if err != nil {
		return err
	}
	after, err := evaluate.Measure(evaluate.Rescale(scores, scale, shift), evaluate.DefaultThreshold)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.Out, "logit × %.4f %+.4f: calibration error %.4f → %.4f, accuracy at 0.5 %.2f %% → %.2f %%\n",
		scale, shift, before.ECE, after.ECE, 100*before.Accuracy, 100*after.Accuracy); err != nil {
		return err
	}
	if c.Plot == "" {
		return nil
	}
	picture, err := record.Reliability(reliabilityCurve("before calibration", before), reliabilityCurve("after", after))
	if err != nil {
		return err
	}
	return os.WriteFile(c.Plot, picture, 0o644)
}
