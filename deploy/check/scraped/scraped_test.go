package scraped_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"siamese/deploy/check/dashboard"
	"siamese/deploy/check/scraped"
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

func newReader(t *testing.T, fake *fakePrometheus) *scraped.Reader {
	t.Helper()
	fake.instances = model.LabelValues{"127.0.0.1:1", "b"}
	reader, err := scraped.NewReader(t.Context(), fake, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func stream(label, text string, values ...float64) *model.SampleStream {
	s := &model.SampleStream{Metric: model.Metric{model.LabelName(label): model.LabelValue(text)}}
	for _, value := range values {
		s.Values = append(s.Values, model.SamplePair{Value: model.SampleValue(value)})
	}
	return s
}

func TestNewReaderRefuses(t *testing.T) {
	for name, fake := range map[string]*fakePrometheus{"no instance": {}, "no answer": {err: errRefused}} {
		if _, err := scraped.NewReader(t.Context(), fake, time.Now()); err == nil || !strings.Contains(err.Error(), "$instance") {
			t.Errorf("%s: NewReader = %v, want an error about $instance", name, err)
		}
	}
}

func TestPanel(t *testing.T) {
	const expr = `rate(a{instance=~"$instance"}[$__rate_interval])`
	tests := []struct {
		name       string
		giveSeries model.Matrix
		giveErr    error
		giveLegend string
		want       scraped.Finding
		wantErr    string
	}{
		{"no series", nil, nil, "a", scraped.Finding{}, ""},
		{"a number among none", model.Matrix{stream("stage", "decode", math.NaN(), 1, math.Inf(1))}, nil, "{{stage}}", scraped.Finding{Series: 1}, ""},
		{"no number", model.Matrix{stream("stage", "decode", math.NaN(), math.Inf(-1)), stream("stage", "send", 0)}, nil, "{{ stage }}", scraped.Finding{Series: 1}, ""},
		{"label of the legend", model.Matrix{stream("stage", "decode", 1)}, nil, "{{method}}", scraped.Finding{Series: 1}, "expected label method"},
		{"refused", nil, errRefused, "a", scraped.Finding{}, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakePrometheus{}
			reader := newReader(t, fake)
			fake.series, fake.err = tt.giveSeries, tt.giveErr
			got := reader.Panel(t.Context(), dashboard.Panel{Title: "P", Targets: []dashboard.Target{{Expr: expr, Legend: tt.giveLegend}}})
			tt.want.Panel, tt.want.Expr = "P", expr
			if diff := cmp.Diff([]scraped.Finding{tt.want}, got, cmpopts.IgnoreFields(scraped.Finding{}, "Err")); diff != "" {
				t.Fatalf("Panel (-want +got):\n%s", diff)
			}
			if err := got[0].Err; (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("Panel's error = %v, want %q", err, tt.wantErr)
			}
			want := []string{`rate(a{instance=~"(127\\.0\\.0\\.1:1|b)"}[4s])`}
			if diff := cmp.Diff(want, fake.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
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
			got, err := newReader(t, &fakePrometheus{labels: real}).Unlike(t.Context(), tt.give)
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("Unlike = %v, want %q", err, tt.wantErr)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Unlike (-want +got):\n%s", diff)
			}
		})
	}
}
