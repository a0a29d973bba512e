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
	"siamese/cmd/siamese/internal/batch"
	"siamese/cmd/siamese/internal/compare"
	"siamese/cmd/siamese/internal/dedupe"
	"siamese/cmd/siamese/internal/embed"
	"siamese/cmd/siamese/internal/evaluation"
	"siamese/cmd/siamese/internal/gallery"
	"siamese/cmd/siamese/internal/model"
	"siamese/cmd/siamese/internal/rank"
	"siamese/cmd/siamese/internal/serve"
	"siamese/cmd/siamese/internal/training"
	"siamese/cmd/siamese/internal/watch"
)

// commands is the command line: one field a command.
type commands struct {
	Config      kong.ConfigFlag     `help:"Reads values for flags from this JSON file, such as {\"addr\": \":50051\", \"train\": {\"epochs\": 5}}: those below a command's name are for it alone. Flags and environment variables beat it." placeholder:"FILE"`
	VersionFlag network.VersionFlag `name:"version" env:"-" help:"Prints the versions of the program and of TensorFlow."`

	Serve      serve.Command               `cmd:"" help:"Serve siamese.v1.SiameseService over gRPC."`
	Compare    compare.Command             `cmd:"" help:"Say how alike two images are. Without arguments it asks for them."`
	Rank       rank.Command                `cmd:"" help:"Sort images, or those of folders, by how alike they are to one."`
	Batch      batch.Command               `cmd:"" help:"Score a list of pairs, a TSV or CSV file."`
	Embed      embed.Command               `cmd:"" help:"Write the embeddings of images to a file: NumPy, Parquet or JSON lines."`
	Dedupe     dedupe.Command              `cmd:"" help:"Find the copies and near-doubles among the pictures of folders; link them or move them away."`
	Gallery    gallery.Command             `cmd:"" help:"Keep pictures of things, and say which of them a picture shows."`
	Watch      watch.Command               `cmd:"" help:"Enroll pictures in a gallery as they come into a folder."`
	Train      training.Command            `cmd:"" help:"Teach the network, on Omniglot or on folders of own classes."`
	Token      tokenCommand                `cmd:"" help:"Make a bearer token for a caller of siamese serve."`
	Worker     workerCommand               `cmd:"" help:"Lend this machine to siamese train on other machines."`
	Head       training.HeadCommand        `cmd:"" help:"Teach the head alone, on embeddings that are encoded once."`
	Calibrate  evaluation.CalibrateCommand `cmd:"" help:"Make similarities mean probabilities, by the last layer."`
	Eval       evaluation.Command          `cmd:"" help:"Measure a model: one-shot runs, verification."`
	Model      model.Command               `cmd:"" help:"Look at a model, or turn it into another form."`
	Models     model.ListCommand           `cmd:"" help:"List the models that are built in, and those that a server serves."`
	Export     model.SavedModelCommand     `cmd:"" help:"Write a model as a SavedModel folder: model export --format savedmodel."`
	Doctor     serve.DoctorCommand         `cmd:"" help:"Look at what the server needs here: say what is wrong, and which command mends it."`
	Devices    model.DevicesCommand        `cmd:"" help:"List the devices that a model can run on."`
	Bench      benchCommand                `cmd:"" hidden:"" passthrough:"" help:"Run siamese-bench."`
	Version    network.VersionCommand      `cmd:"" help:"Print the versions of the program and of TensorFlow."`
	Man        cli.ManCommand              `cmd:"" help:"Write the man pages."`
	Completion cli.CompletionCommand       `cmd:"" help:"Print the script by which a shell completes this command line."`
	Help       cli.HelpCommand             `cmd:"" help:"Say what a command does and which flags it has."`
}

const description = `How alike two images are, by a VGG16 Siamese network.

Each flag can also come from the environment, by the variable that a command's --help has beside it, or from a file (--config). siamese-bench and siamese-webcam take the same variables. Exit codes: 0 all is well, 1 an error, 2 a command line that can't be understood, 130 interrupted by Ctrl-C (SIGTERM 143, SIGHUP 129; siamese serve and worker end with 0).`

// variables are those of flags whose name means different things to commands.
var variables = map[string]cli.Variable{
	"batch output":              {Own: "SIAMESE_BATCH"}, // siamese-bench has files of results by that name
	"embed output":              {Own: "SIAMESE_EMBED"},
	"calibrate json":            {Own: "SIAMESE_CALIBRATE", Refused: true}, // a file; elsewhere a form of output
	"calibrate shift":           {Own: "SIAMESE_CALIBRATE", Refused: true}, // of a logit; elsewhere of pixels
	"eval familiarity pictures": {Own: "SIAMESE_EVAL_FAMILIARITY", Refused: true},
	"head copies":               {Own: "SIAMESE_HEAD", Refused: true}, // a number; in train a probability
	"train copies":              {Own: "SIAMESE_TRAIN", Refused: true},
	"head pairs":                {Own: "SIAMESE_HEAD", Refused: true}, // of a step; elsewhere those that are measured
	"worker insecure":           {Own: "SIAMESE_WORKER", Refused: true},
	// The server's own certificate; elsewhere the client's.
	"serve tls-cert":  {Own: "SIAMESE_SERVE", Shared: true},
	"serve tls-key":   {Own: "SIAMESE_SERVE", Shared: true},
	"doctor tls-cert": {Own: "SIAMESE_SERVE", Shared: true},
	"doctor tls-key":  {Own: "SIAMESE_SERVE", Shared: true},
}

func main() {
	network.Quiet()
	program().Main()
}

func program() cli.Program {
	return cli.Program{
		Name:        "siamese",
		Description: description,
		Commands:    &commands{},
		Default:     "--help",
		Variables:   variables,
		// What is looked at is what serve would be told.
		SameSettings: map[string]string{"doctor": "serve"},
		About:        about,
	}
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
	return fmt.Errorf("the benches are a program of their own, siamese-bench (make build makes it): %s: %w", bench, err)
}
