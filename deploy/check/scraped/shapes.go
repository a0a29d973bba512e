package scraped

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// testedSeries is a series that a unit test of the alerts makes up; it has
// labels, at least instance.
var testedSeries = regexp.MustCompile(`(?m)^ *- series: '(\w+)\{(.*)\}'$`)

// testedLabel is one of its labels.
var testedLabel = regexp.MustCompile(`(\w+)="`)

// Unlike are the series of a unit test of the alerts (a file for promtool) that
// no real series is like: none has its name with the same labels. A sentence
// each; none when the test is about what there is. It is an error when the text
// has no series.
func (r *Reader) Unlike(ctx context.Context, tests string) ([]string, error) {
	found := testedSeries.FindAllStringSubmatch(tests, -1)
	if len(found) == 0 || len(found) != strings.Count(tests, "- series:") {
		return nil, fmt.Errorf("alert tests: received %d series in the form name{labels} of %d, expected all", len(found), strings.Count(tests, "- series:"))
	}
	var unlike []string
	for _, match := range found {
		name, labels := match[1], []string{model.MetricNameLabel}
		for _, label := range testedLabel.FindAllStringSubmatch(match[2], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		like, err := r.like(ctx, name, labels)
		if err != nil {
			return nil, err
		}
		if sentence := fmt.Sprintf("%s with labels %q: no real series is like it", name, labels); !like && !slices.Contains(unlike, sentence) {
			unlike = append(unlike, sentence)
		}
	}
	return unlike, nil
}

// like reports whether a real series of the name has just these labels.
func (r *Reader) like(ctx context.Context, name string, labels []string) (bool, error) {
	real, _, _, err := r.api.Series(ctx, []string{name}, r.start, time.Now())
	if err != nil {
		return false, fmt.Errorf("series of %s: %w", name, err)
	}
	for _, series := range real {
		var has []string
		for label := range series {
			has = append(has, string(label))
		}
		slices.Sort(has)
		if slices.Equal(has, labels) {
			return true, nil
		}
	}
	return false, nil
}
