package dashboard

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// gridWidth is how many cells Grafana's grid has from left to right.
const gridWidth = 24

// source is the uid that every question goes to: the variable that lets the
// reader choose a Prometheus.
const source = "${datasource}"

// knownUnits are those of Grafana's units that say something about this
// service's numbers.
var knownUnits = []string{
	units.Short, units.PercentUnit, units.BytesIEC, units.DateTimeFromNow,
	units.Seconds, units.CountsPerSecond, units.RequestsPerSecond,
}

// variable is a variable in an expression; Grafana's own begin with two
// underscores.
var variable = regexp.MustCompile(`\$\{?(\w+)`)

// Faults are what is wrong with the dashboard, a sentence each, in the order of
// the file; none when all is right.
func (d Dashboard) Faults() []string {
	var faults []string
	if d.UID == "" || d.Title == "" {
		faults = append(faults, fmt.Sprintf("received uid %q and title %q, expected both", d.UID, d.Title))
	}
	for _, name := range []string{"datasource", "instance"} {
		if !d.hasVariable(name) {
			faults = append(faults, fmt.Sprintf("received variables %v, expected %q among them", d.Templating.List, name))
		}
	}
	for i, panel := range d.Panels {
		for _, fault := range slices.Concat(panel.faults(), panel.clashes(d.Panels[:i]), d.unknownVariables(panel)) {
			faults = append(faults, fmt.Sprintf("panel %q: %s", panel.Title, fault))
		}
	}
	return faults
}

func (d Dashboard) hasVariable(name string) bool {
	return slices.Contains(d.Templating.List, Variable{name})
}

// faults are those that the panel has by itself.
func (p Panel) faults() []string {
	var faults []string
	if p.Title == "" || p.ID == 0 {
		faults = append(faults, fmt.Sprintf("received id %d and title %q, expected both", p.ID, p.Title))
	}
	if p.Place.W == 0 || p.Place.H == 0 || p.Place.X+p.Place.W > gridWidth {
		faults = append(faults, fmt.Sprintf("received place %+v, expected a size within %d cells of width", p.Place, gridWidth))
	}
	if p.Type == "row" {
		return faults
	}
	if unit := p.FieldConfig.Defaults.Unit; !slices.Contains(knownUnits, unit) {
		faults = append(faults, fmt.Sprintf("received unit %q, expected one of %q", unit, knownUnits))
	}
	if p.Datasource.UID != source {
		faults = append(faults, fmt.Sprintf("received data source %q, expected %q", p.Datasource.UID, source))
	}
	if len(p.Targets) == 0 {
		faults = append(faults, "received no question, expected at least one")
	}
	return append(faults, p.targetFaults()...)
}

// targetFaults are those of the panel's questions: lines that can't be told
// apart, above all.
func (p Panel) targetFaults() []string {
	var faults, refs, legends []string
	for _, target := range p.Targets {
		if target.RefID == "" || slices.Contains(refs, target.RefID) {
			faults = append(faults, fmt.Sprintf("received question %q, expected a name of its own", target.RefID))
		}
		if p.Type == "timeseries" && (target.Legend == "" || slices.Contains(legends, target.Legend)) {
			faults = append(faults, fmt.Sprintf("question %s: received legend %q, expected one of its own", target.RefID, target.Legend))
		}
		if target.Datasource.UID != source {
			faults = append(faults, fmt.Sprintf("question %s: received data source %q, expected %q", target.RefID, target.Datasource.UID, source))
		}
		refs, legends = append(refs, target.RefID), append(legends, target.Legend)
	}
	return faults
}

// clashes are what the panel shares with those before it and must not.
func (p Panel) clashes(before []Panel) []string {
	var faults []string
	for _, other := range before {
		if p.ID == other.ID {
			faults = append(faults, fmt.Sprintf("received id %d, which %q has too", p.ID, other.Title))
		}
		if p.Place.overlaps(other.Place) {
			faults = append(faults, fmt.Sprintf("received place %+v, which overlaps with %q at %+v", p.Place, other.Title, other.Place))
		}
	}
	return faults
}

func (p Place) overlaps(other Place) bool {
	return p.X < other.X+other.W && other.X < p.X+p.W && p.Y < other.Y+other.H && other.Y < p.Y+p.H
}

// unknownVariables tells of questions that leave out the chosen instances, or
// use a variable that nobody sets.
func (d Dashboard) unknownVariables(panel Panel) []string {
	var faults []string
	for _, target := range panel.Targets {
		var used []string
		for _, match := range variable.FindAllStringSubmatch(target.Expr, -1) {
			used = append(used, match[1])
			if match[1] != "__rate_interval" && !d.hasVariable(match[1]) {
				faults = append(faults, fmt.Sprintf("question %s: received variable $%s, expected one of %v or $__rate_interval", target.RefID, match[1], d.Templating.List))
			}
		}
		if !slices.Contains(used, "instance") {
			faults = append(faults, fmt.Sprintf("question %s: received %q, expected $instance in it", target.RefID, target.Expr))
		}
	}
	return faults
}
