package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/reference"
)

// About is what a program's reference has beside its command line.
type About struct {
	Examples    map[string][]reference.Example // by the path of the command
	Environment []reference.Entry
	Files       []reference.Entry
	SeeAlso     []string // man pages of section 1
}

// exitCodes are those of all programs: see [Program.Main].
var exitCodes = []reference.Entry{
	{Term: "0", Meaning: "All is well; siamese serve and siamese worker were told to stop."},
	{Term: "1", Meaning: "An error, which standard error tells in one line."},
	{Term: "2", Meaning: "A command line that can't be understood."},
	{Term: "130", Meaning: "Interrupted by Ctrl-C (SIGINT); 143 by SIGTERM, 129 by SIGHUP."},
}

// Reference is what the program says of its command line, and the parser that reads it.
// The parser runs nothing.
func (p Program) Reference() (reference.Program, *kong.Kong, error) {
	parser, err := p.parser(Streams{}, func(int) {})
	if err != nil {
		return reference.Program{}, nil, err
	}
	return p.reference(parser.Model), parser, nil
}

func (p Program) reference(app *kong.Application) reference.Program {
	return reference.Program{
		App:         app,
		Version:     Version,
		Date:        sourceDate(),
		Examples:    p.About.Examples,
		ExitCodes:   exitCodes,
		Environment: p.About.Environment,
		Files:       p.About.Files,
		SeeAlso:     p.About.SeeAlso,
	}
}

// sourceDate is the day of the source: SOURCE_DATE_EPOCH's where that is set, else that
// of the commit, where the build recorded one. Empty: it is not known.
func sourceDate() string {
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC().Format(time.DateOnly)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.time" {
			return setting.Value[:min(len(setting.Value), len(time.DateOnly))]
		}
	}
	return ""
}

// ManCommand is the command `man`.
type ManCommand struct {
	Out string `help:"Names the folder to write the man pages to; it is made where it is not there. Empty: prints the program's page." placeholder:"DIR"`
}

// Run writes the man pages.
func (c *ManCommand) Run(program reference.Program, s Streams) error {
	return writeMan(program, c.Out, s)
}

func writeMan(program reference.Program, dir string, s Streams) error {
	pages := program.Man()
	if dir == "" {
		_, err := fmt.Fprint(s.Out, pages[program.App.Name+".1"])
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	return nil
}

// CompletionCommand is the command `completion`.
type CompletionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Run prints the script.
func (c *CompletionCommand) Run(program reference.Program, s Streams) error {
	return writeCompletion(program, c.Shell, s)
}

func writeCompletion(program reference.Program, shell string, s Streams) error {
	script, err := program.Completion(shell)
	if err != nil {
		return Usage(err)
	}
	_, err = fmt.Fprint(s.Out, script)
	return err
}

// DocumentFlags are what [ManCommand] and [CompletionCommand] are in a program that has
// flags alone.
type DocumentFlags struct {
	Man        string `help:"Writes the program's man page to this folder, and exits." env:"-" placeholder:"DIR"`
	Completion string `help:"Prints the script by which this shell completes the flags, bash, zsh or fish, and exits." env:"-" placeholder:"SHELL"`
}

// Write does what the flags ask for; done is false where they ask for nothing.
func (f DocumentFlags) Write(program reference.Program, s Streams) (done bool, err error) {
	switch {
	case f.Man != "":
		return true, writeMan(program, f.Man, s)
	case f.Completion != "":
		return true, writeCompletion(program, f.Completion, s)
	}
	return false, nil
}
