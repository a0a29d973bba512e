package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// dashboard is what of a dashboard can be right or wrong without Grafana.
type dashboard struct {
	UID, Title string
	Templating struct{ List []variable } // what expressions may use after a $
	Panels     []panel                   // rows among them
}

type variable struct{ Name string }

// panel is one picture, or the heading of a row, which has no unit, data source and
// questions.
type panel struct {
	ID          uint32
	Type, Title string
	FieldConfig struct{ Defaults struct{ Unit string } }
	Datasource  source
	Place       place `json:"gridPos"`
	Targets     []target
}

type source struct{ Type, UID string }

// place is a rectangle on a grid that is 24 cells wide and grows downwards.
type place struct{ X, Y, W, H uint32 }

// target is one question of a panel, in PromQL with Grafana's variables.
type target struct {
	RefID, Expr string
	Legend      string `json:"legendFormat"` // names a series by its labels: {{label}}
	Datasource  source
	Instant     bool // asks for the newest values, where others ask for a range of time
}

// registerVariants makes known the kinds of panels and questions that a
// dashboard may have; others are read without a look at their options, and
// parseDashboard refuses them. All of the SDK's kinds would take half a minute to
// compile.
var registerVariants = sync.OnceFunc(func() {
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(table.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
})

// parseDashboard reads the JSON of a dashboard. A field that Grafana does not know,
// one of the wrong type and one that is missing are errors, each named by its path.
func parseDashboard(text []byte) (dashboard, error) {
	registerVariants()
	var parsed dashboard
	err := checkTypes(text)
	if err == nil {
		err = json.Unmarshal(text, &parsed)
	}
	if err != nil {
		return dashboard{}, fmt.Errorf("dashboard: %w", err)
	}
	for _, panel := range parsed.Panels {
		if _, known := cog.ConfigForPanelcfgVariant(panel.Type); !known && panel.Type != "row" {
			return dashboard{}, fmt.Errorf("panel %q: received type %q, expected row, stat, table or timeseries", panel.Title, panel.Type)
		}
		for _, target := range panel.Targets {
			if target.Datasource.Type != "prometheus" {
				return dashboard{}, fmt.Errorf("panel %q: question %s: received data source of type %q, expected one for prometheus",
					panel.Title, target.RefID, target.Datasource.Type)
			}
		}
	}
	return parsed, nil
}

// classic is the form that every Grafana imports; its successor needs version 12.
type classic = grafana.Dashboard //nolint:staticcheck // deprecated in favour of a form that few can import yet

// checkTypes reads twice: the SDK's strict reading finds what is wrong, yet
// returns an empty list of errors where nothing is, and leaves out panels on the
// way.
func checkTypes(text []byte) error {
	var strict, source classic
	var faults cog.BuildErrors
	if err := strict.UnmarshalJSONStrict(text); err != nil && (!errors.As(err, &faults) || len(faults) > 0) {
		return err
	}
	if err := json.Unmarshal(text, &source); err != nil {
		return err
	}
	return source.Validate()
}

// gridWidth is how many cells Grafana's grid has from left to right.
const gridWidth = 24

// chosenSource is the uid that every question goes to: the variable that lets the
// reader choose a Prometheus.
const chosenSource = "${datasource}"

// knownUnits are those of Grafana's units that say something about this
// service's numbers.
var knownUnits = []string{
	units.Short, units.PercentUnit, units.BytesIEC, units.DateTimeFromNow,
	units.Seconds, units.CountsPerSecond, units.RequestsPerSecond,
}

// usedVariable is a variable in an expression; Grafana's own begin with two
// underscores.
var usedVariable = regexp.MustCompile(`\$\{?(\w+)`)

// faults are what is wrong with something, a sentence each, in the order of the file.
type faults []string

// unless adds a fault where something does not hold.
func (f *faults) unless(holds bool, format string, args ...any) {
	if !holds {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// faults are what is wrong with the dashboard; none when all is right.
func (d dashboard) faults() faults {
	var found faults
	found.unless(d.UID != "" && d.Title != "", "received uid %q and title %q, expected both", d.UID, d.Title)
	for _, name := range []string{"datasource", "instance"} {
		found.unless(d.hasVariable(name), "received variables %v, expected %q among them", d.Templating.List, name)
	}
	for i, panel := range d.Panels {
		for _, fault := range slices.Concat(panel.faults(), panel.clashes(d.Panels[:i]), d.unknownVariables(panel)) {
			found = append(found, fmt.Sprintf("panel %q: %s", panel.Title, fault))
		}
	}
	return found
}

func (d dashboard) hasVariable(name string) bool {
	return slices.Contains(d.Templating.List, variable{name})
}

// faults are those that the panel alone has: lines that can't be told apart, above
// all.
func (p panel) faults() faults {
	var found faults
	found.unless(p.Title != "" && p.ID != 0, "received id %d and title %q, expected both", p.ID, p.Title)
	found.unless(p.Place.W > 0 && p.Place.H > 0 && p.Place.X+p.Place.W <= gridWidth,
		"received place %+v, expected a size within %d cells of width", p.Place, gridWidth)
	if p.Type == "row" {
		return found
	}
	unit := p.FieldConfig.Defaults.Unit
	found.unless(slices.Contains(knownUnits, unit), "received unit %q, expected one of %q", unit, knownUnits)
	found.unless(p.Datasource.UID == chosenSource, "received data source %q, expected %q", p.Datasource.UID, chosenSource)
	found.unless(len(p.Targets) > 0, "received no question, expected at least one")
	var refs, legends []string
	for _, target := range p.Targets {
		found.unless(target.RefID != "" && !slices.Contains(refs, target.RefID), "received question %q, expected a name of its own", target.RefID)
		found.unless(p.Type != "timeseries" || target.Legend != "" && !slices.Contains(legends, target.Legend),
			"question %s: received legend %q, expected one of its own", target.RefID, target.Legend)
		found.unless(target.Datasource.UID == chosenSource,
			"question %s: received data source %q, expected %q", target.RefID, target.Datasource.UID, chosenSource)
		refs, legends = append(refs, target.RefID), append(legends, target.Legend)
	}
	return found
}

// clashes are what the panel shares with those before it and must not.
func (p panel) clashes(before []panel) faults {
	var found faults
	for _, other := range before {
		found.unless(p.ID != other.ID, "received id %d, which %q has too", p.ID, other.Title)
		a, b := p.Place, other.Place
		overlap := a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
		found.unless(!overlap, "received place %+v, which overlaps with %q at %+v", a, other.Title, b)
	}
	return found
}

// unknownVariables tells of questions that leave out the chosen instances, or
// use a variable that nobody sets.
func (d dashboard) unknownVariables(panel panel) faults {
	var found faults
	for _, target := range panel.Targets {
		var used []string
		for _, match := range usedVariable.FindAllStringSubmatch(target.Expr, -1) {
			used = append(used, match[1])
			found.unless(match[1] == "__rate_interval" || d.hasVariable(match[1]),
				"question %s: received variable $%s, expected one of %v or $__rate_interval", target.RefID, match[1], d.Templating.List)
		}
		found.unless(slices.Contains(used, "instance"), "question %s: received %q, expected $instance in it", target.RefID, target.Expr)
	}
	return found
}
