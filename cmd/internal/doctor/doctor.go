// Package doctor looks at what the programs need of a machine, and says what is wrong
// and which command mends it. It needs no TensorFlow, so that it works where TensorFlow
// can't be loaded: siamese-doctor is all of it that does; siamese doctor adds what only
// the program itself can try.
package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Status is what a check has come to.
type Status string

// What a check can come to.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, but not as well as it could, or not for ever
	Problem Status = "problem" // does not work
)

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`          // one line
	Mend   string `json:"mend,omitempty"` // a command, or what to change; empty where all is well
}

// Fine is a check that found what is needed.
func Fine(name, format string, args ...any) Check {
	return Check{Name: name, Status: OK, Found: fmt.Sprintf(format, args...)}
}

// Warn is a check that found what may turn out badly.
func Warn(name, found, mend string) Check { return Check{name, Warning, oneLine(found), mend} }

// Fail is a check that found what does not work.
func Fail(name, found, mend string) Check { return Check{name, Problem, oneLine(found), mend} }

// oneLine is a text without line breaks, which errors of several have.
func oneLine(text string) string {
	return strings.Join(strings.Split(strings.TrimSpace(text), "\n"), "; ")
}

// Print writes checks to w, one a line, each followed by the line that mends it; as
// JSON it is an object with "checks" and the number of "problems" and "warnings".
func Print(w io.Writer, checks []Check, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Problems int     `json:"problems"`
			Warnings int     `json:"warnings"`
			Checks   []Check `json:"checks"`
		}{count(checks, Problem), count(checks, Warning), checks})
	}
	var b strings.Builder
	for _, check := range checks {
		fmt.Fprintf(&b, "%-8s %-16s %s\n", check.Status, check.Name, check.Found)
		if check.Mend != "" {
			fmt.Fprintf(&b, "%-8s %-16s mend: %s\n", "", "", check.Mend)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Verdict is an error where a check found a problem.
func Verdict(checks []Check) error {
	switch problems := count(checks, Problem); problems {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("doctor: 1 problem: see above")
	default:
		return fmt.Errorf("doctor: %d problems: see above", problems)
	}
}

func count(checks []Check, status Status) int {
	n := 0
	for _, check := range checks {
		if check.Status == status {
			n++
		}
	}
	return n
}
