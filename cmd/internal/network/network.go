// Package network holds the flags that choose a model and say how images are
// prepared for it, and opens what they choose.
package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/alecthomas/kong"

	"siamese"
	"siamese/cmd/internal/cli"
	"siamese/imaging"
	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
	"siamese/train"
	"siamese/weights"
)

// ModelFlags choose the model and where it runs.
type ModelFlags struct {
	Model string `help:"Names the model: a SavedModel folder, a folder of numbered versions, or a weight file (safetensors or Keras HDF5), or a built-in model by its name, general or omniglot. Empty: general; in siamese compare and rank, as auto, the built-in one to which the images are the most familiar; in siamese-bench omniglot." placeholder:"PATH"`

	RunFlags
}

// BuiltInModel is a model that the program brings along.
type BuiltInModel struct {
	Name string // by which it is asked for
	Path string // by which [RunFlags.OpenPath] and tfmodel.ReadSource open it
}

// BuiltIn lists the models that the program brings along, in the order in which they
// are served.
func BuiltIn() []BuiltInModel {
	var all []BuiltInModel
	for _, model := range builtin.All() {
		all = append(all, BuiltInModel{Name: model.Name, Path: model.Name})
	}
	return all
}

// RunFlags choose where models run.
type RunFlags struct {
	Cache             string  `help:"Names the folder that weight files are unpacked to while they are loaded; nothing stays there. Empty: the system's temporary folder, or the user's cache folder where that can't be written." placeholder:"DIR"`
	Device            string  `help:"Chooses where the model runs: cpu, gpu:N, or auto, the first GPU, else the CPU." default:"auto"`
	GPUMemoryFraction float64 `help:"Limits the share of the GPU's memory to take, 0 to 1. 0: what is needed, as it is needed." default:"0"`
	IntraThreads      int     `help:"Sets the threads within an operation. 0: one a core." default:"0"`
	InterThreads      int     `help:"Sets how many operations run side by side. 0: one a core." default:"0"`
	Precision         string  `help:"Chooses what convolutions are computed in: float32, tf32 (a GPU's tensor cores, 10 bits of fraction), bfloat16, or auto: the fastest in which the model's golden pairs hold, of bfloat16 and tf32 on a GPU of compute capability 8.0 or newer and bfloat16 on a CPU with AVX512-BF16 or AMX, else float32." enum:"float32,tf32,bfloat16,auto" default:"float32"`
	MaxBatch          int     `help:"Limits the images in one run of the encoder. 0: 8 on a CPU, 128 on a GPU." default:"0"`

	TrustFlags
}

// TrustFlags say which models are taken.
type TrustFlags struct {
	ModelDigest []string `help:"Refuses a model whose digest, as 'siamese model info' prints it, is not this; may be repeated, such as for versions. Empty: any model is taken." placeholder:"DIGEST" sep:"none"`
	AllowAnyOp  bool     `help:"Runs SavedModels with any operations, which can do whatever this program can, such as write files. Without it only what this network needs is run." name:"allow-any-op"`
}

// Trust translates the flags. What is allowed is logged as a warning.
func (f TrustFlags) Trust(logger *slog.Logger) tfmodel.Trust {
	if f.AllowAnyOp {
		logger.Warn("any operation is allowed: a SavedModel can do whatever this program can")
	}
	return tfmodel.Trust{Digests: f.ModelDigest, AllowAnyOp: f.AllowAnyOp}
}

// Arguments are the flags as another process takes them.
func (f TrustFlags) Arguments() []string {
	arguments := []string{fmt.Sprintf("--allow-any-op=%t", f.AllowAnyOp)}
	for _, digest := range f.ModelDigest {
		arguments = append(arguments, "--model-digest="+digest)
	}
	return arguments
}

