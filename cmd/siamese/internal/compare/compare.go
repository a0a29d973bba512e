// Package compare is the command `siamese compare`.
package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/pictures"
	"siamese/cmd/siamese/internal/scorer"
)

// Command is `siamese compare`.
type Command struct {
	A string `arg:"" optional:"" help:"The first image file; - is standard input."`
	B string `arg:"" optional:"" help:"The second image file; - is standard input."`

	JSON bool   `help:"Prints a JSON object with similarity, same, threshold, model, familiarity_a and familiarity_b (each with value and foreign; missing where the model tells none), and warning where an image is foreign to the model."`
	Plot string `help:"Writes both pictures as the network saw them, side by side, to this file, by its name a PNG (.png) or a JPEG (.jpg, .jpeg). Empty: none." placeholder:"FILE"`

	scorer.Flags
	scorer.ScoreFlags
}

// Run compares two files, or asks for pairs of them until the input ends.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	if (c.A == "") != (c.B == "") {
		return cli.Usage(fmt.Errorf("compare: one image named, want two, or none to be asked for them"))
	}
	if err := errors.Join(pictures.CheckStdin(c.A, c.B), checkPlot(c.Plot)); err != nil {
		return err
	}
	if c.A == "" {
		return c.prompt(ctx, s)
	}
	// Pictures first: what is missing is told at once, and a pipe's writer ends.
	pair, err := c.read(ctx, s, c.A, c.B)
	if err != nil {
		return err
	}
	by, err := c.Open(ctx, s.Err, c.ScoreFlags)
	if err != nil {
		return err
	}
	return errors.Join(c.compare(ctx, by, s, pair), by.Close())
}

// read reads both pictures. Errors are *scorer.PictureError.
func (c *Command) read(ctx context.Context, s cli.Streams, names ...string) (scorer.Pair, error) {
	var pair scorer.Pair
	for i, to := range []*scorer.Picture{&pair.A, &pair.B} {
		var err error
		if *to, err = pictures.Open(ctx, names[i], s.In, c.MaxBytes()); err != nil {
			return pair, &scorer.PictureError{Index: i, Name: names[i], Err: err}
		}
	}
	return pair, nil
}

// compare compares two pictures and prints the result.
func (c *Command) compare(ctx context.Context, by scorer.Scorer, s cli.Streams, pair scorer.Pair) error {
	comparison, err := by.Compare(ctx, pair, c.Plot != "")
	if err != nil {
		return err
	}
	if c.Plot != "" {
		if err := writePlot(c.Plot, comparison); err != nil {
			return err
		}
	}
	chosen, err := by.Chosen(ctx)
	if err != nil {
		return err
	}
	return c.print(s, comparison.Score, chosen)
}

// verdict is a comparison as JSON.
type verdict struct {
	Similarity float32 `json:"similarity"`
	Same       bool    `json:"same"`
	Threshold  float32 `json:"threshold"`
	Model      string  `json:"model"`

	FamiliarityA *client.Familiarity `json:"familiarity_a,omitempty"`
	FamiliarityB *client.Familiarity `json:"familiarity_b,omitempty"`
	Warning      string              `json:"warning,omitempty"`
}

// print writes the verdict as one line, or as JSON; the line names the model where it
// was chosen. A warning goes to standard error, so that what reads the verdict finds
// nothing else; JSON has it as a field.
func (c *Command) print(s cli.Streams, score scorer.Score, chosen bool) error {
	if c.JSON {
		return json.NewEncoder(s.Out).Encode(verdict{
			Similarity:   score.Similarity,
			Same:         score.Same,
			Threshold:    score.Threshold,
			Model:        score.Card,
			FamiliarityA: score.FamiliarityA,
			FamiliarityB: score.FamiliarityB,
			Warning:      score.Warning,
		})
	}
	similarity, threshold := scorer.Agree(score.Similarity, score.Threshold, score.Same)
	by := "threshold " + threshold
	if chosen {
		by += ", " + scorer.Printable(score.Model)
	}
	_, err := fmt.Fprintf(s.Out, "%s %s (%s)\n", similarity, scorer.Word(score.Same), by)
	scorer.Warn(s.Err, "", score.Warning)
	return err
}
