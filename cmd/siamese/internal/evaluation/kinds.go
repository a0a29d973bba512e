package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// kindsFlags choose pairs by kind.
type kindsFlags struct {
	Pairs  int      `help:"Sets how many pairs of each kind are drawn: strangers, neighbours (two things of one kind), things (two images of one thing) and copies (an image and an edited copy of it). An even number." default:"4000"`
	Groups []string `help:"Measures pairs of these classes, kinds or domains apart, too, by name or pattern." placeholder:"PATTERN"`

	partFlags
	datasets.HeldFlags
}

// pictures reports whether the layout is one of things, whose pictures get copied.
func (f kindsFlags) pictures() bool {
	return f.Layout == dataset.Things.String() || f.Layout == dataset.Domains.String()
}

// score draws pairs of the kinds and compares them.
func (f kindsFlags) score(ctx context.Context, model *network.Model, path string, kinds []evaluate.PairKind) (pairs []evaluate.KindPair, err error) {
	config := evaluate.KindsConfig{Pairs: f.Pairs, Seed: f.Seed, Kinds: kinds, Of: f.Of, Side: model.Card().Architecture.Height}
	if config.Forbidden, err = datasets.ReadForbidden(f.Forbidden); err != nil {
		return nil, err
	}
	side := config.Side
	for _, kind := range kinds {
		if kind == evaluate.EditedCopies {
			side = 2 * config.Side // so that crops stay sharp
		}
	}
	err = f.WithData(ctx, path, side, func(data *dataset.Dataset) error {
		pairs, err = evaluate.ScoreKinds(ctx, model, data, config)
		return err
	})
	return pairs, err
}

// contrasts measures all pairs, and each group.
func (f kindsFlags) contrasts(pairs []evaluate.KindPair) []evaluate.Contrast {
	var contrasts []evaluate.Contrast
	for _, of := range append([]string{""}, f.Groups...) {
		contrasts = append(contrasts, evaluate.Contrasts(pairs, of)...)
	}
	return contrasts
}

// printContrasts prints a table; before, if any, are the same contrasts before a
// calibration.
func printContrasts(w io.Writer, contrasts, before []evaluate.Contrast) error {
	fmt.Fprintf(w, "%-22s %6s %17s %7s %15s %15s %15s\n", "", "pairs", "calibration error", "AUC", "accuracy %", "recognised %", "false accepts %")
	percent := func(m evaluate.Mean) string { return fmt.Sprintf("%.2f ± %.2f", 100*m.Value, 100*m.StdErr) }
	of := ""
	for i, c := range contrasts {
		if c.Of != of {
			of = c.Of
			fmt.Fprintln(w, of)
		}
		calibration := fmt.Sprintf("%.4f", c.ECE)
		if before != nil {
			calibration = fmt.Sprintf("%.4f → %.4f", before[i].ECE, c.ECE)
		}
		if _, err := fmt.Fprintf(w, "%-22s %6d %17s %7.4f %15s %15s %15s\n", c.Same+", "+c.Different, c.Pairs,
			calibration, c.AUC, percent(c.Accuracy), percent(c.Recognised), percent(c.FalseAccepts)); err != nil {
			return err
		}
	}
	return nil
}

// kindsCommand is `siamese eval kinds`.
type kindsCommand struct {
	Path        string `arg:"" help:"The data: a folder or zip, as for train."`
	Reliability string `help:"Writes the reliability plot to this PNG file. Empty: none." placeholder:"FILE"`
	JSON        bool   `help:"Prints a JSON object."`

	kindsFlags
	network.ModelFlags
}

// Run prints how well pairs of each kind are told apart at 0.5, and how far similarities
// are from probabilities there.
func (c *kindsCommand) Run(ctx context.Context, s cli.Streams) error {
	kinds := []evaluate.PairKind{evaluate.Strangers, evaluate.Neighbours, evaluate.Things}
	if c.pictures() {
		kinds = evaluate.PairKinds()
	}
	return c.With(ctx, func(model *network.Model) error {
		pairs, err := c.score(ctx, model, c.Path, kinds)
		if err != nil {
			return err
		}
		contrasts := c.contrasts(pairs)
		if err := plotContrasts(c.Reliability, contrasts); err != nil || c.JSON {
			return errors.Join(err, printJSON(s.Out, c.JSON, map[string]any{"contrasts": contrasts}))
		}
		return printContrasts(s.Out, contrasts, nil)
	})
}
