package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestParseDashboard(t *testing.T) {
	got, err := parseDashboard([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	source := source{Type: "prometheus", UID: "${datasource}"}
	want := dashboard{
		UID: "u", Title: "t",
		Panels: []panel{
			{ID: 1, Type: "row", Title: "Calls", Place: place{W: 24, H: 1}},
			{
				ID: 2, Type: "timeseries", Title: "Queue", Datasource: source, Place: place{Y: 1, W: 12, H: 8},
				Targets: []target{{
					RefID: "A", Expr: `a{instance=~"$instance"}`, Legend: "{{instance}}", Datasource: source, Instant: true,
				}},
			},
		},
	}
	want.Templating.List = []variable{{Name: "datasource"}, {Name: "instance"}}
	want.Panels[1].FieldConfig.Defaults.Unit = "short"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if faults := got.faults(); len(faults) > 0 {
		t.Errorf("Faults = %q, want none", faults)
	}
}

func TestParseDashboardRefuses(t *testing.T) {
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
			_, err := parseDashboard([]byte(text))
			if err == nil || !strings.Contains(err.Error(), tt.wantNaming) {
				t.Errorf("Parse = %v, want an error with %q", err, tt.wantNaming)
			}
		})
	}
}

func TestDeployedDashboardHasNoFaults(t *testing.T) {
	text, err := os.ReadFile("../grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseDashboard(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range parsed.faults() {
		t.Error(fault)
	}
}

// faultless is a dashboard with a row and two panels side by side.
func faultless() dashboard {
	source := source{Type: "prometheus", UID: "${datasource}"}
	newPanel := func(id, x uint32, title string) panel {
		made := panel{
			ID: id, Type: "timeseries", Title: title, Datasource: source,
			Place: place{X: x, Y: 1, W: 12, H: 8},
			Targets: []target{
				{RefID: "A", Expr: `rate(a{instance=~"$instance"}[$__rate_interval])`, Legend: "a", Datasource: source},
				{RefID: "B", Expr: `b{instance=~"$instance"}`, Legend: "b", Datasource: source},
			},
		}
		made.FieldConfig.Defaults.Unit = "short"
		return made
	}
	made := dashboard{
		UID: "u", Title: "t",
		Panels: []panel{
			{ID: 1, Type: "row", Title: "Row", Place: place{W: 24, H: 1}},
			newPanel(2, 0, "Left"), newPanel(3, 12, "Right"),
		},
	}
	made.Templating.List = []variable{{Name: "datasource"}, {Name: "instance"}}
	return made
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name string
		give func(*dashboard)
		want string // in the only fault; empty: none
	}{
		{"none", func(*dashboard) {}, ""},
		{"no uid", func(d *dashboard) { d.UID = "" }, `uid ""`},
		{"no choice of a source", func(d *dashboard) { d.Templating.List = d.Templating.List[1:] }, `"datasource" among them`},
		{"no title", func(d *dashboard) { d.Panels[1].Title = "" }, `title ""`},
		{"no width", func(d *dashboard) { d.Panels[2].Place.W = 0 }, "expected a size"},
		{"beyond the grid", func(d *dashboard) { d.Panels[2].Place.W = 13 }, "24 cells of width"},
		{"overlap", func(d *dashboard) { d.Panels[2].Place.X = 11 }, `overlaps with "Left"`},
		{"overlap with a row", func(d *dashboard) { d.Panels[1].Place.Y = 0 }, `overlaps with "Row"`},
		{"id twice", func(d *dashboard) { d.Panels[2].ID = 2 }, `which "Left" has too`},
		{"unknown unit", func(d *dashboard) { d.Panels[1].FieldConfig.Defaults.Unit = "seconds" }, `unit "seconds"`},
		{"fixed source", func(d *dashboard) { d.Panels[1].Datasource.UID = "abc" }, `data source "abc"`},
		{"fixed source of a question", func(d *dashboard) { d.Panels[1].Targets[0].Datasource.UID = "abc" }, `question A: received data source "abc"`},
		{"no question", func(d *dashboard) { d.Panels[1].Targets = nil }, "no question"},
		{"question twice", func(d *dashboard) { d.Panels[1].Targets[1].RefID = "A" }, `question "A"`},
		{"legend twice", func(d *dashboard) { d.Panels[1].Targets[1].Legend = "a" }, `legend "a"`},
		{"no legend", func(d *dashboard) { d.Panels[1].Targets[0].Legend = "" }, `legend ""`},
		{"number without legend", func(d *dashboard) { d.Panels[1].Type, d.Panels[1].Targets[0].Legend = "stat", "" }, ""},
		{"unknown variable", func(d *dashboard) { d.Panels[1].Targets[1].Expr = `b{instance=~"$instance", job="$job"}` }, "variable $job"},
		{"all instances", func(d *dashboard) { d.Panels[1].Targets[1].Expr = "b" }, "expected $instance"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			give := faultless()
			tt.give(&give)
			got := give.faults()
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("Faults = %q, want none", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
				t.Errorf("Faults = %q, want one with %q", got, tt.want)
			}
		})
	}
}
