// Command siamese says how alike two images are: in the terminal, and as a gRPC
// server.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/compare"
	"siamese/cmd/siamese/internal/model"
	"siamese/cmd/siamese/internal/serve"
	"siamese/cmd/siamese/internal/training"
)

// commands is the command line: one field a command.
type commands struct {
	Config kong.ConfigFlag `help:"Reads values for flags from this JSON file, such as {\"addr\": \":50051\"}; flags and environment variables beat it." placeholder:"FILE"`

	Serve     serve.Command             `cmd:"" help:"Serve siamese.v1.SiameseService over gRPC."`
	Compare   compare.Command           `cmd:"" help:"Say how alike two images are. Without arguments it asks for them."`
	Rank      compare.RankCommand       `cmd:"" help:"Sort images by how alike they are to one."`
	Train     training.Command          `cmd:"" help:"Teach the network, on Omniglot or on folders of own classes."`
	Token     tokenCommand              `cmd:"" help:"Make a bearer token for a caller of siamese serve."`
	Worker    workerCommand             `cmd:"" help:"Lend this machine to siamese train on other machines."`
	Head      training.HeadCommand      `cmd:"" help:"Teach the head alone, on embeddings that are encoded once."`
	Calibrate training.CalibrateCommand `cmd:"" help:"Make similarities mean probabilities, by the last layer."`
	Eval      training.EvalCommand      `cmd:"" help:"Measure a model: one-shot runs, verification."`
	Model     model.Command             `cmd:"" help:"Look at a model, or turn it into another form."`
	Models    model.ListCommand         `cmd:"" help:"List the models that are built in, and those that a server serves."`
	Export    model.SavedModelCommand   `cmd:"" help:"Write a model as a SavedModel folder: model export --format savedmodel."`
	Devices   model.DevicesCommand      `cmd:"" help:"List the devices that a model can run on."`
	Bench     benchCommand              `cmd:"" hidden:"" passthrough:"" help:"Run siamese-bench."`
	Version   network.VersionCommand    `cmd:"" help:"Print the versions of the program and of TensorFlow."`
}

func main() {
	network.Quiet()
	cli.Program{
		Name:        "siamese",
		Description: "How alike two images are, by a VGG16 Siamese network.",
		Commands:    &commands{},
		Default:     "--help",
	}.Main()
}

// benchCommand is what siamese-bench was called before it was a program.
type benchCommand struct {
	Args []string `arg:"" optional:""`
}

// Run becomes the siamese-bench in this program's folder.
func (c *benchCommand) Run() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	bench := filepath.Join(filepath.Dir(program), "siamese-bench")
	err = syscall.Exec(bench, append([]string{bench}, c.Args...), os.Environ())
	return fmt.Errorf("the benches are a program of their own, siamese-bench: %s: %w", bench, err)
}
