package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// errFound is the end of a check whose findings have been printed.
var errFound = errors.New("a panel is empty, an expression is wrong or an alert is up on a healthy server")

const (
	// lookback is how far back ranges reach: a server under load since then has had
	// every kind of call.
	lookback = time.Minute
	// step is the distance of the points of a range, and the time between scrapes.
	step = time.Second
	// rateInterval is what Grafana takes for $__rate_interval: four scrapes.
	rateInterval = 4 * step
)

// live is the check against a Prometheus that scrapes a healthy server under load.
type live struct {
	api       v1.API
	dashboard dashboard
	tests     string        // the unit tests of the alerts
	wait      time.Duration // for every panel to have data

	start     time.Time // of ranges
	instances string    // all that $instance would offer: a regular expression, as PromQL quotes it
}

// finding is a line on an expression, an alert or a series of the alerts' tests.
type finding struct {
	line string
	well bool
}

// answers are what one look at Prometheus has found.
type answers struct{ panels, alerts, tests []finding }

func (a answers) all() []finding { return slices.Concat(a.panels, a.alerts, a.tests) }

func (a answers) well() bool {
	return !slices.ContainsFunc(a.all(), func(f finding) bool { return !f.well })
}

// run prints a line an expression and a line an alert.
func (l live) run(ctx context.Context, stdout io.Writer) error {
	got, err := l.awaitHealth(ctx)
	if err != nil {
		return err
	}
	for _, finding := range got.all() {
		fmt.Fprintln(stdout, finding.line)
	}
	if !got.well() {
		return errFound
	}
	fmt.Fprintf(stdout, "%d expressions have data, %d alerts are silent, the series of their tests are like real ones\n", len(got.panels), len(got.alerts))
	return nil
}

// awaitHealth asks every second until every question has data and no alert is up, or
// the wait is over, and returns the last answers. One scrape that a busy machine
// was too slow for is no finding.
func (l live) awaitHealth(ctx context.Context) (answers, error) {
	begin := time.Now()
	l.start = begin.Add(-lookback)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		got, err := l.look(ctx)
		if err == nil && got.well() || time.Since(begin) > l.wait {
			return got, err
		}
		select {
		case <-ctx.Done():
			return answers{}, ctx.Err()
		case <-ticker.C:
		}
	}
}

// look asks everything once.
func (l live) look(ctx context.Context) (got answers, err error) {
	if l.instances, err = l.allInstances(ctx); err != nil {
		return answers{}, err
	}
	for _, panel := range l.dashboard.Panels {
		for _, target := range panel.Targets {
			got.panels = append(got.panels, l.question(ctx, panel.Title, target))
		}
	}
	if got.alerts, err = l.alerts(ctx); err != nil {
		return answers{}, err
	}
	got.tests, err = l.unlike(ctx)
	return got, err
}

