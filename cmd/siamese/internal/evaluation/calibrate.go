package evaluation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/internal/modelfile"
	"siamese/tfmodel"
	"siamese/train/evaluate"
)

// CalibrateCommand is `siamese calibrate`.
type CalibrateCommand struct {
	Out  string `arg:"" optional:"" help:"The weight file to write, safetensors; a card is written beside it. Left out with --model."`
	From string `help:"Names the weight file to calibrate. Empty: --model is given." placeholder:"FILE"`

	Model []string `help:"Names the network of each of --folds, as for eval folds: prints the scale and shift found on all of them together, each on what it has not seen, and what they are worth on a fold that they were not found on. Nothing is written. Empty: --from is calibrated." placeholder:"FILE"`

	Data string `help:"Names data that the model was not trained on. Empty: --scale is given." placeholder:"PATH"`

	Scale float64 `help:"Sets the factor on the logit, such as one found for a model trained in the same way on fewer classes; --data then tell familiarity alone. 0: found on --data."`
	Shift float64 `help:"Sets what is added to the logit after --scale."`

	familiarityFlags
	kindsFlags
	Weights map[string]float64 `help:"Sets how much the pairs of a kind count together: strangers, neighbours, things, copies. 0: measured only. Not given: by the layout (docs/training.md)." placeholder:"KIND=WEIGHT"`
	Plot    string             `help:"Writes the reliability plot, before and after, to this PNG file. Empty: none." placeholder:"FILE"`
	JSON    string             `name:"json" help:"Writes what was measured to this JSON file. Empty: none." placeholder:"FILE"`

	network.TrustFlags
	Device    string `help:"Chooses where to run: auto, cpu or gpu:N." default:"auto"`
	Precision string `help:"Chooses what the encoder is computed in: float32, tf32 (GPU) or bfloat16." enum:"float32,tf32,bfloat16" default:"float32"`
}

// Run folds a scale and a shift of the logit into the last layer, so that
// similarities can be read as probabilities.
func (c *CalibrateCommand) Run(ctx context.Context, s cli.Streams) error {
	if len(c.Model) > 0 {
		return c.overFolds(ctx, s)
	}
	if c.Out == "" || c.From == "" {
		return cli.Usage(errors.New("calibrate: OUT and --from FILE are needed, or --folds with --model"))
	}
	if c.Scale == 0 && c.Data == "" || !(c.Scale >= 0) || math.IsInf(c.Scale, 0) {
		return cli.Usage(errors.New("calibrate: --data, or --scale above 0 with --shift, is needed"))
	}
	if card := tfmodel.CardPath(c.Out); c.JSON != "" && filepath.Clean(c.JSON) == filepath.Clean(card) {
		return cli.Usage(fmt.Errorf("calibrate: --json names %s, where the card of %s is written; expected another file", card, c.Out))
	}
	source, err := c.ReadSource(ctx, c.From)
	if err != nil {
		return err
	}
	// A threshold set before was one of other similarities.
	card := source.Card
	card.Threshold = evaluate.DefaultThreshold
	line := evaluate.Line{Scale: c.Scale, Shift: c.Shift}
	card.ThresholdNote = fmt.Sprintf("Calibrated by a given scale %.4f and shift %+.4f of the logit.", c.Scale, c.Shift)
	if c.Data != "" {
		if err := c.learn(ctx, s, &card, &line); err != nil {
			return err
		}
	}
	calibrated, err := tfmodel.RescaleLogit(source.Weights, line.Scale, line.Shift)
	if err != nil {
		return err
	}
	return modelfile.WriteNew(c.Out, card, calibrated, modelfile.Safetensors)
}

// learn takes from the data what is familiar and, where no scale is given, the line.
func (c *CalibrateCommand) learn(ctx context.Context, s cli.Streams, card *tfmodel.Card, line *evaluate.Line) error {
	flags := network.ModelFlags{Model: c.From, RunFlags: network.RunFlags{Device: c.Device, Precision: c.Precision, TrustFlags: c.TrustFlags}}
	return flags.With(ctx, func(model *network.Model) (err error) {
		if c.Scale == 0 {
			measured, err := c.measure(ctx, model, s)
			if err != nil {
				return err
			}
			*line, card.ThresholdNote = measured.Line, measured.note(filepath.Base(c.Data), c.DescribeData())
		}
		if c.Familiarity > 0 {
			statistic, err := c.gather(ctx, model, c.HeldFlags, c.Data, s.Out)
			if err != nil || statistic == nil {
				return err
			}
			card.Familiarity = statistic
		}
		return err
	})
}

// measure finds scale and shift on the data, and reports what they do.
func (c *CalibrateCommand) measure(ctx context.Context, model *network.Model, s cli.Streams) (calibration, error) {
	weights, err := c.weights()
	if err != nil {
		return calibration{}, err
	}
	pairs, err := c.score(ctx, model, c.Data, slices.Sorted(maps.Keys(weights)))
	if err != nil {
		return calibration{}, err
	}
	fit, err := evaluate.CalibrateKinds(pairs, weights)
	if err != nil {
		return calibration{}, err
	}
	measured := calibration{Line: fit.Line, Halves: fit.Halves, Weights: weights, Before: c.contrasts(pairs), After: c.contrasts(fit.After)}
	return measured, errors.Join(measured.print(s.Out), plotContrasts(c.Plot, measured.After), writeJSON(c.JSON, measured))
}

// weights are the layout's, with those given by name over them.
func (c *CalibrateCommand) weights() (evaluate.KindWeights, error) {
	weights := c.defaultWeights()
	for name, weight := range c.Weights {
		kind := evaluate.PairKind(name)
		if !slices.Contains(evaluate.PairKinds(), kind) || !(weight >= 0) || math.IsInf(weight, 0) {
			return nil, cli.Usage(fmt.Errorf("calibrate: --weights: received %s=%v, expected a finite number from 0 for one of %q", name, weight, evaluate.PairKinds()))
		}
		weights[kind] = weight
	}
	return weights, nil
}

// defaultWeights are those of the pairs that people bring, same and different ones alike:
// of photographs copies as often as things and hardly ever two things of a kind, of which
// nothing like half are met; of characters as many of one alphabet as not, and no copies.
func (c *CalibrateCommand) defaultWeights() evaluate.KindWeights {
	if c.pictures() {
		return evaluate.KindWeights{evaluate.Strangers: 2, evaluate.Neighbours: 0.1, evaluate.Things: 1, evaluate.EditedCopies: 1}
	}
	return evaluate.KindWeights{evaluate.Strangers: 1, evaluate.Neighbours: 1, evaluate.Things: 2}
}
