package training

import (
	"context"
	"encoding/json"
	"fmt"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/train/evaluate"
)

type robustCommand struct {
	Path  string `arg:"" help:"The data: a folder or zip of alphabet/character/image or class/image."`
	Pairs int    `help:"Pairs to judge, half of them same." default:"400"`
	JSON  bool   `help:"Print a JSON object."`

	heldFlags
	network.ModelFlags
}

// Run prints how far the similarities of pairs move when their second picture is
// changed in ways that mean nothing.
func (c *robustCommand) Run(ctx context.Context, s cli.Streams) error {
	return c.With(ctx, func(model *network.Model) error {
		data, err := c.heldFlags.open(ctx, c.Path, model.Card().Architecture.Height)
		if err != nil {
			return err
		}
		defer func() { _ = data.Close() }() // only read
		result, err := evaluate.Robustness(ctx, model, data, evaluate.RobustnessConfig{Pairs: c.Pairs, Seed: c.Seed})
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(s.Out).Encode(result)
		}
		for _, change := range result.Changes {
			fmt.Fprintf(s.Out, "%-22s %.4f on average, %.4f at the most\n", change.Name, change.Mean, change.Most)
		}
		_, err = fmt.Fprintf(s.Out, "robustness: similarities of %d pairs move by %.4f on average over these changes\n", result.Pairs, result.Mean)
		return err
	})
}
