package evaluation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// verifyCommand is `siamese eval verify`.
type verifyCommand struct {
	Path        string   `arg:"" help:"The data: a folder or zip of alphabet/character/image or class/image."`
	Pairs       int      `help:"Sets how many pairs to score, half of them same." default:"10000"`
	Negatives   string   `help:"Chooses where different pairs come from: any class, the same-alphabet (or kind), or an other-alphabet." enum:"any,same-alphabet,other-alphabet" default:"any"`
	Among       []string `help:"Takes the second images of pairs from these classes, kinds or domains alone, by name or pattern. Empty: all." placeholder:"PATTERN"`
	Reliability string   `help:"Writes the reliability plot to this PNG file. Empty: none." placeholder:"FILE"`
	Sheet       string   `help:"Draws examples into this PNG file: the pairs most wrongly called the same, those most wrongly called different, and a column of right ones. Empty: none." placeholder:"FILE"`
	WriteCard   string   `help:"Writes the best threshold and the errors measured at it into this card, the one beside the weights. Empty: into none." placeholder:"FILE"`

	viewsFlags
	partFlags
	baselineFlags
	datasets.HeldFlags
	network.ModelFlags
}

// Run prints how well similarities tell same pairs from different ones.
func (c *verifyCommand) Run(ctx context.Context, s cli.Streams) error {
	return c.With(ctx, func(model *network.Model) error {
		result, err := c.measure(ctx, model)
		if err != nil {
			return err
		}
		if err := c.plot(result); err != nil {
			return err
		}
		if c.WriteCard != "" {
			if err := c.writeCard(model.Card(), result); err != nil {
				return err
			}
		}
		if c.JSON {
			return json.NewEncoder(s.Out).Encode(result)
		}
		printBeside(s.Out, result)
		_, err = fmt.Fprintf(s.Out, "verification of %d pairs, negatives %s: accuracy %.2f %% ± %.2f at threshold %.2f (%.2f %% of different pairs called same, %.2f %% of same ones different), %.2f %% at the best (%.4f); AUC %.5f, equal error %.2f %%, calibration error %.4f\n",
			result.Pairs, c.Negatives, 100*result.Accuracy, 100*result.StdErr, result.Threshold, 100*result.FalseAccepts, 100*result.FalseRejects, 100*result.BestAccuracy, result.BestThreshold, result.AUC, 100*result.EER, result.ECE)
		return err
	})
}

// printBeside prints the other ways of scoring, where there are any.
func printBeside(w io.Writer, result evaluate.VerifyResult) {
	for _, m := range result.Beside {
		fmt.Fprintf(w, "%s: AUC %.5f, equal error %.2f %%, recognised %.2f %% where 1 %% of different pairs are, %.2f %% where 0.1 %%\n",
			m.Name, m.AUC, 100*m.EER, 100*(1-m.RecognisedAt[0].FRR), 100*(1-m.RecognisedAt[1].FRR))
	}
}

func (c *verifyCommand) measure(ctx context.Context, model *network.Model) (result evaluate.VerifyResult, err error) {
	card := model.Card()
	config := evaluate.VerifyConfig{
		Pairs: c.Pairs, Seed: c.Seed, Negatives: evaluate.Negatives(c.Negatives), Threshold: card.Threshold, Of: c.Of, Among: c.Among,
	}
	if config.Forbidden, err = datasets.ReadForbidden(c.Forbidden); err != nil {
		return evaluate.VerifyResult{}, err
	}
	asked, err := c.inViews(model, false)
	if err != nil {
		return evaluate.VerifyResult{}, err
	}
	err = c.beside(ctx, model, c.ModelFlags, func(baselines []evaluate.Baseline) error {
		config.Baselines = baselines
		return c.WithData(ctx, c.Path, card.Architecture.Height, func(data *dataset.Dataset) (err error) {
			if result, err = evaluate.Verify(ctx, asked, data, config); err != nil {
				return err
			}
			return writeSheet(c.Sheet, data, result.Examples(sheetExamples))
		})
	})
	return result, err
}

func (c *verifyCommand) plot(result evaluate.VerifyResult) error {
	curves := []record.ROCCurve{rocCurve("negatives: "+c.Negatives, result.AUC, result.ROC)}
	curves[0].EqualError = result.EER
	for _, method := range result.Beside {
		curves = append(curves, rocCurve(method.Name, method.AUC, method.ROC))
	}
	if err := writeROC(c.ROC, curves); err != nil {
		return err
	}
	if c.Reliability == "" {
		return nil
	}
	picture, err := record.Reliability(reliabilityCurve("negatives: "+c.Negatives, result.Bins))
	if err != nil {
		return err
	}
	return os.WriteFile(c.Reliability, picture, 0o644)
}
