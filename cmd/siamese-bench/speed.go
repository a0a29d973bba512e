package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"siamese/bench"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/imaging"
	"siamese/tfmodel"
	"siamese/weights"
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

// kerasScript is run from the repository root.
const kerasScript = "scripts/keras_bench.py"

// kerasFlags choose what is compared with.
type kerasFlags struct {
	Keras string `help:"Names a Python with Keras to compare with, from the repository root; 'make parity' makes the default one." default:".venv/bin/python" placeholder:"PYTHON"`
}

// kerasCommand starts Keras on the same weights. It is nil, and the reason is
// printed, where there is nothing to compare with.
func (f kerasFlags) kerasCommand(dir, device string, set *weights.Set, log io.Writer) ([]string, error) {
	if reason := f.noKeras(device); reason != "" {
		fmt.Fprintf(log, "bench: no comparison with Keras: %s\n", reason)
		return nil, nil
	}
	var file bytes.Buffer
	if err := weights.WriteSafetensors(&file, set, weights.Float32, nil); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "weights.safetensors")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return []string{f.Keras, kerasScript, "--weights", path}, nil
}

// noKeras says why there is nothing to compare with, empty where there is.
func (f kerasFlags) noKeras(device string) string {
	for _, path := range []string{f.Keras, kerasScript} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Sprintf("%v ('make parity' makes .venv; run from the repository root)", err)
		}
	}
	devices, err := tfmodel.Devices()
	if err != nil {
		return err.Error()
	}
	for _, found := range devices {
		if device != tfmodel.DeviceCPU && strings.HasPrefix(found.Name, "gpu") {
			return "it runs on the CPU and this program on " + found.Name + "; --device cpu compares"
		}
	}
	return ""
}
