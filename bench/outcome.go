package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Rows are the outcome's figures.
func (o Outcome) Rows(name string) []Row {
	rows := []Row{
		Figure(name+", answered", o.Throughput(), "calls/s"),
		Figure(name+", images answered for", o.Throughput()*float64(o.ImagesPerCall), "images/s"),
		Figure(name+", failed", float64(o.Sent-o.Answered), "calls"),
	}
	for _, p := range percentiles {
		rows = append(rows, Figure(fmt.Sprintf("%s, %g of 100", name, p), o.Percentile(p).Seconds()*1e3, "ms"))
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

// runSizesMetric is the server's histogram of images in a run of the encoder.
const runSizesMetric = "siamese_batch_images"

// RunSizes is a histogram of images per run of the encoder.
type RunSizes struct {
	// Bounds are the highest counts of images of each bucket, rising. Runs counts
	// the runs of each bucket.
	Bounds, Runs []int
	// Images is how many there were in all.
	Images int
}

// readRunSizes reads the histogram from the metrics at a URL, nil for none.
func readRunSizes(ctx context.Context, url string) (*RunSizes, error) {
	if url == "" {
		return nil, nil //nolint:nilnil // no URL, no histogram
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("bench: metrics: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("bench: metrics: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("bench: metrics of %s: %w", url, err)
	}
	all := families[runSizesMetric].GetMetric()
	if len(all) == 0 {
		return nil, fmt.Errorf("bench: received %s without %s, expected one series a model", url, runSizesMetric)
	}
	sizes := new(RunSizes)
	for _, series := range all {
		sizes.add(series.GetHistogram())
	}
	return sizes, nil
}

// add adds the runs of one model; buckets are the same of all.
func (r *RunSizes) add(histogram *dto.Histogram) {
	r.Images += int(histogram.GetSampleSum())
	var before uint64
	for i, bucket := range histogram.GetBucket() {
		if i == len(r.Bounds) {
			bound := bucket.GetUpperBound()
			if math.IsInf(bound, 1) {
				bound = math.MaxInt32 // no run is as large
			}
			r.Bounds, r.Runs = append(r.Bounds, int(bound)), append(r.Runs, 0)
		}
		r.Runs[i] += int(bucket.GetCumulativeCount() - before) //nolint:gosec // runs of one bench
		before = bucket.GetCumulativeCount()
	}
}

// since is what was added to earlier, a reading of the same server; nil for nil.
func (r *RunSizes) since(earlier *RunSizes) *RunSizes {
	if r == nil || earlier == nil {
		return nil
	}
	added := &RunSizes{Bounds: r.Bounds, Images: r.Images - earlier.Images}
	for i, runs := range r.Runs {
		if i < len(earlier.Runs) {
			runs -= earlier.Runs[i]
		}
		added.Runs = append(added.Runs, runs)
	}
	return added
}

// Count is how many runs there were.
func (r *RunSizes) Count() int {
	count := 0
	for _, runs := range r.Runs {
		count += runs
	}
	return count
}
