// Package referencetest holds committed pages against the command lines that they
// describe, in the tests of the programs.
package referencetest

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"siamese/cmd/internal/reference"
	"siamese/internal/proctest"
)

var update = flag.Bool("update", false, "writes the reference of the command line")

// Hold fails where a page of docs/reference is not what the program says; with -update
// it writes the page.
func Hold(t *testing.T, program reference.Program, page string) {
	t.Helper()
	path := filepath.Join(proctest.Root, "docs", "reference", page)
	want := program.Markdown()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("docs/reference/%s is not what the command line says (%v); write it by: go test ./cmd/%s -run TestReference -update", page, err, program.App.Name)
	}
}

// CheckExamples fails where an example has no command, or is none that the program can
// parse. Examples of other programs in the same line are passed over. parse parses a
// command line without running it.
func CheckExamples(t *testing.T, program reference.Program, parse func(args []string) (*kong.Context, error)) {
	t.Helper()
	for path, examples := range program.Examples {
		for _, example := range examples {
			for _, args := range calls(program.App.Name, example.Line) {
				parsed, err := parse(args)
				if err != nil {
					t.Errorf("example %q: %v", example.Line, err)
					continue
				}
				if name := program.App.Name + " " + path; path != "" && parsed.Selected().FullPath() != name {
					t.Errorf("example %q calls %s, want %s", example.Line, parsed.Selected().FullPath(), name)
				}
			}
		}
	}
}

// calls are the arguments of each call of a program in a line of shell. Quotes are taken
// off words that are in quotes as a whole.
func calls(program, line string) [][]string {
	var all [][]string
	words := strings.Fields(line)
	for i, word := range words {
		if word != program || (i > 0 && !slices.Contains([]string{"|", "&&", "||", ";"}, words[i-1]) && !strings.Contains(words[i-1], "=")) {
			continue
		}
		var args []string
		for _, arg := range words[i+1:] {
			if slices.Contains([]string{"|", "&&", "||", ";", ">", ">>", "<"}, arg) {
				break
			}
			args = append(args, strings.Trim(arg, `'"`))
		}
		all = append(all, args)
	}
	return all
}

// Lint fails where mandoc has something to say about a program's man pages.
func Lint(t *testing.T, program reference.Program) {
	t.Helper()
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skipf("man pages are not checked: %v (apt-get install mandoc)", err)
	}
	program.Date = "2026-01-01" // a build that knows none leaves it out
	for name, page := range program.Man() {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, page)
		if said, err := exec.Command(mandoc, "-T", "lint", "-W", "style", path).CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("mandoc on %s: %v\n%s", name, err, said)
		}
	}
}
