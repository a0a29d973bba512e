package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files of a small deployment, a dashboard with one question, whose form has
// no fault, and a unit test of an alert; and what such an alert looks like.
const (
	oneQuestion = `{
  "uid": "u", "title": "t", "schemaVersion": 39, "annotations": {"list": []},
  "templating": {"list": [{"name": "datasource", "type": "datasource"}, {"name": "instance", "type": "query"}]},
  "panels": [{
    "id": 1, "type": "stat", "title": "Health", "datasource": {"type": "prometheus", "uid": "${datasource}"},
    "gridPos": {"h": 4, "w": 4, "x": 0, "y": 0}, "fieldConfig": {"defaults": {"unit": "short"}, "overrides": []},
    "targets": [{"refId": "A", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "expr": "min(up{instance=~\"$instance\"})", "instant": true}]
  }]
}`
	// raised replaces an alert rule's empty list in Prometheus' answers.
	raised  = `"alerts": [{"state": "pending", "activeAt": "2026-01-02T03:04:05Z", "labels": {}, "annotations": {}, "value": "1"}]`
	oneTest = "input_series:\n  - series: 'up{instance=\"a\"}'\n"
)

// healthy is what a Prometheus answers at each path when all is well.
func healthy() map[string]string {
	return map[string]string{
		"/api/v1/label/instance/values": `["127.0.0.1:1"]`,
		"/api/v1/query":                 `{"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}`,
		"/api/v1/rules":                 `{"groups": [{"name": "g", "rules": [{"type": "alerting", "name": "Down", "query": "up == 0", "duration": 60, "health": "ok", "state": "inactive", "alerts": []}]}]}`,
		"/api/v1/series":                `[{"__name__": "up", "instance": "127.0.0.1:1"}]`,
	}
}

// servePrometheus serves answers by path, and an error where there is none.
func servePrometheus(t *testing.T, answers map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, known := answers[r.URL.Path]
		if !known {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status": "error", "errorType": "bad_data", "error": "parse error"}`)
			return
		}
		fmt.Fprintf(w, `{"status": "success", "data": %s}`, data)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// files writes the dashboard and the tests, and returns the flags that name them.
func files(t *testing.T, dashboard, tests string) []string {
	t.Helper()
	folder := t.TempDir()
	paths := []string{filepath.Join(folder, "dashboard.json"), filepath.Join(folder, "tests.yml")}
	for i, text := range []string{dashboard, tests} {
		if err := os.WriteFile(paths[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"-dashboard", paths[0], "-tests", paths[1], "-wait", "0s"}
}

func TestRunChecksForm(t *testing.T) {
	tests := []struct {
		name          string
		giveDashboard string
		wantOutput    string
		wantError     string // empty: none
	}{
		{"in order", oneQuestion, "1 panels and rows with 1 expressions", ""},
		{"a fault", strings.Replace(oneQuestion, "short", "apples", 1), `unit "apples"`, "the dashboard has faults"},
		{"no dashboard", "[]", "", "dashboard: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout strings.Builder
			err := run(t.Context(), files(t, tt.giveDashboard, oneTest), &stdout, t.Output())
			if (tt.wantError == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantError) {
				t.Errorf("run = %v, want %q", err, tt.wantError)
			}
			if !strings.Contains(stdout.String(), tt.wantOutput) {
				t.Errorf("output %q, want %q in it", &stdout, tt.wantOutput)
			}
		})
	}
}

func TestRunAsksPrometheus(t *testing.T) {
	const path, rules = "/api/v1/query", "/api/v1/rules"
	tests := []struct {
		name       string
		giveTests  string
		give       func(answers map[string]string)
		wantOutput string
		wantError  bool
	}{
		{"healthy", oneTest, func(map[string]string) {}, "1 expressions have data, 1 alerts are silent", false},
		{"no series", oneTest, func(a map[string]string) { a[path] = `{"resultType": "vector", "result": []}` }, "EMPTY", true},
		{"no number", oneTest, func(a map[string]string) { a[path] = strings.Replace(a[path], `"1"`, `"NaN"`, 1) }, "EMPTY", true},
		{"refused expression", oneTest, func(a map[string]string) { delete(a, path) }, "parse error", true},
		{"alert is up", oneTest, func(a map[string]string) {
			a[rules] = strings.Replace(a[rules], `"alerts": []`, raised, 1)
		}, "UP 1 times", true},
		{"alert can't be evaluated", oneTest, func(a map[string]string) {
			a[rules] = strings.Replace(a[rules], `"health": "ok"`, `"health": "err", "lastError": "many-to-many"`, 1)
		}, "many-to-many", true},
		{"no alerts", oneTest, func(a map[string]string) { a[rules] = `{"groups": []}` }, "", true},
		{"no instance", oneTest, func(a map[string]string) { a["/api/v1/label/instance/values"] = `[]` }, "", true},
		{"test of a series that is not", strings.Replace(oneTest, "instance", "host", 1), func(map[string]string) {}, `up with labels ["__name__" "host"]`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := healthy()
			tt.give(answers)
			var stdout strings.Builder
			args := append(files(t, oneQuestion, tt.giveTests), "-prometheus", servePrometheus(t, answers))
			err := run(t.Context(), args, &stdout, t.Output())
			if (err != nil) != tt.wantError {
				t.Errorf("run = %v, want an error: %v", err, tt.wantError)
			}
			if !strings.Contains(stdout.String(), tt.wantOutput) {
				t.Errorf("output %q, want %q in it", &stdout, tt.wantOutput)
			}
		})
	}
}

// A panel that is empty at first, or an alert that is up, is asked again.
func TestRunWaitsForHealth(t *testing.T) {
	tests := []struct {
		name      string
		givePath  string
		giveFirst string // the answer's data, at first
	}{
		{"a panel is empty", "/api/v1/query", `{"resultType": "vector", "result": []}`},
		{"an alert is up", "/api/v1/rules", strings.Replace(healthy()["/api/v1/rules"], `"alerts": []`, raised, 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			full, asked := servePrometheus(t, healthy()), 0
			first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == tt.givePath {
					if asked++; asked == 1 {
						fmt.Fprintf(w, `{"status": "success", "data": %s}`, tt.giveFirst)
						return
					}
				}
				http.Redirect(w, r, full+r.URL.Path, http.StatusTemporaryRedirect)
			}))
			defer first.Close()
			args := append(files(t, oneQuestion, oneTest), "-prometheus", first.URL, "-wait", "1m")
			if err := run(t.Context(), args, t.Output(), t.Output()); err != nil {
				t.Errorf("run = %v, want none", err)
			}
			if asked < 2 {
				t.Errorf("asked %d times, want at least twice", asked)
			}
		})
	}
}
