package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"siamese/bench"
	"siamese/tfmodel"
)

type benchCommand struct {
	All   benchAllCommand   `cmd:"" default:"withargs" help:"Measure everything and hold it against the bars (the default)."`
	Serve benchServeCommand `cmd:"" help:"Send calls to a server, in a closed loop or at a rate, and tell throughput and latency."`
	Speed benchSpeedCommand `cmd:"" help:"Measure encoding, and a server process against the same work in this one."`
	Live  benchLiveCommand  `cmd:"" help:"Measure the webcam client against a server process."`
	GPU   benchGPUCommand   `cmd:"" name:"gpu" help:"Tell all about a GPU in five minutes: agreement with the CPU, speed, memory, serving, training."`
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
	benchModelFlags
	benchLiveFlags
	benchKerasFlags
}

// Run measures all parts, one after the other.
func (c *benchAllCommand) Run(ctx context.Context, s streams) error {
	served, err := c.rows(ctx, s, measureServing, c.speedPart(&c.benchModelFlags), c.live)
	if err != nil {
		return err
	}
	trained, err := c.training(ctx, c.Device, s)
	if err != nil {
		return err
	}
	return c.write(s, append(served, trained...))
}

// benchModelFlags choose what is served.
type benchModelFlags struct {
	modelFlags
	imagingFlags
}

// servingPart measures one thing with a model that is open in this process.
type servingPart func(context.Context, bench.Serving) ([]bench.Row, error)

func measureServing(ctx context.Context, serving bench.Serving) ([]bench.Row, error) {
	return serving.Run(ctx)
}

// rows opens the model and measures one part after the other.
func (c *benchModelFlags) rows(ctx context.Context, s streams, parts ...servingPart) (rows []bench.Row, err error) {
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
func (c *benchModelFlags) serving(model *openModel, s streams) (bench.Serving, error) {
	preparer, err := c.preparer(model.Card().Architecture)
	if err != nil {
		return bench.Serving{}, err
	}
	a, b, err := goldenFiles()
	if err != nil {
		return bench.Serving{}, err
	}
	command, err := c.server("--cache-bytes=0")
	if err != nil {
		return bench.Serving{}, err
	}
	return bench.Serving{
		Encoder:   model,
		Precision: string(model.Precision()),
		Prepare: func(encoded []byte) ([]byte, error) {
			picture, err := preparer.Prepare(encoded)
			if err != nil {
				return nil, err
			}
			return picture.Pix, nil
		},
		A:        a,
		B:        b,
		Command:  command,
		Progress: s.err,
	}, nil
}

// server starts this program as a server of the model, with more flags; the
// address is to be appended.
func (c *benchModelFlags) server(flags ...string) ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{
		program, "serve", "--model=" + c.Model, "--cache=" + c.Cache, "--device=" + c.Device, "--precision=" + c.Precision,
		fmt.Sprintf("--gpu-memory-fraction=%v", c.GPUMemoryFraction), fmt.Sprintf("--intra-threads=%d", c.IntraThreads),
		fmt.Sprintf("--inter-threads=%d", c.InterThreads), fmt.Sprintf("--max-batch=%d", c.MaxBatch),
		"--resize=" + c.Resize, "--alpha=" + c.Alpha, "--http-addr=",
	}
	return append(append(command, flags...), "--addr"), nil
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
