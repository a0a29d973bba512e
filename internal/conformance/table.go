package conformance

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Difference is a case to which a runner has another answer than the one before it.
type Difference struct {
	Runner, Case string
	// Want is the answer of the runner By; Got that of Runner.
	By, Want, Got string
}

// count is a row of the table.
type count struct {
	passed, differing, unsupported int
	reasons                        []string // why cases are unsupported, each once
}

// Report holds all outcomes against each other, prints a table and each difference in
// full, and reports whether all rows are equal. cases are the names of all cases; a
// runner that is left out is no difference, one that is broken or leaves a case out is.
func Report(out io.Writer, cases []string, outcomes []Outcome) bool {
	differences := Differences(cases, outcomes)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RUNNER\tPASSED\tDIFFERING\tUNSUPPORTED\tREMARKS")
	equal := true
	for _, outcome := range outcomes {
		if outcome.LeftOut != "" {
			fmt.Fprintf(table, "%s\t-\t-\t-\tleft out: %s\n", outcome.Row.Name, outcome.LeftOut)
			continue
		}
		row := counted(cases, outcome, differences)
		remarks := strings.Join(row.reasons, "; ")
		if outcome.Broken != "" {
			remarks = "broken, see below"
		}
		equal = equal && row.differing == 0 && outcome.Broken == ""
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", outcome.Row.Name, row.passed, row.differing, row.unsupported, remarks)
	}
	_ = table.Flush() // what can't be written shows in the next write
	for _, outcome := range outcomes {
		if outcome.Broken != "" {
			fmt.Fprintf(out, "\n%s is broken: %s\n", outcome.Row.Name, outcome.Broken)
		}
	}
	for _, d := range differences {
		fmt.Fprintf(out, "\n%s, case %q\n%s%s", d.Runner, d.Case, indented(d.By, d.Want), indented(d.Runner, d.Got))
	}
	return equal
}

// Differences finds where a runner's answer is not that of the first that has one. An
// answer that only one runner has is held against nothing.
func Differences(cases []string, outcomes []Outcome) []Difference {
	var differences []Difference
	for _, name := range cases {
		by, want := "", ""
		for _, outcome := range outcomes {
			line, told := outcome.Lines[name]
			switch {
			case outcome.LeftOut != "", line.Unsupported != "":
			case !told:
				differences = append(differences, Difference{outcome.Row.Name, name, "expected", "an answer", "none"})
			case by == "":
				by, want = outcome.Row.Name, line.answer()
			case line.answer() != want:
				differences = append(differences, Difference{outcome.Row.Name, name, by, want, line.answer()})
			}
		}
	}
	return differences
}

func counted(cases []string, outcome Outcome, differences []Difference) count {
	var row count
	seen := make(map[string]bool)
	for _, name := range cases {
		if reason := outcome.Lines[name].Unsupported; reason != "" {
			row.unsupported++
			if !seen[reason] {
				seen[reason] = true
				row.reasons = append(row.reasons, reason)
			}
		}
	}
	for _, d := range differences {
		if d.Runner == outcome.Row.Name {
			row.differing++
		}
	}
	row.passed = len(cases) - row.differing - row.unsupported
	return row
}

// indented is an answer below the name of who gave it; of many lines each has its own.
func indented(name, answer string) string {
	return fmt.Sprintf("  %s:\n    %s\n", name, strings.ReplaceAll(answer, "\n", "\n    "))
}
