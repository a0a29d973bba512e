// Package model is the commands that look at a model or turn it into another form:
// `siamese model`, `siamese models`, `siamese export` and `siamese devices`.
package model

import (
	"fmt"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/tfmodel"
)

// Command looks at models and turns them from one form into another.
type Command struct {
	Info   infoCommand   `cmd:"" help:"Say what a model is."`
	Import importCommand `cmd:"" help:"Turn a weight file of Keras or a SavedModel folder into safetensors."`
	Export exportCommand `cmd:"" help:"Write a model in another form."`
}

// DevicesCommand is `siamese devices`.
type DevicesCommand struct{}

// Run prints one device a line. The driver counts GPUs as TensorFlow does, unless
// CUDA_VISIBLE_DEVICES is set: then no model's name is told.
func (DevicesCommand) Run(s cli.Streams) error {
	devices, err := tfmodel.Devices()
	if err != nil {
		return err
	}
	_, renumbered := os.LookupEnv("CUDA_VISIBLE_DEVICES")
	for _, device := range devices {
		about := ""
		var number int
		if _, err := fmt.Sscanf(device.Name, "gpu:%d", &number); err == nil && !renumbered {
			if gpu, ok := tfmodel.ReadGPU(number); ok {
				about = fmt.Sprintf("  %s, compute capability %s, driver %s", gpu.Name, gpu.ComputeCapability, gpu.Driver)
			}
		}
		if _, err := fmt.Fprintf(s.Out, "%-8s %6d MiB%s\n", device.Name, device.MemoryBytes>>20, about); err != nil {
			return err
		}
	}
	return nil
}
