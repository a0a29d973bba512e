// Package compare is the commands that compare image files: `siamese compare` and
// `siamese rank`.
package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"siamese/client"
	"siamese/cmd/internal/cli"
)

// Command is `siamese compare`.
type Command struct {
	A string `arg:"" optional:"" help:"The first image file."`
	B string `arg:"" optional:"" help:"The second image file."`

	JSON bool   `help:"Prints a JSON object with similarity, same, threshold, model, familiarity_a and familiarity_b (each with value and foreign; missing where the model tells none), and warning where an image is foreign to the model."`
	Plot string `help:"Writes both pictures as the network saw them, side by side, to this PNG file. Empty: none." placeholder:"FILE"`

	comparerFlags
}

// Run compares two files, or asks for pairs of them until the input ends.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	if (c.A == "") != (c.B == "") {
		return cli.Usage(fmt.Errorf("compare: one image named, want two, or none to be asked for them"))
	}
	comparer, err := c.open(ctx)
	if err != nil {
		return err
	}
	if c.A == "" {
		err = c.prompt(ctx, comparer, s)
	} else {
		err = c.files(ctx, comparer, s, c.A, c.B)
	}
	return errors.Join(err, comparer.close())
}

// files compares two files and prints the result.
func (c *Command) files(ctx context.Context, comparer comparer, s cli.Streams, paths ...string) error {
	var data [2][]byte
	for i, path := range paths {
		var err error
		if data[i], err = os.ReadFile(path); err != nil {
			return &pictureError{index: i, err: err}
		}
	}
	comparison, err := comparer.compare(ctx, data[0], data[1], client.Options{
		Threshold:       c.Threshold,
		IncludePrepared: c.Plot != "",
	})
	if err != nil {
		return named(err, paths)
	}
	if c.Plot != "" {
		if err := writePlot(c.Plot, comparison); err != nil {
			return err
		}
	}
	return c.print(s, comparison)
}

// named puts the file's name before the error of a picture.
func named(err error, paths []string) error {
	if picture, ok := errors.AsType[*pictureError](err); ok {
		return &pictureError{index: picture.index, err: fmt.Errorf("%s: %w", paths[picture.index], picture.err)}
	}
	return err
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

// print writes the verdict as one line, or as JSON. A warning goes to standard error,
// so that what reads the verdict finds nothing else; JSON has it as a field.
func (c *Command) print(s cli.Streams, comparison client.Comparison) error {
	if c.JSON {
		return json.NewEncoder(s.Out).Encode(verdict{
			Similarity:   comparison.Similarity,
			Same:         comparison.Same,
			Threshold:    comparison.Threshold,
			Model:        comparison.Model,
			FamiliarityA: comparison.FamiliarityA,
			FamiliarityB: comparison.FamiliarityB,
			Warning:      comparison.Warning,
		})
	}
	by := fmt.Sprintf("threshold %.2f", comparison.Threshold)
	if c.Model == modelAuto {
		by += ", " + printable(comparison.Model)
	}
	_, err := fmt.Fprintf(s.Out, "%.4f %s (%s)\n", comparison.Similarity, word(comparison.Same), by)
	warn(s.Err, "", comparison.Warning)
	return err
}

// warn tells that a number means little, of which file where one is named; an empty
// warning has nothing to tell.
func warn(out io.Writer, file, warning string) {
	if file != "" {
		file += ": "
	}
	if warning != "" {
		fmt.Fprintf(out, "warning: %s%s\n", file, printable(warning))
	}
}

// printable is a server's text on one line, without what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// word is a verdict for a person.
func word(same bool) string {
	if same {
		return "same"
	}
	return "different"
}
