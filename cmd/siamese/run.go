package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/dial"
	"siamese/imaging"
	"siamese/tfmodel"
)

// version is set by the linker (see Makefile).
var version = "dev"

// cli is the command line: one field a command. Flags can also come from the
// environment, named in the help, and from a JSON file; a flag beats a variable
// beats the file.
type cli struct {
	Config kong.ConfigFlag `help:"A JSON file with values for flags, such as {\"addr\": \":50051\"}." placeholder:"FILE"`

	Serve     serveCommand     `cmd:"" help:"Serve siamese.v1.SiameseService over gRPC."`
	Compare   compareCommand   `cmd:"" help:"Say how alike two images are. Without arguments it asks for them."`
	Rank      rankCommand      `cmd:"" help:"Sort images by how alike they are to one."`
	Train     trainCommand     `cmd:"" help:"Teach the network, on Omniglot or on folders of own classes."`
	Token     tokenCommand     `cmd:"" help:"Make a bearer token for a caller of siamese serve."`
	Worker    workerCommand    `cmd:"" help:"Lend this machine to siamese train on other machines."`
	Head      headCommand      `cmd:"" help:"Teach the head alone, on embeddings that are encoded once."`
	Calibrate calibrateCommand `cmd:"" help:"Make similarities mean probabilities, by the last layer."`
	Eval      evalCommand      `cmd:"" help:"Measure a model: one-shot runs, verification."`
	Model     modelCommand     `cmd:"" help:"Look at a model, or turn it into another form."`
	Export    exportCommand    `cmd:"" help:"Write a model as a SavedModel folder."`
	Devices   devicesCommand   `cmd:"" help:"List the devices that a model can run on."`
	Bench     benchCommand     `cmd:"" help:"Measure encoding, serving and training on this machine."`
	Version   versionCommand   `cmd:"" help:"Print the versions of the program and of TensorFlow."`
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a command line that could not be understood.
type usageError struct{ error }

// run is the program. It returns when the command has ended or ctx is done.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if _, asked := os.LookupEnv("TF_CPP_MIN_LOG_LEVEL"); !asked {
		tfmodel.Quiet()
	}
	var commands cli
	exited := false
	parser, err := kong.New(&commands,
		kong.Name("siamese"),
		kong.Description("How alike two images are, by a VGG16 Siamese network."),
		kong.Configuration(configuration),
		kong.DefaultEnvars("SIAMESE"),
		kong.Writers(stdout, stderr),
		// Help and the like print and want to exit; what follows is not wanted.
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited {
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(streams{in: stdin, out: stdout, err: stderr})
}

// configuration reads flags from a JSON file. kong would let the file beat the
// environment: a flag whose variable is set is left to it.
func configuration(file io.Reader) (kong.Resolver, error) {
	values, err := kong.JSON(file)
	if err != nil {
		return nil, err
	}
	return kong.ResolverFunc(func(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
		for _, variable := range flag.Envs {
			if _, set := os.LookupEnv(variable); set {
				return nil, nil //nolint:nilnil // kong's way to say that there is no value here
			}
		}
		return values.Resolve(ctx, parent, flag)
	}), nil
}

// exitCode tells an error on one line: 2 for a command line that could not be
// understood, 1 for all else.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "siamese: %v\n", err)
	_, isUsage := errors.AsType[usageError](err)
	_, isFlag := errors.AsType[*dial.FlagError](err)
	if isUsage || isFlag {
		return 2
	}
	return 1
}

type versionCommand struct{}

// Run prints the versions.
func (versionCommand) Run(s streams) error {
	_, err := fmt.Fprintf(s.out, "siamese %s, TensorFlow %s, JPEG by %s, %s\n", version, tfmodel.TensorFlowVersion(), imaging.JPEGDecoder, runtime.Version())
	return err
}

// revision is the source's revision, where the build recorded it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return ""
}

type devicesCommand struct{}

// Run prints one device a line. The driver counts GPUs as TensorFlow does, unless
// CUDA_VISIBLE_DEVICES is set: then no model's name is told.
func (devicesCommand) Run(s streams) error {
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
		if _, err := fmt.Fprintf(s.out, "%-8s %6d MiB%s\n", device.Name, device.MemoryBytes>>20, about); err != nil {
			return err
		}
	}
	return nil
}
