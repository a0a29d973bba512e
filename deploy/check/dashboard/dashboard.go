// Package dashboard reads a dashboard of Grafana as strictly as its own types
// allow, and says where it would not look or work as meant.
package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Dashboard is what of a dashboard can be right or wrong without Grafana. The
// zero value is an empty one, which has faults.
type Dashboard struct {
	// UID is what links name it by.
	UID string
	// Title is shown above it.
	Title string
	// Templating has the variables that expressions may use after a $.
	Templating struct{ List []Variable }
	// Panels are its panels, rows among them, in the order of the file.
	Panels []Panel
}

// Variable is what a reader of the dashboard chooses.
type Variable struct{ Name string }

// Panel is one picture, or the heading of a row.
type Panel struct {
	// ID is unique in a dashboard; 0 where it has none.
	ID uint32
	// Type is row, stat, table or timeseries.
	Type string
	// Title is shown above it.
	Title string
	// FieldConfig has Grafana's name of the unit of its numbers; empty in a row.
	FieldConfig struct{ Defaults struct{ Unit string } }
	// Datasource is the source that it asks; empty in a row.
	Datasource Source
	// Place is where it stands.
	Place Place `json:"gridPos"`
	// Targets are its questions; none in a row.
	Targets []Target
}

// Source is a source of data.
type Source struct {
	// Type is its kind, such as prometheus.
	Type string
	// UID is what it is named by; it may be a variable.
	UID string
}

// Place is a rectangle on a grid that is 24 cells wide and grows downwards.
type Place struct {
	// X and Y are the upper left corner, W and H the size, in cells.
	X, Y, W, H uint32
}

// Target is one question of a panel.
type Target struct {
	// RefID is unique in a panel.
	RefID string
	// Expr is PromQL with Grafana's variables in it.
	Expr string
	// Legend names a series by its labels: {{label}}; empty: all of them.
	Legend string `json:"legendFormat"`
	// Datasource is the source that it asks.
	Datasource Source
	// Instant asks for the newest values, where others ask for a range of time.
	Instant bool
}

// registerVariants makes known the kinds of panels and questions that a
// dashboard may have; others are read without a look at their options, and Parse
// refuses them. All of the SDK's kinds would take half a minute to compile.
var registerVariants = sync.OnceFunc(func() {
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(table.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
})

// Parse reads the JSON of a dashboard. A field that Grafana does not know, one
// of the wrong type and one that is missing are errors, each named by its path.
// It may be called concurrently.
func Parse(text []byte) (Dashboard, error) {
	registerVariants()
	if err := checkTypes(text); err != nil {
		return Dashboard{}, fmt.Errorf("dashboard: %w", err)
	}
	var parsed Dashboard
	if err := json.Unmarshal(text, &parsed); err != nil {
		return Dashboard{}, fmt.Errorf("dashboard: %w", err)
	}
	for _, panel := range parsed.Panels {
		if err := panel.checkKinds(); err != nil {
			return Dashboard{}, fmt.Errorf("panel %q: %w", panel.Title, err)
		}
	}
	return parsed, nil
}

// classic is the form that every Grafana imports; its successor needs version 12.
type classic = dashboard.Dashboard //nolint:staticcheck // deprecated in favour of a form that few can import yet

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

// checkKinds returns an error for a panel or question whose options the SDK has
// not read.
func (p Panel) checkKinds() error {
	if _, known := cog.ConfigForPanelcfgVariant(p.Type); !known && p.Type != "row" {
		return fmt.Errorf("received type %q, expected row, stat, table or timeseries", p.Type)
	}
	for _, target := range p.Targets {
		if target.Datasource.Type != "prometheus" {
			return fmt.Errorf("question %s: received data source of type %q, expected one for prometheus", target.RefID, target.Datasource.Type)
		}
	}
	return nil
}
