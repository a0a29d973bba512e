package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/tfmodel"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// oneShotCommand is `siamese eval oneshot`.
type oneShotCommand struct {
	Path   string   `arg:"" help:"The runs: a folder or zip in the layout of Omniglot's all_runs; with --ways the data."`
	Ways   int      `help:"Draws the runs from the data at PATH, with this many classes to choose from. 0: PATH holds runs." default:"0"`
	Trials int      `help:"Sets the least number of trials over all runs, with --ways." default:"1000"`
	Of     []string `help:"Draws from these classes, kinds or domains alone, by name or pattern, with --ways. Empty: all." placeholder:"PATTERN"`
	JSON   bool     `help:"Prints a JSON object: mean, stderr, trials, runs, and the baselines beside."`
	Plot   string   `help:"Writes a bar plot of the shares that were right to this PNG file. Empty: none." placeholder:"FILE"`

	viewsFlags
	besideFlags
	datasets.HeldFlags
	network.ModelFlags
	network.ImagingFlags
}

// Run prints the share of trials that were right.
func (c *oneShotCommand) Run(ctx context.Context, s cli.Streams) error {
	return c.With(ctx, func(model *network.Model) error {
		runs, err := c.runs(ctx, model.Card().Architecture)
		if err != nil {
			return err
		}
		return c.beside(ctx, model, c.ModelFlags, func(baselines []evaluate.Baseline) error {
			asked, err := c.inViews(model, true)
			if err != nil {
				return err
			}
			result, err := evaluate.OneShot(ctx, asked, runs, baselines...)
			if err != nil {
				return err
			}
			if err := c.plot(result); err != nil || c.JSON {
				return errors.Join(err, printJSON(s.Out, c.JSON, result))
			}
			return printOneShot(s.Out, result)
		})
	})
}

// plot draws the shares beside what guessing gives.
func (c *oneShotCommand) plot(result evaluate.OneShotResult) error {
	if c.Plot == "" {
		return nil
	}
	bars := []record.Bar{{Name: "similarity", Value: result.Mean, StdErr: result.StdErr}, {Name: "cosine", Value: result.MeanCosine, StdErr: result.StdErrCosine}}
	for _, method := range result.Beside {
		bars = append(bars, record.Bar{Name: method.Name, Value: method.Value, StdErr: method.StdErr})
	}
	chance := 0.0
	for _, run := range result.Runs {
		chance += float64(run.Trials) / float64(run.Ways) / float64(result.Trials)
	}
	picture, err := record.Bars(fmt.Sprintf("One-shot, %d trials", result.Trials), "Share that is right", chance, bars...)
	if err != nil {
		return err
	}
	return os.WriteFile(c.Plot, picture, 0o644)
}

// runs reads the runs, or draws them.
func (c *oneShotCommand) runs(ctx context.Context, architecture tfmodel.Architecture) (runs []evaluate.Run, err error) {
	if c.Ways == 0 {
		preparer, err := c.Preparer(architecture)
		if err != nil {
			return nil, err
		}
		return evaluate.ReadRuns(c.Path, preparer)
	}
	err = c.WithData(ctx, c.Path, architecture.Height, func(data *dataset.Dataset) error {
		only, err := data.Only(c.Of)
		if err != nil {
			return err
		}
		runs, err = evaluate.MakeRuns(only, evaluate.MakeRunsConfig{Ways: c.Ways, Trials: c.Trials, Seed: c.Seed})
		return err
	})
	return runs, err
}

func printOneShot(w io.Writer, result evaluate.OneShotResult) error {
	for _, run := range result.Runs {
		fmt.Fprintf(w, "%-8s %3d-way %3d of %3d right\n", run.Name, run.Ways, run.Right, run.Trials)
	}
	for _, method := range result.Beside {
		fmt.Fprintf(w, "%s: %.2f %% ± %.2f right\n", method.Name, 100*method.Value, 100*method.StdErr)
	}
	_, err := fmt.Fprintf(w, "one-shot: %.2f %% ± %.2f right by similarity, %.2f %% ± %.2f by the embeddings' cosine, of %d trials\n",
		100*result.Mean, 100*result.StdErr, 100*result.MeanCosine, 100*result.StdErrCosine, result.Trials)
	return err
}

// makeRunsCommand is `siamese eval make-runs`.
type makeRunsCommand struct {
	Path   string `arg:"" help:"The data: a folder or zip of alphabet/character/image or class/image."`
	Dir    string `arg:"" help:"The folder to write the runs to. It must be empty or missing."`
	Ways   int    `help:"Sets how many classes to choose from." default:"20"`
	Trials int    `help:"Sets the least number of trials over all runs." default:"1000"`
	Side   int    `help:"Sets height and width of the pictures, in pixels." default:"105"`

	datasets.HeldFlags
}

// Run writes the runs.
func (c *makeRunsCommand) Run(ctx context.Context, s cli.Streams) error {
	var runs []evaluate.Run
	err := c.WithData(ctx, c.Path, c.Side, func(data *dataset.Dataset) (err error) {
		runs, err = evaluate.MakeRuns(data, evaluate.MakeRunsConfig{Ways: c.Ways, Trials: c.Trials, Seed: c.Seed})
		return err
	})
	if err != nil {
		return err
	}
	if err := evaluate.WriteRuns(c.Dir, runs); err != nil {
		return err
	}
	trials := 0
	for _, run := range runs {
		trials += len(run.Test)
	}
	_, err = fmt.Fprintf(s.Out, "%s: %d runs, %d trials\n", c.Dir, len(runs), trials)
	return err
}
