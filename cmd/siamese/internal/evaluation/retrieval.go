package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/tfmodel"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// partFlags choose classes by name.
type partFlags struct {
	Of        []string `help:"Measures these classes, kinds or domains alone, by name or pattern: they are what is asked for. Empty: all." placeholder:"PATTERN"`
	Forbidden string   `help:"Names a file of classes that must not count as different (docs/training.md). Empty: none." placeholder:"FILE"`
}

// besideFlags choose what is measured beside the model.
type besideFlags struct {
	Baseline []string `help:"Measures the cosine of another model's embeddings beside: any model, or ImageNet's VGG16 file, whose last map is then averaged." placeholder:"FILE"`
}

// baselineFlags choose that, and the form of the result.
type baselineFlags struct {
	besideFlags
	ROC  string `help:"Writes the ROC curves to this PNG file. Empty: none." placeholder:"FILE"`
	JSON bool   `help:"Prints a JSON object."`
}

// hashName is what the perceptual hash is called in tables.
const hashName = "perceptual hash"

// untrainedName is what convolutions without a head are called.
const untrainedName = "untrained"

// beside opens the baselines for the time of a call; the perceptual hash is always one.
func (f besideFlags) beside(ctx context.Context, like *network.Model, flags network.ModelFlags, use func([]evaluate.Baseline) error) (err error) {
	var baselines []evaluate.Baseline
	for _, file := range f.Baseline {
		baseline, closeModel, err := openBaseline(ctx, file, like.Card().Architecture, flags)
		if err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
		defer func() { err = errors.Join(err, closeModel()) }()
		baselines = append(baselines, baseline)
	}
	return use(append(baselines, evaluate.Baseline{Name: hashName}))
}

// openBaseline opens a model of the same input size, or convolutions alone as a network
// that averages their last map.
func openBaseline(ctx context.Context, file string, like tfmodel.Architecture, flags network.ModelFlags) (evaluate.Baseline, func() error, error) {
	set, err := flags.ReadWeights(ctx, file)
	if err != nil {
		return evaluate.Baseline{}, nil, err
	}
	if _, whole := set.Get("dense_2/kernel"); whole {
		flags.Model = file
		model, err := flags.Open(ctx, network.Warnings())
		if err != nil {
			return evaluate.Baseline{}, nil, err
		}
		if got := model.Card().Architecture; got.Height != like.Height || got.Width != like.Width {
			return evaluate.Baseline{}, nil, errors.Join(fmt.Errorf("%s takes %d×%d, want %d×%d as the model that is measured", file, got.Height, got.Width, like.Height, like.Width), model.Close())
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		return evaluate.Baseline{Name: name, Model: model}, model.Close, nil
	}
	architecture := tfmodel.VGG16(like.Height, like.Width)
	architecture.Pooling = tfmodel.Average
	if set, err = network.Reshape(set, architecture, 1); err != nil {
		return evaluate.Baseline{}, nil, err
	}
	if set, err = tfmodel.FoldInput(set, tfmodel.ImageNetScaling()); err != nil {
		return evaluate.Baseline{}, nil, err
	}
	trainer, err := tfmodel.NewTrainer(architecture, set, tfmodel.TrainerConfig{PairWeight: 1, FrozenBlocks: len(architecture.Blocks)}, flags.Options(network.Warnings()))
	if err != nil {
		return evaluate.Baseline{}, nil, err
	}
	return evaluate.Baseline{Name: untrainedName, Model: trainer}, trainer.Close, nil
}

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

// printJSON writes a result where that is asked for.
func printJSON(w io.Writer, wanted bool, result any) error {
	if !wanted {
		return nil
	}
	return json.NewEncoder(w).Encode(result)
}

func (c *retrievalCommand) plot(result evaluate.RetrievalResult) error {
	var curves []record.ROCCurve
	for _, method := range result.Methods {
		curves = append(curves, rocCurve(method.Name, method.AUC, method.ROC))
	}
	return writeROC(c.ROC, curves)
}

// rocCurve is a curve of a plot.
func rocCurve(name string, area float64, points []evaluate.ROCPoint) record.ROCCurve {
	curve := record.ROCCurve{Name: name, AreaUnder: area}
	for _, point := range points {
		curve.FalseAccepts = append(curve.FalseAccepts, point.FPR)
		curve.TrueAccepts = append(curve.TrueAccepts, point.TPR)
		if point.FPR <= 1-point.TPR {
			curve.EqualError = (point.FPR + 1 - point.TPR) / 2
		}
	}
	return curve
}

// maxCurves is how many curves a plot takes.
const maxCurves = 4

// writeROC draws the first curves into a file; "" is none.
func writeROC(file string, curves []record.ROCCurve) error {
	if file == "" {
		return nil
	}
	picture, err := record.ROC(curves[:min(len(curves), maxCurves)]...)
	if err != nil {
		return err
	}
	return os.WriteFile(file, picture, 0o644)
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
