// Package strokes is `siamese eval strokes`: it tells how well strokes stand for drawings.
package strokes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/strokes"
)

// Command is `siamese eval strokes`.
type Command struct {
	Path       string   `arg:"" help:"The drawings: a folder or zip of alphabet/character/image."`
	StrokeData []string `help:"Names folders and zip files of recorded strokes, as for train. Empty: all are traced." placeholder:"PATH"`
	Side       int      `help:"Sets height and width of the pictures, in pixels." default:"105"`
	Sheet      string   `help:"Draws a sheet into this PNG file: some characters, their strokes in colours, drawn again, and their twins under the names of the operations. Empty: none." placeholder:"FILE"`
	Characters int      `help:"Sets how many characters --sheet shows." default:"14"`
	JSON       bool     `help:"Prints a JSON object."`

	datasets.HeldFlags
}

// findings are what was found of drawings' strokes.
type findings struct {
	Drawings int            `json:"drawings"`
	Recorded int            `json:"recorded"`
	Traced   int            `json:"traced"`
	Without  int            `json:"without"`
	Twins    int            `json:"twins"`
	LeftOut  int            `json:"twins_left_out"`
	By       map[string]int `json:"twins_by_operation"`
	// Of traced strokes of all drawings, and of those alone that were recorded, too.
	Tracing         coverage `json:"tracing"`
	TracingRecorded coverage `json:"tracing_recorded"`
	Recording       coverage `json:"recording"` // of the recorded strokes
}

// coverage is how well drawings that are drawn by their strokes fit the originals.
type coverage struct {
	Drawings int     `json:"drawings"`
	Covered  float64 `json:"covered"` // share of the original's ink with ink within a pixel, on average
	On       float64 `json:"on"`      // share of the ink that is drawn with the original's within a pixel
	Least    float64 `json:"least"`   // of covered, of a single drawing
}

// add takes a drawing in; mean makes means of the sums.
func (c *coverage) add(covered, on float64) {
	if c.Drawings == 0 {
		c.Least = 1
	}
	c.Drawings++
	c.Covered, c.On, c.Least = c.Covered+covered, c.On+on, min(c.Least, covered)
}

func (c *coverage) mean() {
	count := float64(max(c.Drawings, 1))
	c.Covered, c.On = c.Covered/count, c.On/count
}

// Run tells how well strokes stand for the drawings and what is made of them.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	if err := cli.NotNegative(*c); err != nil {
		return cli.Usage(err)
	}
	recorded, err := datasets.OpenStrokes(ctx, c.StrokeData)
	if err != nil {
		return err
	}
	return c.WithData(ctx, c.Path, c.Side, func(data *dataset.Dataset) error {
		data, report, err := data.WithStrokes(ctx, dataset.StrokesConfig{Recorded: recorded, Twins: datasets.TwinsPerClass, Seed: c.Seed})
		if err != nil {
			return err
		}
		result := findings{
			Drawings: datasets.CountImages(data), Recorded: report.Recorded, Traced: report.Traced, Without: report.Without,
			Twins: report.Twins, LeftOut: report.Refused, By: map[string]int{},
		}
		for operation, count := range report.ByOperation {
			result.By[operation.String()] = count
		}
		if err := result.measure(ctx, data, recorded); err != nil {
			return err
		}
		if err := c.sheet(data); err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(s.Out).Encode(result)
		}
		return result.print(s.Out)
	})
}

// fit is how well one drawing's strokes cover it.
type fit struct {
	ok, isRecorded                           bool
	covered, on, recordedCovered, recordedOn float64
}

// measure draws each drawing by its strokes.
func (r *findings) measure(ctx context.Context, data *dataset.Dataset, recorded *strokes.Library) error {
	var all []dataset.Image
	for _, class := range data.Classes() {
		all = append(all, class.Images...)
	}
	fits := make([]fit, len(all))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, image := range all {
		group.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				fits[i], err = fitOf(data, image, recorded)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, f := range fits {
		if f.ok {
			r.Tracing.add(f.covered, f.on)
		}
		if f.isRecorded {
			r.TracingRecorded.add(f.covered, f.on)
			r.Recording.add(f.recordedCovered, f.recordedOn)
		}
	}
	for _, c := range []*coverage{&r.Tracing, &r.TracingRecorded, &r.Recording} {
		c.mean()
	}
	return nil
}

// fitOf traces a drawing and draws it, and by its recorded strokes where there are any.
func fitOf(data *dataset.Dataset, image dataset.Image, recorded *strokes.Library) (fit, error) {
	picture, err := data.Picture(image)
	if err != nil {
		return fit{}, err
	}
	pixels := grayOf(picture)
	traced, pen, ok := strokes.Trace(pixels, picture.Width, picture.Height)
	if !ok {
		return fit{}, nil
	}
	cover := func(d strokes.Drawing) (covered, on float64) {
		drawn := strokes.Pen{Width: pen}.Draw(strokes.Parts(d), picture.Width, picture.Height)
		return strokes.Coverage(pixels, drawn, picture.Width, picture.Height)
	}
	f := fit{ok: true}
	f.covered, f.on = cover(traced)
	if path, known := recorded.Find(image.Name); known {
		f.isRecorded = true
		f.recordedCovered, f.recordedOn = cover(path)
	}
	return f, nil
}

// grayOf is the first channel of a picture.
func grayOf(p *imaging.Picture) []byte {
	gray := make([]byte, len(p.Pix)/3)
	for i := range gray {
		gray[i] = p.Pix[3*i]
	}
	return gray
}

func (r *findings) print(w io.Writer) error {
	fmt.Fprintf(w, "strokes of %d drawings: %d recorded, %d traced, %d show no lines\n", r.Drawings, r.Recorded, r.Traced, r.Without)
	for _, line := range []struct {
		of string
		coverage
	}{{"traced", r.Tracing}, {"traced, of those recorded", r.TracingRecorded}, {"recorded", r.Recording}} {
		if line.Drawings > 0 {
			fmt.Fprintf(w, "%s: drawn by their strokes, %d drawings cover %.2f %% of their ink (at least %.1f %%), and %.2f %% of what is drawn lies on it, within a pixel\n",
				line.of, line.Drawings, 100*line.Covered, 100*line.Least, 100*line.On)
		}
	}
	fmt.Fprintf(w, "%d twins; %d others are left out: they look like a class of their alphabet or like one another, or fit too few drawings\n", r.Twins, r.LeftOut)
	for _, operation := range strokes.Operations() {
		fmt.Fprintf(w, "%-10s %6d\n", operation, r.By[operation.String()])
	}
	return nil
}
