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
	All   benchAllCommand   `cmd:"" default:"withargs" help:"Measure everything (the default)."`
	Serve benchServeCommand `cmd:"" help:"Measure encoding, and a server process against the same work in this one."`
	Train benchTrainCommand `cmd:"" help:"Measure training steps and what feeds them, and compare with Keras."`
}

// benchOutput is where results go.
type benchOutput struct {
	Output string `help:"Where to write the results as JSON." default:".bench/results.json" placeholder:"FILE"`
}

// write prints a table and writes the results.
func (o benchOutput) write(s streams, rows []bench.Row) error {
	if err := bench.WriteTable(s.out, rows); err != nil {
		return err
	}
	return bench.WriteJSON(o.Output, rows)
}

type benchAllCommand struct {
	benchOutput
	benchServeFlags
	benchTrainFlags
}

// Run measures both parts, one after the other.
func (c *benchAllCommand) Run(ctx context.Context, s streams) error {
	served, err := c.benchServeFlags.rows(ctx, s)
	if err != nil {
		return err
	}
	trained, err := c.benchTrainFlags.rows(ctx, c.Device, s)
	if err != nil {
		return err
	}
	return c.write(s, append(served, trained...))
}

type benchServeCommand struct {
	benchOutput
	benchServeFlags
}

// Run measures this program on this machine with two drawings of 105×105
// pixels.
func (c *benchServeCommand) Run(ctx context.Context, s streams) error {
	rows, err := c.rows(ctx, s)
	if err != nil {
		return err
	}
	return c.write(s, rows)
}

// benchServeFlags choose what is served.
type benchServeFlags struct {
	modelFlags
	imagingFlags
}

func (c *benchServeFlags) rows(ctx context.Context, s streams) ([]bench.Row, error) {
	model, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.measure(ctx, model, s)
	return rows, errors.Join(err, model.Close())
}

func (c *benchServeFlags) measure(ctx context.Context, model *openModel, s streams) ([]bench.Row, error) {
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
		Command:  []string{program, "serve", "--model=" + c.Model, "--cache=" + c.Cache, "--device=" + c.Device, "--http-addr=", "--addr"},
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
