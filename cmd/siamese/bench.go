package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"siamese/bench"
	"siamese/tfmodel"
)

type benchCommand struct {
	Output string `help:"Where to write the results as JSON." default:".bench/results.json" placeholder:"FILE"`

	modelFlags
	imagingFlags
}

// Run measures this program on this machine with two drawings of 105×105
// pixels, prints a table and writes the results.
func (c *benchCommand) Run(ctx context.Context, s streams) error {
	model, err := c.open(ctx)
	if err != nil {
		return err
	}
	rows, err := c.measure(ctx, model, s)
	if err = errors.Join(err, model.Close()); err != nil {
		return err
	}
	if err := bench.WriteTable(s.out, rows); err != nil {
		return err
	}
	return bench.WriteJSON(c.Output, rows)
}

func (c *benchCommand) measure(ctx context.Context, model *openModel, s streams) ([]bench.Row, error) {
	preparer, err := c.preparer(model.Card().Architecture)
	if err != nil {
		return nil, err
	}
	a, b, err := goldenFiles()
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return bench.Serving{
		Encoder: model,
		Prepare: func(encoded []byte) ([]byte, error) {
			picture, err := preparer.Prepare(encoded)
			if err != nil {
				return nil, err
			}
			return picture.Pix, nil
		},
		A:        a,
		B:        b,
		Command:  []string{program, "serve", "--model=" + c.Model, "--cache=" + c.Cache, "--device=" + c.Device, "--addr"},
		Progress: s.err,
	}.Run(ctx)
}

// goldenFiles are the PNG files of the built-in model's first golden pair.
func goldenFiles() (a, b []byte, err error) {
	source, err := tfmodel.ReadSource("")
	if err != nil {
		return nil, nil, err
	}
	pair := source.Card.GoldenPairs[0]
	if a, err = fs.ReadFile(source.Pictures, pair.A); err != nil {
		return nil, nil, err
	}
	b, err = fs.ReadFile(source.Pictures, pair.B)
	return a, b, err
}
