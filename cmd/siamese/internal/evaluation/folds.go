package evaluation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/cmd/siamese/internal/evaluation/crossval"
	"siamese/tfmodel"
	"siamese/train/dataset"
	"siamese/train/folds"
)

// foldsCommand is `siamese eval folds`.
type foldsCommand struct {
	Path    string   `arg:"" help:"The data: a folder or zip, as for train."`
	Model   []string `help:"Names the network of each fold, in order, trained with --fold 1, 2 and so on held out; or one name for all with {fold} in it. Networks joined by + answer as one, by the mean of their similarities." required:"" placeholder:"FILE"`
	Against []string `help:"Names other networks in the same way, which are measured by the same trials and pairs; what is printed last is by how much --model is above them. Empty: none." placeholder:"FILE"`
	Folds   int      `help:"Says how many folds there are." default:"5"`
	Only    []int    `help:"Measures these folds alone, by number; --model and --against then name a network for each of them. Empty: all." placeholder:"NUMBER"`
	Split   string   `help:"Says what is held out: alphabet or class." enum:"alphabet,class" default:"alphabet"`
	Ways    int      `help:"Sets how many classes a one-shot trial has." default:"20"`
	Trials  int      `help:"Sets the least number of one-shot trials of each fold." default:"1000"`
	Pairs   int      `help:"Sets how many pairs of each fold are scored with negatives of the same alphabet, and as many with any; half of them same." default:"4000"`
	Sheet   string   `help:"Draws the pairs and trials that are the most wrong over all folds into this PNG file. Empty: none." placeholder:"FILE"`
	JSON    string   `name:"json" help:"Writes all figures to this JSON file. Empty: none." placeholder:"FILE"`
	Layout  string   `help:"Says how the data is laid out: auto, omniglot (alphabet/character/image), things (kind/thing/image), domains (domain/kind/thing/image) or own (class/image)." enum:"auto,omniglot,things,domains,own" default:"auto"`
	Seed    uint64   `help:"Seeds the split and what is drawn." default:"1"`

	Unreadable string `help:"Chooses what to do about unreadable pictures: stop or skip, as training did." enum:"stop,skip" default:"stop"`

	network.RunFlags
}

// sheetSide is the height and width of the drawings of a sheet, whatever size the
// networks take.
const sheetSide = tfmodel.DefaultSide

// foldsReport is what eval folds writes as JSON.
type foldsReport struct {
	Split string `json:"split"`
	Seed  uint64 `json:"seed"`
	folds.Summary
	Against    *folds.Summary     `json:"against,omitempty"`
	Difference []folds.Difference `json:"difference,omitempty"`
}

// Run prints what the networks are worth together.
func (c *foldsCommand) Run(ctx context.Context, s cli.Streams) error {
	if err := c.check(); err != nil {
		return cli.Usage(err)
	}
	runner := &crossval.Runner{
		Data: datasets.Config{
			Path: c.Path, Layout: c.Layout, Unreadable: c.Unreadable, Split: c.Split, Seed: c.Seed, FoldFlags: datasets.FoldFlags{Folds: c.Folds},
		},
		Flags: c.RunFlags, Logger: slog.New(slog.NewTextHandler(s.Err, nil)),
	}
	return errors.Join(c.measureAll(ctx, s, runner), runner.Close())
}

func (c *foldsCommand) check() error {
	if c.Folds < 2 {
		return fmt.Errorf("eval folds: --folds is %d, expected 2 or more", c.Folds)
	}
	for i, fold := range c.Only {
		if fold < 1 || fold > c.Folds {
			return fmt.Errorf("eval folds: --only has %d, expected numbers from 1 to %d, which is --folds", fold, c.Folds)
		}
		if slices.Contains(c.Only[:i], fold) {
			return fmt.Errorf("eval folds: --only has %d twice, expected each fold once", fold)
		}
	}
	for _, count := range []struct {
		flag        string
		value, from int
	}{{"ways", c.Ways, 2}, {"trials", c.Trials, 1}, {"pairs", c.Pairs, 2}} {
		if count.value < count.from {
			return fmt.Errorf("eval folds: --%s is %d, expected %d or more", count.flag, count.value, count.from)
		}
	}
	if c.Pairs%2 != 0 {
		return fmt.Errorf("eval folds: --pairs is %d, expected an even number: half of them are same", c.Pairs)
	}
	return nil
}

func (c *foldsCommand) measureAll(ctx context.Context, s cli.Streams, runner *crossval.Runner) error {
	measuredFolds := c.Only
	if len(measuredFolds) == 0 {
		measuredFolds = crossval.All(c.Folds)
	}
	models, err := crossval.Models(c.Model, measuredFolds)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	var others []crossval.Model
	if len(c.Against) > 0 {
		if others, err = crossval.Models(c.Against, measuredFolds); err != nil {
			return fmt.Errorf("--against: %w", err)
		}
	}
	report := foldsReport{Split: c.Split, Seed: c.Seed}
	measured, err := c.measure(ctx, runner, models)
	if err == nil {
		report.Summary, err = folds.Summarize(measured)
	}
	if err == nil {
		err = report.Print(s.Out)
	}
	if err == nil && others != nil {
		err = c.compare(ctx, s, runner, &report, measured, others)
	}
	if err != nil {
		return err
	}
	return errors.Join(c.draw(ctx, runner, measured), writeJSON(c.JSON, report))
}

func (c *foldsCommand) measure(ctx context.Context, runner *crossval.Runner, models []crossval.Model) (measured []folds.Fold, err error) {
	config := folds.Config{Ways: c.Ways, Trials: c.Trials, Pairs: c.Pairs, Seed: c.Seed}
	err = runner.Each(ctx, models, func(network folds.Network, held *dataset.Dataset) error {
		fold, err := folds.Measure(ctx, network, held, config)
		measured = append(measured, fold)
		return err
	})
	return measured, err
}

// compare measures the other networks and prints the difference.
func (c *foldsCommand) compare(ctx context.Context, s cli.Streams, runner *crossval.Runner, report *foldsReport, measured []folds.Fold, others []crossval.Model) error {
	against, err := c.measure(ctx, runner, others)
	if err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	summary, err := folds.Summarize(against)
	if err != nil {
		return err
	}
	report.Against = &summary
	if report.Difference, err = folds.Compare(measured, against); err != nil {
		return err
	}
	fmt.Fprintln(s.Out, "\nagainst:")
	if err := summary.All.Print(s.Out); err != nil {
		return err
	}
	fmt.Fprintln(s.Out)
	return folds.PrintDifferences(s.Out, report.Difference)
}

// draw draws the sheet, if one is wanted.
func (c *foldsCommand) draw(ctx context.Context, runner *crossval.Runner, measured []folds.Fold) error {
	if c.Sheet == "" {
		return nil
	}
	data, err := runner.At(ctx, sheetSide)
	if err != nil {
		return err
	}
	sheet, err := folds.Sheet(measured, data)
	if err != nil {
		return err
	}
	return os.WriteFile(c.Sheet, sheet, 0o644)
}
