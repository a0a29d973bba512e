// Command siamese-bench measures: servers under load, galleries, encoding, training and
// the webcam client on this machine, and GPUs.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/cmd/internal/reference"
)

// commands is the command line: one field a command.
type commands struct {
	Config      kong.ConfigFlag     `help:"Reads values for flags from this JSON file; those below a command's name are for it alone. Flags and environment variables beat it." placeholder:"FILE"`
	VersionFlag network.VersionFlag `name:"version" env:"-" help:"Prints the versions of the program and of TensorFlow."`

	All        allCommand             `cmd:"" default:"withargs" help:"Measure everything and hold it against the bars (the default)."`
	Serve      serveCommand           `cmd:"" help:"Send calls to a server, in a closed loop or at a rate, and tell throughput and latency."`
	Fronts     frontsCommand          `cmd:"" help:"Measure calls of other servers' protocols against the native ones."`
	Speed      speedCommand           `cmd:"" help:"Measure encoding, and a server process against the same work in this one."`
	Gallery    galleryCommand         `cmd:"" help:"Measure searches in large galleries, enrolment, opening and memory, of a built-in model, else of both."`
	Live       liveCommand            `cmd:"" help:"Measure the webcam client against a server process."`
	GPU        gpuCommand             `cmd:"" name:"gpu" help:"Measure a GPU in five minutes: agreement with the CPU, speed, memory, serving, training."`
	Train      trainCommand           `cmd:"" help:"Measure training steps and what feeds them, and compare with Keras."`
	Version    network.VersionCommand `cmd:"" help:"Print the versions of the program and of TensorFlow."`
	Man        cli.ManCommand         `cmd:"" help:"Write the man pages."`
	Completion cli.CompletionCommand  `cmd:"" help:"Print the script by which a shell completes this command line."`
	Help       cli.HelpCommand        `cmd:"" help:"Say what a command does and which flags it has."`
}

// variables are those of flags whose name means other things to siamese.
var variables = map[string]cli.Variable{
	"serve pictures": {Own: "SIAMESE_BENCH_SERVE", Refused: true},
	"serve rate":     {Own: "SIAMESE_BENCH_SERVE", Refused: true},
	"serve warm-up":  {Own: "SIAMESE_BENCH_SERVE", Refused: true},

	// Those of the command all.
	"gallery entries":  {Own: "SIAMESE_GALLERY"},
	"gallery queries":  {Own: "SIAMESE_GALLERY"},
	"gallery judged":   {Own: "SIAMESE_GALLERY"},
	"gallery parts":    {Own: "SIAMESE_GALLERY"},
	"gallery pictures": {Own: "SIAMESE_GALLERY"},
	"gallery enrolled": {Own: "SIAMESE_GALLERY"},
	"gallery seconds":  {Own: "SIAMESE_GALLERY"},
	"gallery seed":     {Own: "SIAMESE_GALLERY"},
	"gallery postgres": {Own: "SIAMESE_GALLERY"},
	"gallery dir":      {Own: "SIAMESE_GALLERY"},
}

func main() {
	network.Quiet()
	program().Main()
}

func program() cli.Program {
	return cli.Program{
		Name:        "siamese-bench",
		Description: "Measures servers, encoding, training and GPUs. The servers that it starts are the siamese in its own folder.",
		Commands:    &commands{},
		Variables:   variables,
		About:       about,
	}
}

// about is what the reference has beside the command line.
var about = cli.About{
	Examples: map[string][]reference.Example{
		"serve": {{Line: "siamese-bench serve --server 127.0.0.1:50051 --clients 16", Does: "How many calls a server answers to 16 clients."}},
		"gallery": {
			{Line: "siamese-bench gallery --parts search,recall", Does: "How long searches among 100,000 take, and what they miss."},
			{Line: "siamese-bench gallery --model general --entries 1000000 --parts open,search,memory", Does: "The same of a million, with the memory that they take."},
		},
		"speed": {{Line: "siamese-bench speed", Does: "What encoding costs here, and what the server adds to it."}},
	},
	SeeAlso: []string{"siamese"},
}

// siameseProgram is the program siamese in this one's folder.
func siameseProgram() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	siamese := filepath.Join(filepath.Dir(program), "siamese")
	if _, err := os.Stat(siamese); err != nil {
		return "", fmt.Errorf("no program siamese beside %s, which starts it as a server ('make build' makes both): %w", program, err)
	}
	return siamese, nil
}
