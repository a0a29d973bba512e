package main

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

var errRefused = errors.New("refused")

// fakePrometheus answers every range with the same series, and keeps what it was
// asked.
type fakePrometheus struct {
	v1.API
	instances model.LabelValues
	series    model.Matrix
	labels    []model.LabelSet // of all series
	err       error
	asked     []string
}

func (f *fakePrometheus) LabelValues(context.Context, string, []string, time.Time, time.Time, ...v1.Option) (model.LabelValues, v1.Warnings, v1.Infos, error) {
	return f.instances, nil, nil, f.err
}

func (f *fakePrometheus) QueryRange(_ context.Context, query string, _ v1.Range, _ ...v1.Option) (model.Value, v1.Warnings, v1.Infos, error) {
	f.asked = append(f.asked, query)
	return f.series, nil, nil, f.err
}

func (f *fakePrometheus) Series(context.Context, []string, time.Time, time.Time, ...v1.Option) ([]model.LabelSet, v1.Warnings, v1.Infos, error) {
	return f.labels, nil, nil, f.err
}

// newLive is the check with the alerts' tests, once the instances are known.
func newLive(t *testing.T, fake *fakePrometheus, tests string) live {
	t.Helper()
	fake.instances = model.LabelValues{"127.0.0.1:1", "b"}
	l := live{api: fake, tests: tests, start: time.Now()}
	var err error
	if l.instances, err = l.allInstances(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func stream(label, text string, values ...float64) *model.SampleStream {
	s := &model.SampleStream{Metric: model.Metric{model.LabelName(label): model.LabelValue(text)}}
	for _, value := range values {
		s.Values = append(s.Values, model.SamplePair{Value: model.SampleValue(value)})
	}
	return s
}

func TestAllInstancesRefuses(t *testing.T) {
	for name, fake := range map[string]*fakePrometheus{"no instance": {}, "no answer": {err: errRefused}} {
		if _, err := (live{api: fake}).allInstances(t.Context()); err == nil || !strings.Contains(err.Error(), "$instance") {
			t.Errorf("%s: allInstances = %v, want an error about $instance", name, err)
		}
	}
}

func TestQuestion(t *testing.T) {
	const expr = `rate(a{instance=~"$instance"}[$__rate_interval])`
	tests := []struct {
		name       string
		giveSeries model.Matrix
		giveErr    error
		giveLegend string
		want       int // series
		wantWell   bool
		wantErr    string
	}{
		{"no series", nil, nil, "a", 0, false, ""},
		{"a number among none", model.Matrix{stream("stage", "decode", math.NaN(), 1, math.Inf(1))}, nil, "{{stage}}", 1, true, ""},
		{"no number", model.Matrix{stream("stage", "decode", math.NaN(), math.Inf(-1)), stream("stage", "send", 0)}, nil, "{{ stage }}", 1, true, ""},
		{"label of the legend", model.Matrix{stream("stage", "decode", 1)}, nil, "{{method}}", 1, false, "expected label method"},
		{"refused", nil, errRefused, "a", 0, false, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakePrometheus{}
			l := newLive(t, fake, "")
			fake.series, fake.err = tt.giveSeries, tt.giveErr
			give := target{Expr: expr, Legend: tt.giveLegend}
			got, err := l.ask(t.Context(), give)
			if got != tt.want || (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("ask = %d, %v; want %d and %q", got, err, tt.want, tt.wantErr)
			}
			want := []string{`rate(a{instance=~"(127\\.0\\.0\\.1:1|b)"}[4s])`}
			if diff := cmp.Diff(want, fake.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if got := l.question(t.Context(), "P", give); got.well != tt.wantWell || !strings.HasPrefix(got.line, "panel P ") || !strings.HasSuffix(got.line, expr) || !strings.Contains(got.line, tt.wantErr) {
				t.Errorf("question = %+v, want well: %t, and panel, error and expression named", got, tt.wantWell)
			}
		})
	}
}

func TestUnlike(t *testing.T) {
	real := []model.LabelSet{{"__name__": "calls", "code": "OK", "instance": "a"}}
	tests := []struct {
		name    string
		give    string
		want    []string
		wantErr string
	}{
		{"like", "      - series: 'calls{instance=\"x\", code=\"Internal\"}'\n", nil, ""},
		{"a label too few, twice", strings.Repeat("      - series: 'calls{instance=\"x\"}'\n", 2), []string{`calls with labels ["__name__" "instance"]: no real series is like it`}, ""},
		{"a label too many", "      - series: 'calls{instance=\"x\", code=\"OK\", job=\"y\"}'\n", []string{`calls with labels ["__name__" "code" "instance" "job"]: no real series is like it`}, ""},
		{"none", "tests: []\n", nil, "received 0 series"},
		{"another form", "  - series: 'calls{code=\"OK\"}'\n  - series: calls\n", nil, "received 1 series in the form name{labels} of 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newLive(t, &fakePrometheus{labels: real}, tt.give).unlike(t.Context())
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("unlike = %v, want %q", err, tt.wantErr)
			}
			var lines []string
			for _, finding := range got {
				if finding.well {
					t.Errorf("%+v is well, want it to be a fault", finding)
				}
				lines = append(lines, strings.TrimPrefix(finding.line, "alert tests: "))
			}
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("unlike (-want +got):\n%s", diff)
			}
		})
	}
}
