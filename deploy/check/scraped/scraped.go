// Package scraped asks a Prometheus what the panels of a dashboard and the
// alerts would show: whether each expression can be evaluated, and what it finds.
package scraped

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"siamese/deploy/check/dashboard"
)

// step is the distance of the points of a range, and the time between scrapes.
const step = time.Second

// rateInterval is what Grafana takes for $__rate_interval: four scrapes.
const rateInterval = 4 * step

// placeholder is a label in a legend.
var placeholder = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// Reader evaluates expressions. It may be used concurrently.
type Reader struct {
	api       v1.API
	instances string // a regular expression, as PromQL quotes it
	start     time.Time
}

// Finding is the answer to one question of a panel.
type Finding struct {
	// Panel is the panel's title, Expr the question as the dashboard has it.
	Panel, Expr string
	// Series is how many have at least one finite value.
	Series int
	// Err says why the question can't be answered, or that its legend names a
	// label that the series lack.
	Err error
}

// NewReader makes a reader for all instances that the dashboard's variable would
// offer, over the time since start. It is an error when there are none.
func NewReader(ctx context.Context, api v1.API, start time.Time) (*Reader, error) {
	values, _, _, err := api.LabelValues(ctx, "instance", []string{"siamese_serving"}, start, time.Now())
	if err != nil {
		return nil, fmt.Errorf("values of $instance: %w", err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("values of $instance: received none since %s, expected at least one", start.Format(time.TimeOnly))
	}
	var quoted []string
	for _, value := range values {
		quoted = append(quoted, strings.ReplaceAll(regexp.QuoteMeta(string(value)), `\`, `\\`))
	}
	return &Reader{api: api, instances: "(" + strings.Join(quoted, "|") + ")", start: start}, nil
}

// Panel answers the questions of a panel, in their order.
func (r *Reader) Panel(ctx context.Context, panel dashboard.Panel) []Finding {
	var findings []Finding
	for _, target := range panel.Targets {
		finding := Finding{Panel: panel.Title, Expr: target.Expr}
		finding.Series, finding.Err = r.ask(ctx, target)
		findings = append(findings, finding)
	}
	return findings
}

// ask counts the series with data that a question finds.
func (r *Reader) ask(ctx context.Context, target dashboard.Target) (int, error) {
	expr := strings.NewReplacer("$instance", r.instances, "$__rate_interval", rateInterval.String()).Replace(target.Expr)
	found, err := r.evaluate(ctx, expr, target.Instant)
	if err != nil {
		return 0, err
	}
	series := 0
	for _, stream := range found {
		if !slices.ContainsFunc(stream.Values, finite) {
			continue
		}
		series++
		for _, match := range placeholder.FindAllStringSubmatch(target.Legend, -1) {
			if _, has := stream.Metric[model.LabelName(match[1])]; !has {
				return series, fmt.Errorf("legend %q: received series %s, expected label %s", target.Legend, stream.Metric, match[1])
			}
		}
	}
	return series, nil
}

// evaluate is the answer as series, whether it is of now or of a range.
func (r *Reader) evaluate(ctx context.Context, expr string, instant bool) (model.Matrix, error) {
	now := time.Now()
	if !instant {
		value, _, _, err := r.api.QueryRange(ctx, expr, v1.Range{Start: r.start, End: now, Step: step})
		if err != nil {
			return nil, err
		}
		found, ok := value.(model.Matrix)
		if !ok {
			return nil, fmt.Errorf("received %T, expected a matrix", value)
		}
		return found, nil
	}
	value, _, _, err := r.api.Query(ctx, expr, now)
	if err != nil {
		return nil, err
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("received %T, expected a vector", value)
	}
	var found model.Matrix
	for _, sample := range vector {
		found = append(found, &model.SampleStream{Metric: sample.Metric, Values: []model.SamplePair{{Value: sample.Value}}})
	}
	return found, nil
}

// finite tells a value from what a division by zero leaves.
func finite(pair model.SamplePair) bool {
	return !math.IsNaN(float64(pair.Value)) && !math.IsInf(float64(pair.Value), 0)
}
