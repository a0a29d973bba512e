package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/metrics"
)

// metricName is what in an expression is a metric of ours, of calls or of the
// process.
var metricName = regexp.MustCompile(`\b(?:siamese|grpc_server|process|go)_[a-z_]+\b`)

// scrapedNames are the names in a scrape over HTTP of a server that has had an
// answer, an error and an item's error.
func scrapedNames(t *testing.T) []string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := metrics.CountLoads(registry, func() []metrics.Loads { return []metrics.Loads{{Model: "fake", Held: 1}} }); err != nil {
		t.Fatal(err)
	}
	r := serveDark(t, server.Config{Metrics: registry}, darkInfo())
	probes := probe(t, r.server, func(p *server.Probes) {
		p.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	})
	r.checkAnswers(t) // by a model that tells familiarity
	_, _ = r.Compare(t.Context(), &pb.CompareRequest{})
	_, _ = r.Rank(t.Context(), &pb.RankRequest{Query: grayImage(1), Candidates: []*pb.Image{{}}})
	_ = r.stop() // all is counted
	response, err := http.Get("http://" + probes.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET /metrics = %s, %v:\n%s", response.Status, err, text)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			names = append(names, line[:strings.IndexAny(line, "{ ")])
		}
	}
	return names
}

// panelExpressions collects the values of "expr" in a JSON document, wherever
// they are.
func panelExpressions(node any) []string {
	var found []string
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if text, ok := value.(string); ok && key == "expr" {
				found = append(found, text)
				continue
			}
			found = append(found, panelExpressions(value)...)
		}
	case []any:
		for _, value := range node {
			found = append(found, panelExpressions(value)...)
		}
	}
	return found
}

func dashboardExpressions(t *testing.T, file []byte) []string {
	t.Helper()
	var document any
	if err := json.Unmarshal(file, &document); err != nil {
		t.Fatal(err)
	}
	return panelExpressions(document)
}

// yamlExpression is the value of a key "expr": what follows it on its line, or
// the block below it, up to the next key.
var yamlExpression = regexp.MustCompile(`(?m)^ +expr: *(?:\|\n)?((?:.|\n)*?)\n +[a-z]+:`)

func alertExpressions(t *testing.T, file []byte) []string {
	t.Helper()
	var found []string
	for _, match := range yamlExpression.FindAllSubmatch(file, -1) {
		found = append(found, string(match[1]))
	}
	if alerts := strings.Count(string(file), "- alert: "); alerts != len(found) {
		t.Errorf("%d alerts with %d expressions, want one each", alerts, len(found))
	}
	return found
}

func TestDeployNamesMetricsThatExist(t *testing.T) {
	names := scrapedNames(t)
	for _, tt := range []struct {
		file  string
		parse func(*testing.T, []byte) []string
		least int // expressions
	}{
		{"../deploy/grafana-dashboard.json", dashboardExpressions, 40},
		{"../deploy/alerts.yml", alertExpressions, 10},
	} {
		t.Run(tt.file, func(t *testing.T) {
			text, err := os.ReadFile(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			found := tt.parse(t, text)
			if len(found) < tt.least {
				t.Errorf("%d expressions, want at least %d", len(found), tt.least)
			}
			for _, expression := range found {
				checkNames(t, expression, names)
			}
		})
	}
}

func checkNames(t *testing.T, expression string, names []string) {
	t.Helper()
	used := metricName.FindAllString(expression, -1)
	if len(used) == 0 && !strings.HasPrefix(expression, "up{") {
		t.Errorf("%q names no metric", expression)
	}
	for _, name := range used {
		if !slices.Contains(names, name) {
			t.Errorf("%q names %s, which no scrape has", expression, name)
		}
	}
}

// The names that operators rely on, each told with its meaning.
func TestOperationsTellsEveryMetric(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scrapedNames(t) {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if strings.HasPrefix(name, "siamese_") && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/operations.md does not tell %s", name)
		}
	}
}

// alertName is an alert's name in the rules.
var alertName = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)

// What somebody who is woken by an alert reads, and what shows that it is up
// when it should be and silent when not.
func TestEveryAlertIsToldAndTested(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	operations := read("../docs/operations.md")
	tested, silent := read("../deploy/alerts_test.yml"), read("../deploy/alerts_silent_test.yml")
	alerts := alertName.FindAllStringSubmatch(read("../deploy/alerts.yml"), -1)
	if len(alerts) < 10 {
		t.Errorf("%d alerts, want at least 10", len(alerts))
	}
	for _, match := range alerts {
		if !regexp.MustCompile(`(?m)^\| [^|]*\b` + match[1] + `\b`).MatchString(operations) {
			t.Errorf("docs/operations.md does not tell %s", match[1])
		}
		if !regexp.MustCompile(`alertname: ` + match[1] + `\n +eval_time: \w+\n +exp_alerts:`).MatchString(tested) {
			t.Errorf("alerts_test.yml has no case in which %s is up", match[1])
		}
		if !strings.Contains(silent, "alertname: "+match[1]+",") {
			t.Errorf("alerts_silent_test.yml has no case in which %s is silent", match[1])
		}
	}
}
