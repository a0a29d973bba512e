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

// retrievalCommand is `siamese eval retrieval`.
type retrievalCommand struct {
	Path     string   `arg:"" help:"The data: a folder or zip, as for train."`
	Queries  int      `help:"Sets the most queries, drawn by --seed." default:"1000"`
	Among    []string `help:"Searches these classes, kinds or domains alone, by name or pattern. Empty: all." placeholder:"PATTERN"`
	SameKind bool     `help:"Searches images of the query's own kind alone: its neighbours."`
	Sheet    string   `help:"Draws examples into this PNG file, as eval verify does, of queries and images searched. Empty: none." placeholder:"FILE"`

	partFlags
	baselineFlags
	datasets.HeldFlags
	network.ModelFlags
}

// Run prints how well images of a class find each other.
func (c *retrievalCommand) Run(ctx context.Context, s cli.Streams) error {
	return c.With(ctx, func(model *network.Model) error {
		return c.beside(ctx, model, c.ModelFlags, func(baselines []evaluate.Baseline) error {
			card := model.Card()
			data, err := c.OpenData(ctx, c.Path, card.Architecture.Height)
			if err != nil {
				return err
			}
			defer func() { _ = data.Close() }() // only read
			config := evaluate.RetrievalConfig{
				Queries: c.Queries, Seed: c.Seed, Of: c.Of, Among: c.Among, SameKind: c.SameKind,
				Threshold: card.Threshold, Baselines: baselines, Examples: sheetExamples,
			}
			if config.Forbidden, err = datasets.ReadForbidden(c.Forbidden); err != nil {
				return err
			}
			result, err := evaluate.Retrieval(ctx, model, data, config)
			if err != nil {
				return err
			}
			if err := writeSheet(c.Sheet, data, result.Examples); err != nil {
				return err
			}
			if err := c.plot(result); err != nil || c.JSON {
				return errors.Join(err, printJSON(s.Out, c.JSON, result))
			}
			return printRetrieval(s.Out, result)
		})
	})
}

func (c *retrievalCommand) plot(result evaluate.RetrievalResult) error {
	var curves []record.ROCCurve
	for _, method := range result.Methods {
		curves = append(curves, rocCurve(method.Name, method.AUC, method.ROC))
	}
	return writeROC(c.ROC, curves)
}

func printRetrieval(w io.Writer, result evaluate.RetrievalResult) error {
	fmt.Fprintf(w, "retrieval: %d queries of %d classes among %d images\n", result.Queries, result.Classes, result.Candidates)
	fmt.Fprintf(w, "%-16s %15s %15s %12s %7s %10s %10s\n", "by", "R@1 %", "mAP %", "four of four", "AUC", "at 1 % FAR", "at 0.1 %")
	for _, m := range result.Methods {
		fmt.Fprintf(w, "%-16s %7.2f ± %5.2f %7.2f ± %5.2f %5.2f ± %4.2f %7.4f %10.2f %10.2f\n", m.Name,
			100*m.First.Value, 100*m.First.StdErr, 100*m.Precision.Value, 100*m.Precision.StdErr, m.Four.Value, m.Four.StdErr,
			m.AUC, 100*(1-m.RecognisedAt[0].FRR), 100*(1-m.RecognisedAt[1].FRR))
	}
	by := result.Methods[0]
	_, err := fmt.Fprintf(w, "at the threshold %.4g: %.2f %% ± %.2f of a class recognised, %.3f %% ± %.3f of others\n", result.Threshold,
		100*by.Recognised.Value, 100*by.Recognised.StdErr, 100*by.FalselyRecognised.Value, 100*by.FalselyRecognised.StdErr)
	return err
}
