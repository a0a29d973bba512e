package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// copiesCommand is `siamese eval copies`.
type copiesCommand struct {
	Path      string `arg:"" help:"The data: a folder or zip, as for train. Every picture may be copied, whatever its class."`
	Originals int    `help:"Sets how many pictures are copied by each attack, drawn by --seed." default:"157"`
	KeptSize  int    `help:"Sets height and width at which pictures are attacked, in pixels. 0: twice the network's input." default:"0"`

	partFlags
	baselineFlags
	datasets.HeldFlags
	network.ModelFlags
}

// Run prints how well copies are told from other pictures, by attack.
func (c *copiesCommand) Run(ctx context.Context, s cli.Streams) error {
	return c.With(ctx, func(model *network.Model) error {
		return c.beside(ctx, model, c.ModelFlags, func(baselines []evaluate.Baseline) error {
			card := model.Card()
			side := c.KeptSize
			if side == 0 {
				side = 2 * card.Architecture.Height
			}
			data, err := c.OpenData(ctx, c.Path, side)
			if err != nil {
				return err
			}
			defer func() { _ = data.Close() }() // only read
			result, err := evaluate.Copies(ctx, model, data, evaluate.CopiesConfig{
				Originals: c.Originals, Seed: c.Seed, Of: c.Of, Side: card.Architecture.Height,
				Threshold: card.Threshold, Baselines: baselines,
			})
			if err != nil {
				return err
			}
			if err := c.plot(result); err != nil || c.JSON {
				return errors.Join(err, printJSON(s.Out, c.JSON, result))
			}
			return printCopies(s.Out, result)
		})
	})
}

func (c *copiesCommand) plot(result evaluate.CopiesResult) error {
	var curves []record.ROCCurve
	for _, method := range result.Methods {
		curves = append(curves, rocCurve(method.Name, method.All.AUC, method.ROC))
	}
	return writeROC(c.ROC, curves)
}

func printCopies(w io.Writer, result evaluate.CopiesResult) error {
	fmt.Fprintf(w, "copies of %d pictures; R@1 %%, and recognised %% where 1 %% of others are\n%-48s", result.Originals, "attack")
	for _, method := range result.Methods {
		fmt.Fprintf(w, " %19s", method.Name)
	}
	fmt.Fprintln(w)
	line := func(name string, score func(evaluate.CopiesMethod) evaluate.CopiesScore) {
		fmt.Fprintf(w, "%-48s", name)
		for _, method := range result.Methods {
			s := score(method)
			fmt.Fprintf(w, " %6.2f ± %4.1f %5.1f", 100*s.First.Value, 100*s.First.StdErr, 100*(1-s.RecognisedAt[0].FRR))
		}
		fmt.Fprintln(w)
	}
	for i, attack := range result.Methods[0].Attacks {
		line(attack.Name, func(m evaluate.CopiesMethod) evaluate.CopiesScore { return m.Attacks[i] })
	}
	line("all", func(m evaluate.CopiesMethod) evaluate.CopiesScore { return m.All })
	for _, method := range result.Methods {
		fmt.Fprintf(w, "%s: AUC %.4f\n", method.Name, method.All.AUC)
	}
	by := result.Methods[0]
	_, err := fmt.Fprintf(w, "at the threshold %.4g: %.2f %% ± %.2f of the copies recognised, %.3f %% ± %.3f of others\n", result.Threshold,
		100*by.All.Recognised.Value, 100*by.All.Recognised.StdErr, 100*by.FalselyRecognised.Value, 100*by.FalselyRecognised.StdErr)
	return err
}
