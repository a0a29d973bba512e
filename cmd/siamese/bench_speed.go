package main

import (
	"context"
	"errors"
	"os"

	"siamese/bench"
	"siamese/imaging"
	"siamese/tfmodel"
)

type benchSpeedCommand struct {
	benchOutput
	benchModelFlags
	benchKerasFlags
}

// Run measures this program on this machine.
func (c *benchSpeedCommand) Run(ctx context.Context, s streams) error {
	rows, err := c.rows(ctx, s, measureServing, c.speedPart(&c.benchModelFlags))
	if err != nil {
		return err
	}
	return c.write(s, rows)
}

// What decoding and resizing a JPEG of 640×480 may take in ms, by the decoder.
const (
	decodeBar      = 6
	decodeBarTurbo = 2
)

// jpegBar is the bar of the decoder that this program was built with.
func jpegBar() float64 {
	if imaging.JPEGDecoder == "libturbojpeg" {
		return decodeBarTurbo
	}
	return decodeBar
}

// speedPart holds a server of the model against this process and against Keras.
func (f benchKerasFlags) speedPart(model *benchModelFlags) servingPart {
	return func(ctx context.Context, serving bench.Serving) (rows []bench.Row, err error) {
		dir, err := os.MkdirTemp("", "siamese-bench-")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		source, err := readSource(ctx, model.Model)
		if err != nil {
			return nil, err
		}
		keras, err := f.kerasCommand(dir, model.Device, source.Weights, serving.Progress)
		if err != nil {
			return nil, err
		}
		caching, err := model.server()
		if err != nil {
			return nil, err
		}
		speed := bench.Speed{Serving: serving, Caching: caching, Keras: keras, DecodeBar: jpegBar()}
		half := *model
		half.Precision = string(tfmodel.AutoPrecision)
		opened, err := half.open(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, opened.Close()) }()
		if opened.Precision() == tfmodel.BFloat16 {
			speed.Half = opened
		}
		return speed.Run(ctx)
	}
}
