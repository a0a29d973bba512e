package bench

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// Rows are the outcome's figures.
func (o Outcome) Rows(name string) []Row {
	rows := []Row{
		figure(name+", answered", o.Throughput(), "calls/s"),
		figure(name+", images answered for", o.Throughput()*float64(o.ImagesPerCall), "images/s"),
		figure(name+", failed", float64(o.Sent-o.Answered), "calls"),
	}
	for _, p := range percentiles {
		rows = append(rows, figure(fmt.Sprintf("%s, %g of 100", name, p), o.Percentile(p).Seconds()*1e3, "ms"))
	}
	return rows
}

// percentiles are those told.
var percentiles = []float64{50, 95, 99, 100}

// Write prints the outcome for a person.
func (o Outcome) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "answered\t%d of %d calls in %v: %.4g calls/s, %.4g images/s\n",
		o.Answered, o.Sent, o.Duration, o.Throughput(), o.Throughput()*float64(o.ImagesPerCall))
	fmt.Fprintf(table, "latency\t%s\n", o.latencies())
	fmt.Fprintf(table, "failed\t%s\n", o.failures())
	if o.Runs != nil {
		fmt.Fprintf(table, "images a run\t%s\n", o.Runs)
	}
	return table.Flush()
}

func (o Outcome) latencies() string {
	var parts []string
	for _, p := range percentiles {
		name := fmt.Sprintf("p%g", p)
		if p == 100 {
			name = "most"
		}
		parts = append(parts, fmt.Sprintf("%s %.4g ms", name, o.Percentile(p).Seconds()*1e3))
	}
	return strings.Join(parts, ", ")
}

func (o Outcome) failures() string {
	if o.FirstFailure == nil {
		return "none"
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(o.Failed)) {
		parts = append(parts, fmt.Sprintf("%d %s", o.Failed[code], code))
	}
	return fmt.Sprintf("%s (the first: %v)", strings.Join(parts, ", "), o.FirstFailure)
}

// String lists the buckets that runs fell into.
func (r *RunSizes) String() string {
	var parts []string
	least := 1
	for i, most := range r.Bounds {
		if r.Runs[i] > 0 {
			size := fmt.Sprint(most)
			switch {
			case most == math.MaxInt32:
				size = fmt.Sprintf("%d or more", least)
			case least < most:
				size = fmt.Sprintf("%d–%d", least, most)
			}
			parts = append(parts, fmt.Sprintf("%s: %d runs", size, r.Runs[i]))
		}
		least = most + 1
	}
	if count := r.Count(); count > 0 {
		parts = append(parts, fmt.Sprintf("%.3g on average", float64(r.Images)/float64(count)))
	}
	return strings.Join(parts, ", ")
}
