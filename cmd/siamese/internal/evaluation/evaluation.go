// Package evaluation is the commands that measure models: `siamese eval`, and `siamese
// calibrate`, which makes of what it measures another model.
package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/cmd/siamese/internal/evaluation/strokes"
	"siamese/tfmodel"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// Command is `siamese eval`: it measures what a model is worth.
type Command struct {
	OneShot   oneShotCommand     `cmd:"" name:"oneshot" help:"Measure one-shot runs: which of these drawings is of the same character?"`
	Verify    verifyCommand      `cmd:"" help:"Measure verification: are these two of one class?"`
	Folds     foldsCommand       `cmd:"" help:"Measure a recipe over folds: networks each of which has not seen its part of the data, one-shot and verification on all of it, by alphabet."`
	Kinds     kindsCommand       `cmd:"" help:"Measure pairs by kind: same things and edited copies against strangers, same things against neighbours, and how far similarities are from probabilities."`
	Robust    robustCommand      `cmd:"" name:"robustness" help:"Measure how far similarities move when a picture is turned, shifted or saved as JPEG."`
	Retrieval retrievalCommand   `cmd:"" help:"Measure retrieval: do images of a class find each other among others? R@1, mAP, UKBench's four-in-four."`
	Copies    copiesCommand      `cmd:"" help:"Measure edited copies: are they recognised after the attacks of Copydays, made as it goes?"`
	Familiar  familiarityCommand `cmd:"" name:"familiarity" help:"Measure what is familiar: which share of pictures that it should know, and of others, is foreign to the model."`
	Strokes   strokes.Command    `cmd:"" help:"Tell how well strokes stand for drawings, and show what train --redraw and --twins make of them."`
	MakeRuns  makeRunsCommand    `cmd:"" help:"Draw one-shot runs from data, in the layout of Omniglot's own."`
}

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

func reliabilityCurve(name string, bins []evaluate.Bin) record.ReliabilityCurve {
	curve := record.ReliabilityCurve{Name: name}
	for _, bin := range bins {
		curve.Points = append(curve.Points, record.ReliabilityPoint{Similarity: bin.Mean, Same: bin.Same, Count: bin.Count})
	}
	return curve
}

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

type robustCommand struct {
	Path  string `arg:"" help:"The data: a folder or zip of alphabet/character/image or class/image."`
	Pairs int    `help:"Sets how many pairs to score, half of them same." default:"400"`
	JSON  bool   `help:"Prints a JSON object."`

	datasets.HeldFlags
	network.ModelFlags
}

// Run prints how far the similarities of pairs move when their second picture is
// changed in ways that mean nothing.
func (c *robustCommand) Run(ctx context.Context, s cli.Streams) error {
	return c.With(ctx, func(model *network.Model) error {
		var result evaluate.RobustnessResult
		err := c.WithData(ctx, c.Path, model.Card().Architecture.Height, func(data *dataset.Dataset) (err error) {
			result, err = evaluate.Robustness(ctx, model, data, evaluate.RobustnessConfig{Pairs: c.Pairs, Seed: c.Seed})
			return err
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(s.Out).Encode(result)
		}
		for _, change := range result.Changes {
			fmt.Fprintf(s.Out, "%-22s %.4f on average, at most %.4f\n", change.Name, change.Mean, change.Most)
		}
		_, err = fmt.Fprintf(s.Out, "robustness: similarities of %d pairs move by %.4f on average over these changes\n", result.Pairs, result.Mean)
		return err
	})
}
