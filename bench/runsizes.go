package bench

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

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
	family := families[runSizesMetric]
	if len(family.GetMetric()) != 1 {
		return nil, fmt.Errorf("bench: received %s with %d series of %s, expected one", url, len(family.GetMetric()), runSizesMetric)
	}
	histogram := family.GetMetric()[0].GetHistogram()
	sizes := &RunSizes{Images: int(histogram.GetSampleSum())}
	var before uint64
	for _, bucket := range histogram.GetBucket() {
		bound := bucket.GetUpperBound()
		if math.IsInf(bound, 1) {
			bound = math.MaxInt32 // no run is as large
		}
		sizes.Bounds = append(sizes.Bounds, int(bound))
		sizes.Runs = append(sizes.Runs, int(bucket.GetCumulativeCount()-before)) //nolint:gosec // runs of one bench
		before = bucket.GetCumulativeCount()
	}
	return sizes, nil
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
