package evaluation

import (
	"context"
	"encoding/json"
	"fmt"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// robustCommand is `siamese eval robustness`.
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
