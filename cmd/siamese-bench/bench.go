package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"

	"siamese/bench"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/imaging"
	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
)

// output is where results go.
type output struct {
	Output string `help:"Names the file to write the results to, as JSON." default:".bench/results.json" placeholder:"FILE"`
}

// write prints a table and writes the results.
func (o output) write(s cli.Streams, rows []bench.Row) error {
	if err := bench.WriteTable(s.Out, rows); err != nil {
		return err
	}
	return bench.WriteJSON(o.Output, rows)
}

type allCommand struct {
	output
	modelFlags
	liveFlags
	kerasFlags
	Gallery galleryFlags `embed:"" prefix:"gallery-"`
}

// Run measures all parts, one after the other.
func (c *allCommand) Run(ctx context.Context, s cli.Streams) error {
	named := c.modelFlags // before one is chosen where none is named
	served, err := c.rows(ctx, s, measureServing, measureFronts, c.speedPart(&c.modelFlags), c.live)
	if err != nil {
		return err
	}
	galleries, err := c.Gallery.measure(ctx, named, s)
	if err != nil {
		return err
	}
	trained, err := c.training(ctx, c.Device, s)
	if err != nil {
		return err
	}
	return c.write(s, slices.Concat(served, galleries, trained))
}

// modelFlags choose what is served.
type modelFlags struct {
	network.ModelFlags
	network.ImagingFlags
}

// choose fills in what is measured where no model is named: one alone, and the one
// that earlier figures are of.
func (c *modelFlags) choose() { c.Model = cmp.Or(c.Model, builtin.Omniglot) }

// servingPart measures one thing with a model that is open in this process.
type servingPart func(context.Context, bench.Serving) ([]bench.Row, error)

func measureServing(ctx context.Context, serving bench.Serving) ([]bench.Row, error) {
	return serving.Run(ctx)
}

func measureFronts(ctx context.Context, serving bench.Serving) ([]bench.Row, error) {
	return serving.Fronts(ctx)
}

type frontsCommand struct {
	output
	modelFlags
}

// Run measures other servers' protocols alone.
func (c *frontsCommand) Run(ctx context.Context, s cli.Streams) error {
	rows, err := c.rows(ctx, s, measureFronts)
	if err != nil {
		return err
	}
	return c.write(s, rows)
}

// rows opens the model and measures one part after the other.
func (c *modelFlags) rows(ctx context.Context, s cli.Streams, parts ...servingPart) (rows []bench.Row, err error) {
	c.choose()
	model, err := c.Open(ctx, network.Warnings())
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

// serving is what is measured: the model, two of its golden pictures, and a process
// of siamese as the server. It keeps no embeddings: it is encoding that counts.
func (c *modelFlags) serving(model *network.Model, s cli.Streams) (bench.Serving, error) {
	preparer, err := c.Preparer(model.Card().Architecture)
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
		Prepare:   pixelsBy(preparer),
		A:         a,
		B:         b,
		Command:   command,
		Progress:  s.Err,
	}, nil
}

// pixelsBy turns image files into the network's input.
func pixelsBy(preparer *imaging.Preparer) bench.Preparer {
	return func(encoded []byte) ([]byte, error) {
		picture, err := preparer.Prepare(encoded)
		if err != nil {
			return nil, err
		}
		return picture.Pix, nil
	}
}

// server is the command line of a server of the model, with more flags; the address
// is to be appended.
func (c *modelFlags) server(flags ...string) ([]string, error) {
	program, err := siameseProgram()
	if err != nil {
		return nil, err
	}
	command := []string{
		program, "serve", "--model=" + c.Model, "--cache=" + c.Cache, "--device=" + c.Device, "--precision=" + c.Precision,
		fmt.Sprintf("--gpu-memory-fraction=%v", c.GPUMemoryFraction), fmt.Sprintf("--intra-threads=%d", c.IntraThreads),
		fmt.Sprintf("--inter-threads=%d", c.InterThreads), fmt.Sprintf("--max-batch=%d", c.MaxBatch),
		"--resize=" + c.Resize, "--alpha=" + c.Alpha, "--http-addr=",
	}
	return append(append(append(command, c.Arguments()...), flags...), "--addr"), nil
}

// goldenFiles are the PNG files of the first golden pair of the built-in model for
// handwriting.
func goldenFiles() (a, b []byte, err error) {
	source, err := tfmodel.ReadSource(context.Background(), builtin.Omniglot, tfmodel.Trust{})
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

type liveCommand struct {
	output
	modelFlags
	liveFlags
}

// Run measures the live loop on this machine.
func (c *liveCommand) Run(ctx context.Context, s cli.Streams) error {
	rows, err := c.rows(ctx, s, c.live)
	if err != nil {
		return err
	}
	return c.write(s, rows)
}

// liveFlags choose the client of the live loop.
type liveFlags struct {
	Webcam string `help:"Names the webcam client to measure the live loop with; 'make webcam' builds the default one." default:"bin/siamese-webcam" placeholder:"PROGRAM"`
}

// live measures the live loop. There are no rows, and the reason is printed,
// where there is no client that runs.
func (f liveFlags) live(ctx context.Context, serving bench.Serving) ([]bench.Row, error) {
	if reason := f.noWebcam(ctx); reason != "" {
		fmt.Fprintf(serving.Progress, "bench: no live loop: %s\n", reason)
		return nil, nil
	}
	return bench.Live{Serving: serving, Webcam: f.Webcam}.Run(ctx)
}

// noWebcam says why the client can't be run, empty where it can: it may be
// missing, built without OpenCV, or not find OpenCV's libraries.
func (f liveFlags) noWebcam(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, f.Webcam, "--help").CombinedOutput()
	if err == nil {
		return ""
	}
	reason := fmt.Sprintf("%s: %v", f.Webcam, err)
	if said := strings.TrimSpace(string(out)); said != "" {
		reason += ": " + said
	}
	return reason + " ('make webcam' builds one)"
}
