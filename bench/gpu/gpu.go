// Package gpu tells all about a GPU in a few minutes: whether the network computes
// there what it computes on the CPU, how fast, in which precision and batch, what
// memory it takes, what a server and a training step make of it, and which flags
// follow.
//
// Each part runs in a process of its own, which writes a line of JSON for each
// figure as soon as it has it: a part that crashes or takes too long costs no
// more than itself. [Check] is the process that starts them, [Bench] what they
// measure.
package gpu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"text/tabwriter"
	"time"

	"siamese/bench"
)

// Figure is one result of a part.
type Figure struct {
	Part  string  `json:"part"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	// Text stands in the place of Value where the result is no number.
	Text string `json:"text,omitempty"`
	// Bar is what Value may be at most; nil where there is none.
	Bar *float64 `json:"bar,omitempty"`
}

// Holds reports whether the value keeps to its bar; true where there is none. A
// NaN keeps to none.
func (f Figure) Holds() bool { return f.Bar == nil || f.Value <= *f.Bar }

// Check runs parts one after the other.
type Check struct {
	// Parts are the names of what is run, in order; see PartNames.
	Parts []string
	// Command starts this program as one part, with the flags that the parts before
	// it make best.
	Command func(part string, best Best) []string
	// Limit is how long all of it may take. What has not begun by then is left out,
	// and the part under way is stopped.
	Limit time.Duration
	// Lines takes each figure as a line of JSON, Table as a row for a person.
	Lines, Table io.Writer
}

// killDelay is how long a part that was told to end may take before it is killed.
const killDelay = 5 * time.Second

// Run runs the parts and returns what was found. Parts that fail are told and
// joined into the error; the others are run all the same, unless the first one finds
// no device.
func (c Check) Run(ctx context.Context) (Best, error) {
	end := time.Now().Add(c.Limit)
	var figures []Figure
	var failures []error
	for _, part := range c.Parts {
		left := time.Until(end)
		if left <= 0 {
			c.say("%s: left out, the time is up", part)
			continue
		}
		begin := time.Now()
		limit := min(left, partLimit(part))
		found, err := c.part(ctx, part, bestOf(figures), limit)
		figures = append(figures, found...)
		if err := writeTable(c.Table, found); err != nil {
			return bestOf(figures), err
		}
		if ctx.Err() != nil {
			return bestOf(figures), ctx.Err()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", part, err))
			if noDevice(part, found, err) {
				break
			}
			c.say("%s: %v", part, err)
		}
		c.say("%s took %.1f s\n", part, time.Since(begin).Seconds())
	}
	return bestOf(figures), errors.Join(append(failures, missed(figures)...)...)
}

// noDevice reports whether the part that looks at the device ended by itself without
// a figure. No other part finds the device or the model then.
func noDevice(part string, found []Figure, err error) bool {
	var exit *exec.ExitError
	return part == devicesPart && len(found) == 0 && errors.As(err, &exit) && exit.Exited()
}

func (c Check) say(format string, arguments ...any) {
	fmt.Fprintf(c.Table, format+"\n", arguments...)
}

// part runs one part and passes its figures on as they come.
func (c Check) part(ctx context.Context, part string, best Best, limit time.Duration) ([]Figure, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	words := c.Command(part, best)
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	// In a group of its own, so that what the part starts, such as a server, ends with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bench.EndWithParent(command)
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = killDelay
	var errorText bytes.Buffer
	command.Stderr = &errorText
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	figures, readErr := c.read(output)
	err = command.Wait()
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // what it left; usually there is nothing
	switch {
	case ctx.Err() != nil:
		return figures, fmt.Errorf("stopped after its %.1f s", limit.Seconds())
	case err != nil:
		return figures, fmt.Errorf("%w: %s", err, end(errorText.Bytes()))
	}
	return figures, readErr
}

// read takes the lines of a part.
func (c Check) read(output io.Reader) ([]Figure, error) {
	var figures []Figure
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var figure Figure
		if err := json.Unmarshal(lines.Bytes(), &figure); err != nil {
			return figures, fmt.Errorf("it wrote %.60q: %w", lines.Text(), err)
		}
		figures = append(figures, figure)
		if _, err := fmt.Fprintf(c.Lines, "%s\n", lines.Bytes()); err != nil {
			return figures, err
		}
	}
	return figures, lines.Err()
}

// missed names the figures that are over their bars.
func missed(figures []Figure) []error {
	var errs []error
	for _, figure := range figures {
		if !figure.Holds() {
			errs = append(errs, fmt.Errorf("%s: %s is %.4g %s, want at most %g", figure.Part, figure.Name, figure.Value, figure.Unit, *figure.Bar))
		}
	}
	return errs
}

// writeTable prints the figures of a part.
func writeTable(w io.Writer, figures []Figure) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, figure := range figures {
		bound := ""
		if figure.Bar != nil {
			bound = fmt.Sprintf("≤ %g", *figure.Bar)
			if !figure.Holds() {
				bound += " MISSED"
			}
		}
		value := figure.Text
		if value == "" {
			value = fmt.Sprintf("%.4g %s", figure.Value, figure.Unit)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", figure.Part, figure.Name, value, bound)
	}
	return table.Flush()
}

// endBytes is how much of a failed part's words are told.
const endBytes = 2000

// end is the end of a text, without white space around it.
func end(text []byte) []byte {
	return bytes.TrimSpace(text[max(0, len(text)-endBytes):])
}
