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
	Live  benchLiveCommand  `cmd:"" help:"Measure the webcam client against a server process."`
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
	benchLiveFlags
	benchTrainFlags
}

// Run measures all parts, one after the other.
func (c *benchAllCommand) Run(ctx context.Context, s streams) error {
	served, err := c.benchServeFlags.rows(ctx, s, measureServing, c.live)
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
	rows, err := c.rows(ctx, s, measureServing)
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

// servingPart measures one thing with a model that is open in this process.
type servingPart func(context.Context, bench.Serving) ([]bench.Row, error)

func measureServing(ctx context.Context, serving bench.Serving) ([]bench.Row, error) {
	return serving.Run(ctx)
}

// rows opens the model and measures one part after the other.
func (c *benchServeFlags) rows(ctx context.Context, s streams, parts ...servingPart) (rows []bench.Row, err error) {
	model, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	serving, err := c.serving(model, s)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		measured, err := part(ctx, serving)
		if err != nil {
			return nil, err
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}

// serving is what is measured: the model, two of its golden pictures, and this
// program as the server. It keeps no embeddings: it is encoding that counts.
func (c *benchServeFlags) serving(model *openModel, s streams) (bench.Serving, error) {
	preparer, err := c.preparer(model.Card().Architecture)
	if err != nil {
		return bench.Serving{}, err
	}
	a, b, err := goldenFiles()
	if err != nil {
		return bench.Serving{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return bench.Serving{}, err
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
		Command:  []string{program, "serve", "--model=" + c.Model, "--cache=" + c.Cache, "--device=" + c.Device, "--http-addr=", "--cache-bytes=0", "--addr"},
		Progress: s.err,
	}, nil
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
