package dashboard_test

import (
	"strings"
	"testing"

	"siamese/deploy/check/dashboard"
)

// faultless is a dashboard with a row and two panels side by side.
func faultless() dashboard.Dashboard {
	source := dashboard.Source{Type: "prometheus", UID: "${datasource}"}
	panel := func(id, x uint32, title string) dashboard.Panel {
		made := dashboard.Panel{
			ID: id, Type: "timeseries", Title: title, Datasource: source,
			Place: dashboard.Place{X: x, Y: 1, W: 12, H: 8},
			Targets: []dashboard.Target{
				{RefID: "A", Expr: `rate(a{instance=~"$instance"}[$__rate_interval])`, Legend: "a", Datasource: source},
				{RefID: "B", Expr: `b{instance=~"$instance"}`, Legend: "b", Datasource: source},
			},
		}
		made.FieldConfig.Defaults.Unit = "short"
		return made
	}
	made := dashboard.Dashboard{
		UID: "u", Title: "t",
		Panels: []dashboard.Panel{
			{ID: 1, Type: "row", Title: "Row", Place: dashboard.Place{W: 24, H: 1}},
			panel(2, 0, "Left"), panel(3, 12, "Right"),
		},
	}
	made.Templating.List = []dashboard.Variable{{Name: "datasource"}, {Name: "instance"}}
	return made
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name string
		give func(*dashboard.Dashboard)
		want string // in the only fault; empty: none
	}{
		{"none", func(*dashboard.Dashboard) {}, ""},
		{"no uid", func(d *dashboard.Dashboard) { d.UID = "" }, `uid ""`},
		{"no choice of a source", func(d *dashboard.Dashboard) { d.Templating.List = d.Templating.List[1:] }, `"datasource" among them`},
		{"no title", func(d *dashboard.Dashboard) { d.Panels[1].Title = "" }, `title ""`},
		{"no width", func(d *dashboard.Dashboard) { d.Panels[2].Place.W = 0 }, "expected a size"},
		{"beyond the grid", func(d *dashboard.Dashboard) { d.Panels[2].Place.W = 13 }, "24 cells of width"},
		{"overlap", func(d *dashboard.Dashboard) { d.Panels[2].Place.X = 11 }, `overlaps with "Left"`},
		{"overlap with a row", func(d *dashboard.Dashboard) { d.Panels[1].Place.Y = 0 }, `overlaps with "Row"`},
		{"id twice", func(d *dashboard.Dashboard) { d.Panels[2].ID = 2 }, `which "Left" has too`},
		{"unknown unit", func(d *dashboard.Dashboard) { d.Panels[1].FieldConfig.Defaults.Unit = "seconds" }, `unit "seconds"`},
		{"fixed source", func(d *dashboard.Dashboard) { d.Panels[1].Datasource.UID = "abc" }, `data source "abc"`},
		{"fixed source of a question", func(d *dashboard.Dashboard) { d.Panels[1].Targets[0].Datasource.UID = "abc" }, `question A: received data source "abc"`},
		{"no question", func(d *dashboard.Dashboard) { d.Panels[1].Targets = nil }, "no question"},
		{"question twice", func(d *dashboard.Dashboard) { d.Panels[1].Targets[1].RefID = "A" }, `question "A"`},
		{"legend twice", func(d *dashboard.Dashboard) { d.Panels[1].Targets[1].Legend = "a" }, `legend "a"`},
		{"no legend", func(d *dashboard.Dashboard) { d.Panels[1].Targets[0].Legend = "" }, `legend ""`},
		{"number without legend", func(d *dashboard.Dashboard) { d.Panels[1].Type, d.Panels[1].Targets[0].Legend = "stat", "" }, ""},
		{"unknown variable", func(d *dashboard.Dashboard) { d.Panels[1].Targets[1].Expr = `b{instance=~"$instance", job="$job"}` }, "variable $job"},
		{"all instances", func(d *dashboard.Dashboard) { d.Panels[1].Targets[1].Expr = "b" }, "expected $instance"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			give := faultless()
			tt.give(&give)
			got := give.Faults()
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("Faults = %q, want none", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
				t.Errorf("Faults = %q, want one with %q", got, tt.want)
			}
		})
	}
}
