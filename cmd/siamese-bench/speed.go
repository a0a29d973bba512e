package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"siamese/bench"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/imaging"
	"siamese/tfmodel"
)

type speedCommand struct {
	output
	modelFlags
	kerasFlags
}

// Run measures this program on this machine.
func (c *speedCommand) Run(ctx context.Context, s cli.Streams) error {
	rows, err := c.rows(ctx, s, measureServing, c.speedPart(&c.modelFlags))
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

// speedPart holds a server of the model against this process, float32 against
// bfloat16, and both against Keras.
func (f kerasFlags) speedPart(flags *modelFlags) servingPart {
	return func(ctx context.Context, serving bench.Serving) (rows []bench.Row, err error) {
		speed := bench.Speed{Serving: serving, DecodeBar: jpegBar()}
		if speed.Caching, err = flags.server(); err != nil {
			return nil, err
		}
		if serving.Precision != string(tfmodel.Float32Precision) {
			fmt.Fprintf(serving.Progress, "bench: neither Keras nor bfloat16 is compared with: the model computes in %s, expected float32\n", serving.Precision)
			return speed.Run(ctx)
		}
		dir, err := os.MkdirTemp("", "siamese-bench-")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		source, err := flags.ReadSource(ctx, flags.Model)
		if err != nil {
			return nil, err
		}
		if speed.Keras, err = f.kerasCommand(dir, flags.Device, source.Weights, serving.Progress); err != nil {
			return nil, err
		}
		half := *flags
		half.Precision = string(tfmodel.AutoPrecision)
		opened, err := half.Open(ctx, network.Warnings())
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