// allInstances is a regular expression of the instances. It is an error when there
// are none.
func (l live) allInstances(ctx context.Context) (string, error) {
	values, _, _, err := l.api.LabelValues(ctx, "instance", []string{"siamese_serving"}, l.start, time.Now())
	if err != nil {
		return "", fmt.Errorf("values of $instance: %w", err)
	}
	if len(values) == 0 {
		return "", fmt.Errorf("values of $instance: received none since %s, expected at least one", l.start.Format(time.TimeOnly))
	}
	var quoted []string
	for _, value := range values {
		quoted = append(quoted, strings.ReplaceAll(regexp.QuoteMeta(string(value)), `\`, `\\`))
	}
	return "(" + strings.Join(quoted, "|") + ")", nil
}

// question says how many series with data a panel's question finds, or what is wrong
// with it.
func (l live) question(ctx context.Context, panel string, target target) finding {
	series, err := l.ask(ctx, target)
	word := "ok"
	switch {
	case err != nil:
		word = err.Error()
	case series == 0:
		word = "EMPTY"
	}
	return finding{fmt.Sprintf("panel %-28s %2d series  %s  %s", panel, series, word, target.Expr), err == nil && series > 0}
}

// placeholder is a label in a legend.
var placeholder = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// ask counts the series with at least one finite value that a question finds. A
// legend that names a label which they lack is an error.
func (l live) ask(ctx context.Context, target target) (int, error) {
	expr := strings.NewReplacer("$instance", l.instances, "$__rate_interval", rateInterval.String()).Replace(target.Expr)
	found, err := l.evaluate(ctx, expr, target.Instant)
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
func (l live) evaluate(ctx context.Context, expr string, instant bool) (found model.Matrix, err error) {
	var value model.Value
	if now := time.Now(); instant {
		value, _, _, err = l.api.Query(ctx, expr, now)
	} else {
		value, _, _, err = l.api.QueryRange(ctx, expr, v1.Range{Start: l.start, End: now, Step: step})
	}
	if err != nil {
		return nil, err
	}
	switch value := value.(type) {
	case model.Matrix:
		return value, nil
	case model.Vector:
		for _, sample := range value {
			found = append(found, &model.SampleStream{Metric: sample.Metric, Values: []model.SamplePair{{Value: sample.Value}}})
		}
		return found, nil
	}
	return nil, fmt.Errorf("received %T, expected a vector or a matrix", value)
}

// finite tells a value from what a division by zero leaves.
func finite(pair model.SamplePair) bool {
	return !math.IsNaN(float64(pair.Value)) && !math.IsInf(float64(pair.Value), 0)
}

// alerts says of each alert rule that Prometheus has loaded whether it is up, or will
// be when its time is over, as last evaluated. It is an error when there are none.
func (l live) alerts(ctx context.Context) ([]finding, error) {
	loaded, err := l.api.Rules(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	var found []finding
	for _, group := range loaded.Groups {
		for _, rule := range group.Rules {
			alert, ok := rule.(v1.AlertingRule)
			if !ok {
				continue
			}
			word, well := "ok, silent", false
			switch {
			case alert.Health != v1.RuleHealthGood:
				word = fmt.Sprintf("received health %q (%s), expected %q", alert.Health, alert.LastError, v1.RuleHealthGood)
			case len(alert.Alerts) > 0:
				word = fmt.Sprintf("UP %d times", len(alert.Alerts))
			default:
				well = true
			}
			found = append(found, finding{fmt.Sprintf("alert %-28s %s", alert.Name, word), well})
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("rules: received %d groups without an alert, expected at least one", len(loaded.Groups))
	}
	return found, nil
}

// testedSeries is a series that a unit test of the alerts makes up; it has
// labels, at least instance. testedLabel is one of them.
var (
	testedSeries = regexp.MustCompile(`(?m)^ *- series: '(\w+)\{(.*)\}'$`)
	testedLabel  = regexp.MustCompile(`(\w+)="`)
)

// unlike are the series of the unit tests of the alerts (a file for promtool) that
// no real series is like: none has its name with the same labels. None are found when
// the tests are about what there is. It is an error when they have no series.
func (l live) unlike(ctx context.Context) ([]finding, error) {
	series := testedSeries.FindAllStringSubmatch(l.tests, -1)
	if all := strings.Count(l.tests, "- series:"); all == 0 || len(series) != all {
		return nil, fmt.Errorf("alert tests: received %d series in the form name{labels} of %d, expected all", len(series), all)
	}
	var found []finding
	for _, match := range series {
		name, labels := match[1], []string{model.MetricNameLabel}
		for _, label := range testedLabel.FindAllStringSubmatch(match[2], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		real, _, _, err := l.api.Series(ctx, []string{name}, l.start, time.Now())
		if err != nil {
			return nil, fmt.Errorf("series of %s: %w", name, err)
		}
		isLike := func(real model.LabelSet) bool {
			has := slices.Sorted(maps.Keys(real))
			return slices.EqualFunc(has, labels, func(a model.LabelName, b string) bool { return string(a) == b })
		}
		missing := finding{line: fmt.Sprintf("alert tests: %s with labels %q: no real series is like it", name, labels)}
		if !slices.ContainsFunc(real, isLike) && !slices.Contains(found, missing) {
			found = append(found, missing)
		}
	}
	return found, nil
}
