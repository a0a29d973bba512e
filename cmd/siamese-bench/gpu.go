package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"siamese/bench"
	"siamese/bench/gpu"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
)

type gpuCommand struct {
	network.ImagingFlags
	network.TrustFlags
	Model   string        `help:"Names the model to encode and serve with. Empty: the built-in one." placeholder:"PATH"`
	Cache   string        `help:"Names the folder that weight files are unpacked to. Empty: the user's cache folder." placeholder:"DIR"`
	Device  string        `help:"Chooses what is measured: gpu:N, auto (the first GPU; without one the command says that and ends) or cpu (a short form, which shows that the parts work)." default:"auto"`
	Parts   string        `help:"Runs only these parts, divided by commas, of: devices, float32, tf32, bfloat16, memory, server, train-float32, train-bfloat16, towers. Empty: all." placeholder:"PART,…"`
	MinTime time.Duration `help:"Measures each figure for at least this long." default:"400ms"`
	Limit   time.Duration `help:"Ends after this time; parts that have not run by then are left out." default:"5m"`
	Output  string        `help:"Names the file to write the figures to, a line of JSON each." default:".bench/gpu.jsonl" placeholder:"FILE"`

	Part string `hidden:"" help:"Runs this part in this process and writes its figures to standard output."`
	Best string `hidden:"" help:"Tells what earlier parts found, as JSON."`
}

// errNoGPU is how the command ends where there is nothing to measure.
var errNoGPU = errors.New("no GPU")

// Run starts each part as a process of its own, or is such a process.
func (c *gpuCommand) Run(ctx context.Context, s cli.Streams) error {
	if c.MinTime <= 0 || c.Limit <= 0 {
		return cli.Usage(fmt.Errorf("--min-time %v and --limit %v, expected both above 0", c.MinTime, c.Limit))
	}
	parts, err := gpu.ParseParts(c.Parts)
	if err != nil {
		return cli.Usage(fmt.Errorf("--parts: %w", err))
	}
	c.Model = cmp.Or(c.Model, builtin.Omniglot)
	if c.Part != "" {
		return c.runPart(ctx, s)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if c.Device == tfmodel.DeviceAuto {
		if c.Device, err = firstGPU(ctx); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(c.Output), 0o755); err != nil {
		return err
	}
	lines, err := os.Create(c.Output)
	if err != nil {
		return err
	}
	best, err := gpu.Check{
		Parts: parts, Limit: c.Limit, Lines: lines, Table: s.Out,
		Command: func(part string, best gpu.Best) []string { return c.command(program, part, best) },
	}.Run(ctx)
	serve, train := best.Flags(c.Device)
	for _, flags := range []string{serve, train} {
		if flags != "" && c.Device != tfmodel.DeviceCPU {
			fmt.Fprintf(s.Out, "best: %s\n", flags)
		}
	}
	return errors.Join(err, lines.Close())
}

// firstGPU asks a process of its own, so that this one takes none of the GPU.
func firstGPU(ctx context.Context) (string, error) {
	program, err := siameseProgram()
	if err != nil {
		return "", err
	}
	var told bytes.Buffer
	command := exec.CommandContext(ctx, program, "devices")
	command.Stdout = &told
	bench.EndWithParent(command)
	output := &bytes.Buffer{}
	command.Stderr = output
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("siamese devices: %w: %s", err, strings.TrimSpace(output.String()))
	}
	for line := range strings.Lines(told.String()) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "gpu:") {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: TensorFlow %s sees only the CPU (--device cpu runs a short form there; TF_CPP_MIN_LOG_LEVEL=0 siamese devices tells why)",
		errNoGPU, tfmodel.TensorFlowVersion())
}

// command starts this program for one part.
func (c *gpuCommand) command(program, part string, best gpu.Best) []string {
	found, err := json.Marshal(best)
	if err != nil {
		found = []byte("{}") // numbers and names: can't be
	}
	return append([]string{
		program, "gpu", "--part=" + part, "--best=" + string(found), "--device=" + c.Device, "--model=" + c.Model,
		"--cache=" + c.Cache, "--resize=" + c.Resize, "--alpha=" + c.Alpha, "--min-time=" + c.MinTime.String(),
	}, c.Arguments()...)
}

