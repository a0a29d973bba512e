package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Target is what runners are run on.
type Target struct {
	Root        string // the repository
	GRPC, HTTP  string // the server's addresses
	Cases       string // the path of the cases
	Environment []string
}

// Line is what a runner tells of a case: one of results, error and unsupported.
type Line struct {
	Case        string
	Results     []string
	Error       *string
	Unsupported string
}

// answer is the line as text that can be compared.
func (l Line) answer() string {
	if l.Error != nil {
		return "error " + *l.Error
	}
	return strings.Join(l.Results, "\n")
}

// Outcome is what became of a runner.
type Outcome struct {
	Row Row
	// LeftOut is why it was not run; empty where it was.
	LeftOut string
	// Lines are its answers by the case's name.
	Lines map[string]Line
	// Broken is what is wrong with the runner itself, such as that it ended with an
	// error; empty where nothing is.
	Broken string
}

// skipCode is what a build ends with where its toolchain is missing.
const skipCode = 77

// Run makes and runs a runner.
func (r Row) Run(ctx context.Context, target Target) Outcome {
	outcome := Outcome{Row: r}
	if outcome.LeftOut = r.missing(target); outcome.LeftOut != "" {
		return outcome
	}
	if len(r.Build) > 0 {
		if outcome.LeftOut, outcome.Broken = r.build(ctx, target); outcome.LeftOut != "" || outcome.Broken != "" {
			return outcome
		}
	}
	args := slices.Concat(r.Command, []string{target.GRPC, target.HTTP, target.Cases}, r.Extra)
	output, stderr, err := target.execute(ctx, args)
	outcome.Lines, outcome.Broken = readLines(output)
	if err != nil {
		outcome.Broken = strings.TrimSpace(fmt.Sprintf("%v: %s", err, stderr))
	}
	return outcome
}

// missing says what is not there that the row needs; empty: all is.
func (r Row) missing(target Target) string {
	for _, program := range r.Needs {
		if _, err := exec.LookPath(target.expand(program)); err != nil {
			return fmt.Sprintf("%s is not installed", target.expand(program))
		}
	}
	if len(r.Build) == 1 {
		if _, err := os.Stat(filepath.Join(target.Root, r.Build[0])); errors.Is(err, os.ErrNotExist) {
			return "there is no " + r.Build[0]
		}
	}
	return ""
}

// build makes the runner, or says why it is left out or what is wrong with it.
func (r Row) build(ctx context.Context, target Target) (leftOut, broken string) {
	output, stderr, err := target.execute(ctx, r.Build)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == skipCode {
		return strings.TrimSpace(stderr), ""
	}
	if err != nil {
		return "", strings.TrimSpace(fmt.Sprintf("%s: %v: %s%s", r.Build[0], err, output, stderr))
	}
	return "", ""
}

// expand puts the environment into $NAME.
func (t Target) expand(text string) string {
	return os.Expand(text, func(name string) string {
		for _, setting := range t.Environment {
			if value, ok := strings.CutPrefix(setting, name+"="); ok {
				return value
			}
		}
		return strings.ToLower(name)
	})
}

// execute runs a command in the repository.
func (t Target) execute(ctx context.Context, args []string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	if strings.Contains(args[0], "/") {
		cmd.Path, cmd.Err = filepath.Join(t.Root, args[0]), nil
	}
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.Root, t.Environment, &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// readLines reads what a runner wrote, and says what is wrong with it.
func readLines(output string) (lines map[string]Line, broken string) {
	lines = make(map[string]Line)
	scanner := bufio.NewScanner(strings.NewReader(output))
	scanner.Buffer(nil, len(output)+1)
	for scanner.Scan() {
		var line Line
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return lines, fmt.Sprintf("received the line %.200q, expected JSON: %v", scanner.Text(), err)
		}
		if err := line.check(); err != nil {
			return lines, fmt.Sprintf("case %q: %v", line.Case, err)
		}
		if _, twice := lines[line.Case]; twice {
			return lines, fmt.Sprintf("case %q: received two lines, expected one", line.Case)
		}
		lines[line.Case] = line
	}
	return lines, ""
}

// check reports whether the line tells one thing.
func (l Line) check() error {
	told := 0
	for _, is := range []bool{l.Results != nil, l.Error != nil, l.Unsupported != ""} {
		if is {
			told++
		}
	}
	if told != 1 {
		return fmt.Errorf("received %d of results, error and unsupported, expected one", told)
	}
	return nil
}