// ImagingFlags say how pictures are prepared.
type ImagingFlags struct {
	Resize string `help:"Chooses how pictures come to the network's size: shorter-side (and centre crop) or letterbox." enum:"shorter-side,letterbox" default:"shorter-side"`
	Alpha  string `help:"Chooses what becomes of transparency: white (put on white) or drop (the hidden colours show)." enum:"white,drop" default:"white"`
}

// PictureFlags say how pictures of one's own are prepared.
type PictureFlags struct {
	ImagingFlags
	LimitFlags
}

// LimitFlags bound what pictures may cost. The zero value bounds by the defaults.
type LimitFlags struct {
	MaxImageBytes  int `help:"Limits the bytes of a picture file; a larger one is refused. 0: 134217728 (128 MiB)." default:"0"`
	MaxImagePixels int `help:"Limits the pixels of a picture; a larger one is refused. 0: 256000000." default:"0"`
}

// Limits translate the flags.
func (f LimitFlags) Limits() imaging.Limits {
	return imaging.Limits{MaxBytes: f.MaxImageBytes, MaxPixels: f.MaxImagePixels}
}

// Validate implements kong's hook.
func (f LimitFlags) Validate() error {
	if f.MaxImageBytes < 0 || f.MaxImagePixels < 0 {
		return fmt.Errorf("--max-image-bytes %d, --max-image-pixels %d: expected 0 (the default) or more", f.MaxImageBytes, f.MaxImagePixels)
	}
	return nil
}

// Options translate the flags; warnings go to logger.
func (f RunFlags) Options(logger *slog.Logger) tfmodel.Options {
	return tfmodel.Options{
		Device:            f.Device,
		GPUMemoryFraction: f.GPUMemoryFraction,
		IntraThreads:      f.IntraThreads,
		InterThreads:      f.InterThreads,
		MaxRunImages:      f.MaxBatch,
		Precision:         tfmodel.Precision(f.Precision),
		Trust:             f.Trust(logger),
	}
}

// Open loads the model. Warnings go to logger. The caller closes what is returned.
func (f ModelFlags) Open(ctx context.Context, logger *slog.Logger) (*Model, error) {
	return f.OpenPath(ctx, f.Model, logger)
}

// OpenPath loads the model at path, the built-in one where that is empty. Warnings go
// to logger. The caller closes what is returned.
func (f RunFlags) OpenPath(ctx context.Context, path string, logger *slog.Logger) (*Model, error) {
	model, err := tfmodel.Scratch{Dir: f.Cache, Log: logger}.Open(ctx, path, f.Options(logger))
	if err != nil {
		return nil, err
	}
	return &Model{model}, nil
}

// Warnings writes to standard error, for commands without a log of their own.
func Warnings() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// With opens the model for the time of a call. Warnings go to standard error.
func (f ModelFlags) With(ctx context.Context, use func(*Model) error) error {
	model, err := f.Open(ctx, Warnings())
	if err != nil {
		return err
	}
	return errors.Join(use(model), model.Close())
}

// Model is a model with what the commands say of it.
type Model struct{ *tfmodel.Model }

// LogPrecision logs what the model computes in and why, where that was left to it.
func (m *Model) LogPrecision(logger *slog.Logger) {
	if reason := m.PrecisionReason(); reason != "" {
		logger.Info("precision chosen", "precision", m.Precision(), "reason", reason)
	}
}

// Rule translates --resize, whose values kong has checked.
func (f ImagingFlags) Rule() imaging.Rule {
	if f.Resize == imaging.Letterbox.String() {
		return imaging.Letterbox
	}
	return imaging.ShorterSide
}

// Transparency translates --alpha.
func (f ImagingFlags) Transparency() imaging.Alpha {
	if f.Alpha == imaging.DropAlpha.String() {
		return imaging.DropAlpha
	}
	return imaging.CompositeWhite
}

