// Package cli is the frame of the commands: flags from the command line, the
// environment and a JSON file, signals, errors and exit codes.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/dial"
)

// Version is the programs' version, set by the linker (see Makefile).
var Version = "dev"

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// usageError is a command line that can't be understood.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

// Usage marks an error as the command line's: the program ends with exit code 2.
func Usage(err error) error { return usageError{err} }

// Program is a program, with commands or with flags alone.
type Program struct {
	Name        string
	Description string
	// Commands is a pointer to kong's description of the command line. Its Run, or that
	// of a command, may take a context.Context and Streams.
	Commands any
	// Environment begins the names of the variables that flags can come from.
	// Empty: "SIAMESE".
	Environment string
	// Variables are those of flags that the name alone does not tell, by commands and
	// flag, such as "train shift".
	Variables map[string]Variable
	// Default stands for a command line without arguments. Empty: nothing does.
	Default string
	// About is what the reference has beside the command line. What all programs have
	// alike need not be here.
	About About
}

// Main runs the program and exits. The first SIGINT or SIGTERM ends its context,
// the second one ends the process at once. Exit codes: 0 where all is well, 1 for an
// error, 2 for a command line that can't be understood, and those of [Interrupted].
func (p Program) Main() {
	ctx := untilSignal()
	err := p.run(ctx, os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	os.Exit(p.exitCode(interrupted(ctx, err), os.Stderr))
}

// run returns when the command has ended or ctx is done.
func (p Program) run(ctx context.Context, args []string, s Streams) error {
	exited := false
	parser, err := p.parser(s, func(int) { exited = true })
	if err != nil {
		return err
	}
	if len(args) == 0 && p.Default != "" {
		args = []string{p.Default}
	}
	parsed, err := parser.Parse(args)
	if exited {
		return nil
	}
	if err == nil {
		err = p.checkVariables(parsed)
	}
	if err != nil {
		return Usage(p.withHelp(err, args))
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(p.reference(parser.Model))
	if err := parsed.Run(s); !exited {
		return err
	}
	return nil
}

// parser reads the command line. Help and the like print and call exit; the command is
// not to run then.
func (p Program) parser(s Streams, exit func(int)) (*kong.Kong, error) {
	var parser *kong.Kong
	load := func(file io.Reader) (kong.Resolver, error) { return newConfiguration(file, parser.Model) }
	var err error
	parser, err = kong.New(p.Commands,
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Configuration(load),
		kong.DefaultEnvars(cmp.Or(p.Environment, prefix)),
		p.variables(),
		kong.Writers(s.Out, s.Err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return nil, fmt.Errorf("command line: %w", err)
	}
	return parser, nil
}

// withHelp says where the commands are listed, if the first word is none of them.
func (p Program) withHelp(err error, args []string) error {
	if len(args) > 0 && err.Error() == "unexpected argument "+args[0] {
		return fmt.Errorf("%w: '%s help' lists the commands", err, p.Name)
	}
	return err
}

// exitCode writes an error on one line and returns the code for it.
func (p Program) exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
	if ended, ok := errors.AsType[interruption](err); ok {
		return ended.exitCode()
	}
	_, isUsage := errors.AsType[usageError](err)
	_, isFlag := errors.AsType[*dial.FlagError](err)
	if isUsage || isFlag {
		return 2
	}
	return 1
}

// HelpCommand is the command `help`.
type HelpCommand struct {
	Command []string `arg:"" optional:"" help:"The command to tell about. Empty: all."`
}

// Run prints what --help does.
func (c *HelpCommand) Run(parsed *kong.Context) error {
	node := parsed.Model.Node
	for _, name := range c.Command {
		if node = child(node, name); node == nil {
			return Usage(fmt.Errorf("help: no command %q; %s --help lists them", strings.Join(c.Command, " "), parsed.Model.Name))
		}
	}
	if _, err := parsed.Parse(append(c.Command, "--help")); err != nil {
		return Usage(err)
	}
	return nil
}

// Revision is the source's revision; empty where the build did not record it.
func Revision() string {
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