// runPart measures one part in this process.
func (c *gpuCommand) runPart(ctx context.Context, s cli.Streams) error {
	b, err := c.bench(ctx)
	if err != nil {
		return err
	}
	return b.Run(ctx, c.Part, s.Out)
}

// bench is what the parts measure.
func (c *gpuCommand) bench(ctx context.Context) (*gpu.Bench, error) {
	source, err := c.ReadSource(ctx, c.Model)
	if err != nil {
		return nil, err
	}
	architecture := source.Card.Architecture
	preparer, err := c.Preparer(architecture)
	if err != nil {
		return nil, err
	}
	b := &gpu.Bench{
		Device: c.Device, Card: c.card, Touch: c.touch, OpenModel: c.openModel, OpenTrainer: openTrainer,
		Server: c.server, MinTime: c.MinTime, ImageFLOP: architecture.EncodeFLOP(),
		Prepare: pixelsBy(preparer),
	}
	if c.Best == "" {
		return b, nil
	}
	return b, json.Unmarshal([]byte(c.Best), &b.Best)
}

func (c *gpuCommand) openModel(ctx context.Context, options gpu.ModelOptions) (gpu.Encoder, error) {
	return c.flags(options).Open(ctx, network.Warnings())
}

// flags are those of the model with options.
func (c *gpuCommand) flags(options gpu.ModelOptions) *modelFlags {
	return &modelFlags{
		ModelFlags: network.ModelFlags{Model: c.Model, RunFlags: network.RunFlags{
			Cache: c.Cache, Device: options.Device, Precision: options.Precision,
			MaxBatch: options.Batch, GPUMemoryFraction: options.MemoryFraction, TrustFlags: c.TrustFlags,
		}},
		ImagingFlags: c.ImagingFlags,
	}
}

// openTrainer trains VGG16 at 105×105 as the built-in model is trained.
func openTrainer(device string, towers []string, precision string) (bench.Learner, error) {
	set, err := tfmodel.Initial(trained, 1)
	if err != nil {
		return nil, err
	}
	trainer, err := tfmodel.NewTrainer(trained, set,
		tfmodel.TrainerConfig{Optimizer: tfmodel.SGD, Momentum: 0.9, PairWeight: 1, ContrastiveWeight: 1},
		tfmodel.Options{Device: device, Towers: towers, Precision: tfmodel.Precision(precision)})
	if err != nil {
		return nil, err
	}
	return network.Trainer{Trainer: trainer}, nil
}

// server is the command line of a server of the model. It keeps no embeddings: it
// is encoding that counts.
func (c *gpuCommand) server(options gpu.ModelOptions) ([]string, error) {
	return c.flags(options).server("--cache-bytes=0")
}

// touch has TensorFlow open the device.
func (c *gpuCommand) touch() error {
	devices, err := tfmodel.Devices()
	if err != nil {
		return err
	}
	for _, device := range devices {
		if device.Name == c.Device {
			return nil
		}
	}
	return fmt.Errorf("%w: TensorFlow %s sees no %s", errNoGPU, tfmodel.TensorFlowVersion(), c.Device)
}

// card is what is known of the device.
func (c *gpuCommand) card() gpu.Card {
	lines := [][2]string{{"TensorFlow", tfmodel.TensorFlowVersion()}}
	var number int
	if _, err := fmt.Sscanf(c.Device, "gpu:%d", &number); err != nil {
		return gpu.Card{Lines: lines}
	}
	for _, library := range tfmodel.GPULibraries() {
		lines = append(lines, [2]string{library.Name, fmt.Sprint(library.Version)})
	}
	found, ok := tfmodel.ReadGPU(number)
	if !ok {
		return gpu.Card{Lines: lines}
	}
	lines = append(lines, [2]string{"driver", found.Driver}, [2]string{"compute capability", found.ComputeCapability})
	return gpu.Card{Name: found.Name, Lines: lines, UsedBytes: found.UsedBytes, TotalBytes: found.TotalBytes}
}