// Preparer prepares pictures of one's own for a model.
func (f ImagingFlags) Preparer(architecture tfmodel.Architecture) (*imaging.Preparer, error) {
	preparer, err := imaging.New(imaging.Config{
		Width:  architecture.Width,
		Height: architecture.Height,
		Rule:   f.Rule(),
		Alpha:  f.Transparency(),
		Limits: siamese.DefaultLimits(),
	})
	if err != nil {
		return nil, fmt.Errorf("model's input: %w", err)
	}
	return preparer, nil
}

// Trainer makes a tfmodel.Trainer a train.Model.
type Trainer struct{ *tfmodel.Trainer }

// Step converts between the two packages' names for the same thing.
func (t Trainer) Step(ctx context.Context, batch train.Batch, learningRate float64) (train.Losses, error) {
	result, err := t.Trainer.Step(ctx, tfmodel.TrainBatch(batch), learningRate)
	return train.Losses(result), err
}

// Teachers makes tfmodel.Teachers a train.Teacher.
type Teachers struct{ *tfmodel.Teachers }

// Teach converts between the two packages' names for the same thing.
func (t Teachers) Teach(ctx context.Context, pixels []byte, a, b []int32) (train.Lesson, error) {
	lesson, err := t.Teachers.Teach(ctx, pixels, a, b)
	return train.Lesson(lesson), err
}

// ReadSource reads a model in any of its forms; an empty path is the built-in one.
// Warnings go to standard error.
func (f TrustFlags) ReadSource(ctx context.Context, path string) (tfmodel.Source, error) {
	trust := f.Trust(Warnings())
	if IsFolder(path) {
		// Nothing is computed: a GPU would only be filled for it.
		return tfmodel.ReadSavedModel(ctx, path, tfmodel.Options{Device: tfmodel.DeviceCPU, Trust: trust})
	}
	return tfmodel.ReadSource(ctx, path, trust)
}

// ReadWeights reads the weights of a SavedModel folder, or of a file that need not
// hold the whole network. Warnings go to standard error.
func (f TrustFlags) ReadWeights(ctx context.Context, path string) (*weights.Set, error) {
	trust := f.Trust(Warnings())
	if IsFolder(path) {
		set, _, err := tfmodel.ReadWeights(ctx, path, tfmodel.Options{Device: tfmodel.DeviceCPU, Trust: trust})
		return set, err
	}
	return tfmodel.ReadWeightFile(ctx, path, trust)
}

// Reshape lays weights over the initial ones of another architecture, by name and shape: what
// it has otherwise is drawn by the seed.
func Reshape(set *weights.Set, architecture tfmodel.Architecture, seed uint64) (*weights.Set, error) {
	initial, err := tfmodel.Initial(architecture, seed)
	if err != nil {
		return nil, err
	}
	merged, _, _, err := tfmodel.Overlay(initial, set)
	return merged, err
}

// IsFolder reports whether path is a folder.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Quiet keeps TensorFlow's notes from standard error, unless the environment asks for
// them.
func Quiet() {
	if _, asked := os.LookupEnv("TF_CPP_MIN_LOG_LEVEL"); !asked {
		tfmodel.Quiet()
	}
}

// VersionCommand is the command `version`.
type VersionCommand struct{}

// Run prints the versions.
func (VersionCommand) Run(parsed *kong.Context, s cli.Streams) error {
	_, err := fmt.Fprintln(s.Out, versions(parsed.Model.Name))
	return err
}

// VersionFlag is the flag --version: it prints what VersionCommand does, and ends the
// program.
type VersionFlag bool

// BeforeReset implements kong's hook, ahead of all checks of the command line.
func (VersionFlag) BeforeReset(app *kong.Kong) error {
	_, err := fmt.Fprintln(app.Stdout, versions(app.Model.Name))
	app.Exit(0)
	return err
}

func versions(program string) string {
	return fmt.Sprintf("%s %s, TensorFlow %s, JPEG by %s, %s", program, cli.Version, tfmodel.TensorFlowVersion(), imaging.JPEGDecoder, runtime.Version())
}
