package dashboard_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/deploy/check/dashboard"
)

// document is a dashboard with a row and a panel, and no fault.
const document = `{
  "uid": "u", "title": "t", "schemaVersion": 39, "annotations": {"list": []},
  "templating": {"list": [
    {"name": "datasource", "type": "datasource", "query": "prometheus"},
    {"name": "instance", "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}}
  ]},
  "panels": [
    {"id": 1, "type": "row", "title": "Calls", "collapsed": false, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0}, "panels": []},
    {"id": 2, "type": "timeseries", "title": "Queue",
     "datasource": {"type": "prometheus", "uid": "${datasource}"},
     "gridPos": {"h": 8, "w": 12, "x": 0, "y": 1},
     "fieldConfig": {"defaults": {"unit": "short"}, "overrides": []},
     "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []}, "tooltip": {"mode": "multi", "sort": "desc"}},
     "targets": [{"refId": "A", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "expr": "a{instance=~\"$instance\"}", "legendFormat": "{{instance}}", "instant": true}]}
  ]
}`

func TestParse(t *testing.T) {
	got, err := dashboard.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	source := dashboard.Source{Type: "prometheus", UID: "${datasource}"}
	want := dashboard.Dashboard{
		UID: "u", Title: "t",
		Panels: []dashboard.Panel{
			{ID: 1, Type: "row", Title: "Calls", Place: dashboard.Place{W: 24, H: 1}},
			{
				ID: 2, Type: "timeseries", Title: "Queue", Datasource: source, Place: dashboard.Place{Y: 1, W: 12, H: 8},
				Targets: []dashboard.Target{{
					RefID: "A", Expr: `a{instance=~"$instance"}`, Legend: "{{instance}}", Datasource: source, Instant: true,
				}},
			},
		},
	}
	want.Templating.List = []dashboard.Variable{{Name: "datasource"}, {Name: "instance"}}
	want.Panels[1].FieldConfig.Defaults.Unit = "short"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if faults := got.Faults(); len(faults) > 0 {
		t.Errorf("Faults = %q, want none", faults)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name       string
		giveOld    string // in the document
		giveNew    string
		wantNaming string // in the error
	}{
		{"no JSON", "{", "", "invalid character"},
		{"unknown field", `"uid": "u",`, `"uid": "u", "colour": "red",`, "colour"},
		{"wrong type", `"w": 12`, `"w": "12"`, "gridPos"},
		{"missing option", `"showLegend": true,`, "", "showLegend"},
		{"value out of its range", `"w": 12`, `"w": 25`, "gridPos.w"},
		{"panel of a kind that is not checked", `"type": "timeseries"`, `"type": "piechart"`, "piechart"},
		{"another kind of source", `"prometheus", "uid"`, `"loki", "uid"`, "expected one for prometheus"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.ReplaceAll(document, tt.giveOld, tt.giveNew)
			if text == document {
				t.Fatalf("the document has no %q", tt.giveOld)
			}
			_, err := dashboard.Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), tt.wantNaming) {
				t.Errorf("Parse = %v, want an error with %q", err, tt.wantNaming)
			}
		})
	}
}

func TestDeployedDashboardHasNoFaults(t *testing.T) {
	text, err := os.ReadFile("../../grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := dashboard.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range parsed.Faults() {
		t.Error(fault)
	}
}
