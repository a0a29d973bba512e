// Package bench measures encoding, serving and training on the machine at hand.
// What it measures are figures and ratios within one run, held against bars; it is no
// test and fails on no slow day.
package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// Row is one figure.
type Row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Bar is the highest or lowest that Value may be, nil for a
	// figure without one.
	Bar *float64 `json:"bar"`
	// Holds is whether Value keeps to the bar; true where there is none.
	Holds bool `json:"holds"`

	isLeast bool // Bar is the lowest that Value may be
}

// Figure is a row without a bar.
func Figure(name string, value float64, unit string) Row {
	return Row{Name: name, Value: value, Unit: unit, Holds: true}
}

// AtMost is a row whose value must not go over the bar.
func AtMost(name string, value float64, unit string, bar float64) Row {
	return Row{Name: name, Value: value, Unit: unit, Bar: &bar, Holds: value <= bar}
}

// AtLeast is a row whose value must not go under the bar.
func AtLeast(name string, value float64, unit string, bar float64) Row {
	return Row{Name: name, Value: value, Unit: unit, Bar: &bar, Holds: value >= bar, isLeast: true}
}

// bound is the bar as a person reads it, empty where there is none.
func (r Row) bound() string {
	switch {
	case r.Bar == nil:
		return ""
	case r.isLeast:
		return fmt.Sprintf("≥ %g", *r.Bar)
	}
	return fmt.Sprintf("≤ %g", *r.Bar)
}

// WriteTable prints rows for a person.
func WriteTable(w io.Writer, rows []Row) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "what\tvalue\tunit\tbar\tholds\n")
	for _, row := range rows {
		holds := ""
		if row.Bar != nil {
			holds = "no"
			if row.Holds {
				holds = "yes"
			}
		}
		fmt.Fprintf(table, "%s\t%.4g\t%s\t%s\t%s\n", row.Name, row.Value, row.Unit, row.bound(), holds)
	}
	return table.Flush()
}

// WriteJSON writes rows as a JSON list; the file's folder is made.
func WriteJSON(path string, rows []Row) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return fmt.Errorf("bench results: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Median is the median of the values, of which there must be some.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// medianOf is the median of a number that each value has.
func medianOf[T any](values []T, number func(T) float64) float64 {
	numbers := make([]float64, len(values))
	for i, value := range values {
		numbers[i] = number(value)
	}
	return Median(numbers)
}

// MedianRatio is the median of the ratios within each round.
func MedianRatio(over, under []float64) float64 {
	ratios := make([]float64, len(over))
	for i := range ratios {
		ratios[i] = over[i] / under[i]
	}
	return Median(ratios)
}

// Work is something that is measured: in a round, counted from 1 after round 0, which
// warms up, it gives the seconds that it took.
type Work func(round int) (seconds float64, err error)

// Clocked is work by its wall time.
func Clocked(f func(round int) error) Work {
	return func(round int) (float64, error) {
		begin := time.Now()
		err := f(round)
		return time.Since(begin).Seconds(), err
	}
}

// InTurn does each work once a round, one after the other, so that the machine's
// moods hit all alike, and gives the seconds by work and round. Round 0 does not
// count.
func InTurn(rounds int, works ...Work) ([][]float64, error) {
	seconds := make([][]float64, len(works))
	for round := range rounds + 1 {
		for i, do := range works {
			took, err := do(round)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				seconds[i] = append(seconds[i], took)
			}
		}
	}
	return seconds, nil
}

// repeat gives the wall times of n runs of f in seconds, after one that does not count.
func repeat(n int, f func() error) ([]float64, error) {
	seconds, err := InTurn(n, Clocked(func(int) error { return f() }))
	if err != nil {
		return nil, err
	}
	return seconds[0], nil
}
